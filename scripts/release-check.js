'use strict';

// Whether the packages can be published as they stand here: all binaries, what is in the tarballs and what is not, what
// a machine of each target gets of them, licence notices, types and module systems.
//
//   npm run release:check               as far as this machine's processor goes
//   npm run release:check -- --cross    and runs the other binaries, emulated (npm run test:cross)
//
// Leaves what it has checked in build/release/. Its last line is the sum, "release: N passed, N failed".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, run, failure } = require('../deps/run');
const { Checks, execute } = require('./execute');
const { inspect } = require('./inspect-binary');
const contents = require('./inspect-package');
const { cleanEnvironment, install } = require('./package');
const { manifestOf } = require('./platform-packages');
const { Registry } = require('./registry');
const { mib, packRelease } = require('./release-pack');
const { TARGETS, hostTarget } = require('./targets');
const { root } = require('./checkout');

const MIB = 1024 * 1024;
/** Of the main package's tarball, most of which is the engine's source and documentation. */
const MAIN_CEILING = 2 * MIB;
/** Of what one installation fetches: that, and one platform package. */
const FETCHED_CEILING = 5 * MIB;

function expectNone(problems) {
  if (problems.length > 0) throw failure(`\n        ${problems.join('\n        ')}`);
}

function checkBinary(target, version) {
  const file = path.join(root, target.file);
  if (!fs.existsSync(file))
    throw failure(`${target.file} is not there (npm run prebuild -- --target ${target.name})`);
  expectNone(inspect(file, target, version));
  return `${mib(fs.statSync(file).size)}, ceiling ${mib(target.ceilingBytes)}`;
}

const tool = (name, program) => path.join(root, 'node_modules', name, program);

async function checkTool(program, args) {
  const { output, code } = await execute(process.execPath, [program, ...args], { cwd: root });
  if (code !== 0) throw failure(`\n${output}`);
}

const pathsIn = (packed) => packed.files.map((file) => file.path);

/** Unpacked into a folder of its own. */
function unpack(packed, folder) {
  const unpacked = path.join(folder, packed.filename.replace(/\.tgz$/, ''));
  fs.mkdirSync(unpacked);
  run('tar', ['-xzf', packed.file, '-C', unpacked, '--strip-components=1']);
  return unpacked;
}

async function checkMain(checks, packed, folder) {
  const unpacked = unpack(packed, folder);
  const text = (name) => fs.readFileSync(path.join(unpacked, name), 'utf8');
  await checks.check('what is in the main package', () => {
    expectNone(contents.inspectFiles(pathsIn(packed)));
    return `${packed.files.length} files`;
  });
  await checks.check('its size', () => {
    if (packed.size > MAIN_CEILING)
      throw failure(`${mib(packed.size)}, ceiling ${mib(MAIN_CEILING)}`);
    return `${mib(packed.size)} packed, ${mib(packed.unpackedSize)} installed, ceiling ${mib(MAIN_CEILING)}`;
  });
  await checks.check('no script at installation, no dependency from elsewhere', () =>
    expectNone(contents.inspectManifest(manifestOf(unpacked), TARGETS)),
  );
  await checks.check('licence notices', () =>
    expectNone(contents.inspectNotices(text('THIRD-PARTY-NOTICES'))),
  );
  await checks.check('the changelog has the version', () => {
    if (!text('CHANGELOG.md').includes(packed.version))
      throw failure(`CHANGELOG.md does not name ${packed.version}`);
  });
  await checks.check('module systems and types: publint', () =>
    checkTool(tool('publint', 'src/cli.js'), [packed.file, '--strict']),
  );
  await checks.check('module systems and types: @arethetypeswrong/cli', () =>
    checkTool(tool('@arethetypeswrong/cli', 'dist/index.js'), [packed.file, '--no-color']),
  );
}

async function checkPlatform(checks, packed, main, folder) {
  const { target } = packed;
  await checks.check(packed.name, () => {
    const unpacked = unpack(packed, folder);
    const notices = fs.readFileSync(path.join(unpacked, 'THIRD-PARTY-NOTICES'), 'utf8');
    expectNone([
      ...contents.inspectPlatformFiles(pathsIn(packed), target),
      ...contents.inspectPlatformManifest(manifestOf(unpacked), target, main.version),
      ...contents.inspectNotices(notices),
    ]);
    const fetched = main.size + packed.size;
    if (fetched > FETCHED_CEILING)
      throw failure(`${mib(fetched)} with the main package, ceiling ${mib(FETCHED_CEILING)}`);
    return `${mib(packed.size)} packed, ${mib(fetched)} with the main package, ceiling ${mib(FETCHED_CEILING)}`;
  });
}

/** The package for the target, and nothing else, is what a machine of its kind gets; the main one finds it. */
async function checkInstallation(target, registry, folder) {
  const project = path.join(folder, `on-${target.name}`);
  const kind = { os: target.platform, cpu: target.arch, ...(target.libc && { libc: target.libc }) };
  const args = Object.entries(kind).map(([key, value]) => `--${key}=${value}`);
  const installed = install(registry, project, { args });
  const scope = path.join(installed, '..', path.dirname(target.package));
  const found = fs.readdirSync(scope).map((name) => `${path.dirname(target.package)}/${name}`);
  if (found.join() !== target.package) throw failure(`it gets ${found.join(', ') || 'none'}`);
  const bytes = fs.readFileSync(path.join(root, target.file));
  const file = path.join(scope, path.basename(target.package), path.basename(target.file));
  if (!fs.readFileSync(file).equals(bytes)) throw failure(`its binary is not ${target.file}`);
  if (target !== hostTarget()) return 'installed';
  const program = `
    const { versions, WebSocket } = require('verawebsockets');
    if (typeof WebSocket !== 'function') throw new Error('no WebSocket');
    console.log(JSON.stringify(versions()));`;
  const env = cleanEnvironment();
  const answer = JSON.parse(run(process.execPath, ['-e', program], { cwd: project, env }));
  return `installed, and loads: libwebsockets ${answer.libwebsockets}, OpenSSL ${answer.openssl}`;
}

/** Returns the checks, and the packages as packRelease() does. */
async function releaseCheck({ cross }) {
  const checks = new Checks();
  const { version } = manifestOf();
  for (const target of TARGETS)
    await checks.check(`binary for ${target.name}`, () => checkBinary(target, version));
  // Without all of them there is nothing to pack.
  if (checks.failed > 0) return { checks, packages: [] };

  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-release-'));
  const packages = packRelease();
  const registry = await Registry.start();
  try {
    const [mainPackage, ...platforms] = [...packages].reverse();
    await checkMain(checks, mainPackage, folder);
    for (const packed of platforms.reverse())
      await checkPlatform(checks, packed, mainPackage, folder);
    for (const { file } of packages) await registry.put(file);
    for (const target of TARGETS)
      await checks.check(`what npm installs for ${target.name}`, () =>
        checkInstallation(target, registry, folder),
      );
  } finally {
    registry.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  if (cross)
    await checks.check('every binary runs', () =>
      run(process.execPath, [path.join(__dirname, 'test-cross.js')], { stdio: 'inherit' }),
    );
  return { checks, packages };
}

if (require.main === module) {
  main(async () => {
    const { checks } = await releaseCheck({ cross: process.argv.includes('--cross') });
    checks.report('release');
  });
}

module.exports = { releaseCheck };
