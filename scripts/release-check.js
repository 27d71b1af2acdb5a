'use strict';

// Whether the package can be published as it stands here: all binaries, what is in the tarball and
// what is not, licence notices, types and module systems.
//
//   npm run release:check               as far as this machine's processor goes
//   npm run release:check -- --cross    and runs the other binaries, emulated (npm run test:cross)
//
// Its last line is the sum, "release: N passed, N failed".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, run, failure } = require('../deps/run');
const { Checks, execute } = require('./execute');
const { inspect } = require('./inspect-binary');
const { inspectFiles, inspectManifest, inspectNotices } = require('./inspect-package');
const { pack } = require('./package');
const { TARGETS, hostTarget } = require('./targets');
const { root } = require('./checkout');

/** Of the tarball: binaries of about 2 MiB each when packed, and the engine's source. */
const PACKED_CEILING = 20 * 1024 * 1024;

const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(2)} MiB`;

function expectNone(problems) {
  if (problems.length > 0) throw failure(`\n        ${problems.join('\n        ')}`);
}

function manifestOf(folder = root) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

function checkBinary(target, version) {
  const file = path.join(root, target.file);
  if (!fs.existsSync(file))
    throw failure(`${target.file} is not there (npm run prebuild -- --target ${target.name})`);
  expectNone(inspect(file, target, version));
  return `${mib(fs.statSync(file).size)}, ceiling ${mib(target.ceilingBytes)}`;
}

/** In a process of its own, from the package as it was packed. */
function loadBinary(target, folder) {
  const file = path.join(folder, target.file);
  if (!fs.existsSync(file)) throw failure(`${target.file} is not there`);
  const program = `
    const { versions, WebSocket } = require('.');
    if (typeof WebSocket !== 'function') throw new Error('no WebSocket');
    console.log(JSON.stringify(versions()));`;
  const env = { ...process.env, VERAWEBSOCKETS_BINARY: file };
  const answer = JSON.parse(run(process.execPath, ['-e', program], { cwd: folder, env }));
  return `libwebsockets ${answer.libwebsockets}, OpenSSL ${answer.openssl}`;
}

const tool = (name, program) => path.join(root, 'node_modules', name, program);

async function checkTool(program, args) {
  const { output, code } = await execute(process.execPath, [program, ...args], { cwd: root });
  if (code !== 0) throw failure(`\n${output}`);
}

async function releaseCheck({ cross }) {
  const checks = new Checks();
  const manifest = manifestOf();
  const { version } = manifest;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-release-'));
  try {
    for (const target of TARGETS)
      await checks.check(`binary for ${target.name}`, () => checkBinary(target, version));

    const packed = pack(folder);
    run('tar', ['-xzf', packed.file, '-C', folder]);
    const unpacked = path.join(folder, 'package');

    const own = hostTarget();
    if (own) await checks.check(`${own.name} loads`, () => loadBinary(own, unpacked));
    await checks.check('what is in the tarball', () => {
      expectNone(
        inspectFiles(
          packed.files.map((file) => file.path),
          TARGETS.map((target) => target.file),
        ),
      );
      return `${packed.files.length} files`;
    });
    await checks.check('its size', () => {
      if (packed.size > PACKED_CEILING)
        throw failure(`${mib(packed.size)}, ceiling ${mib(PACKED_CEILING)}`);
      return `${mib(packed.size)} packed, ${mib(packed.unpackedSize)} installed`;
    });
    await checks.check('no script at installation, no dependency from elsewhere', () =>
      expectNone(inspectManifest(manifestOf(unpacked))),
    );
    await checks.check('licence notices', () =>
      expectNone(
        inspectNotices(fs.readFileSync(path.join(unpacked, 'THIRD-PARTY-NOTICES'), 'utf8')),
      ),
    );
    await checks.check('the changelog has the version', () => {
      if (!fs.readFileSync(path.join(unpacked, 'CHANGELOG.md'), 'utf8').includes(version))
        throw failure(`CHANGELOG.md does not name ${version}`);
    });
    await checks.check('module systems and types: publint', () =>
      checkTool(tool('publint', 'src/cli.js'), [packed.file, '--strict']),
    );
    await checks.check('module systems and types: @arethetypeswrong/cli', () =>
      checkTool(tool('@arethetypeswrong/cli', 'dist/index.js'), [packed.file, '--no-color']),
    );
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  if (cross)
    await checks.check('every binary runs', () =>
      run(process.execPath, [path.join(__dirname, 'test-cross.js')], { stdio: 'inherit' }),
    );
  return checks;
}

if (require.main === module) {
  main(async () => {
    const checks = await releaseCheck({ cross: process.argv.includes('--cross') });
    checks.report('release');
  });
}
