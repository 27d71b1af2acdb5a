'use strict';

// The package as it would be published: packing it, installing it into empty projects, and a PATH
// on which there is no compiler.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, failure } = require('../deps/run');
const { packSource, removeArchive } = require('../deps/archive');
const { locateSource } = require('../deps/source');
const { buildTypeScript } = require('./build-ts');
const { manifestOf, withPlatformPackages, writePlatformPackage } = require('./platform-packages');
const { root } = require('./checkout');

/** npm's own program: what "npm run" names, else beside this Node, else the one on the PATH. */
function npmProgram() {
  const ours = path.dirname(fs.realpathSync(process.execPath));
  const inPath = (process.env.PATH ?? '').split(path.delimiter).map((folder) => {
    const file = path.join(folder, 'npm');
    return fs.existsSync(file) ? fs.realpathSync(file) : undefined;
  });
  const candidates = [
    process.env.npm_execpath,
    path.join(ours, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    ...inPath,
  ];
  const found = candidates.find((file) => file && /npm-cli\.js$/.test(file) && fs.existsSync(file));
  if (!found) throw failure('npm was not found');
  return found;
}

/** Settings of the "npm run" that we may be inside of would reach the npm that we start. */
function cleanEnvironment(environment = process.env) {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) => !/^(?:npm_|VERAWEBSOCKETS_|NODE_PATH$)/.test(name),
    ),
  );
}

/** What must be there before it can be packed, and is not in git: the engine's source, dist/. */
function prepack() {
  // The published source is the pinned one, whatever is being built with at the moment.
  delete process.env.LWS_SOURCE_DIR;
  packSource(locateSource().tree);
  buildTypeScript();
}

/** Takes away what only the package is to hold: a checkout has the tree itself. */
const postpack = removeArchive;

/** Packs a folder as it is into another one: { file, name, size, unpackedSize, files: [{ path, size, mode }] }. */
function npmPack(folder, destination) {
  fs.mkdirSync(destination, { recursive: true });
  const args = [npmProgram(), 'pack', '--json', '--ignore-scripts'];
  const [info] = JSON.parse(
    run(process.execPath, [...args, '--pack-destination', destination], {
      cwd: folder,
      env: cleanEnvironment(),
    }),
  );
  return { ...info, file: path.join(destination, info.filename) };
}

/** Runs make(scratch) with a folder of its own, which goes afterwards. */
function inScratch(make) {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-pack-'));
  try {
    return make(scratch);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

/** What is otherwise in the published package than in the checkout. */
function arrange(folder) {
  // npm tells the registry what package.json says: the platform packages must stand in the one that is published.
  const manifest = withPlatformPackages(manifestOf(folder));
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  // For a binding.gyp in a package's root pnpm and Yarn, and npm before 10.4, run node-gyp at installation, since the
  // registry's short answers lack "gypfile". scripts/build-addon.js puts it where node-gyp looks.
  const native = (name) => path.join(folder, 'native', name);
  fs.renameSync(path.join(folder, 'binding.gyp'), native('binding.gyp'));
  // Headers alone, which no package manager has to bring.
  const headers = path.join(root, 'node_modules', 'node-addon-api');
  const names = fs.readdirSync(headers).filter((name) => /^(?:LICENSE\.md|napi.*\.h)$/.test(name));
  fs.mkdirSync(native('node-addon-api'));
  for (const name of names)
    fs.copyFileSync(path.join(headers, name), path.join(native('node-addon-api'), name));
}

/** Packs the checkout as it is published. */
function pack(folder) {
  return inScratch((scratch) => {
    prepack();
    const { file } = npmPack(root, scratch);
    postpack();
    run('tar', ['-xzf', file, '-C', scratch]);
    const unpacked = path.join(scratch, 'package');
    arrange(unpacked);
    return npmPack(unpacked, folder);
  });
}

/** Packs the platform package of a target: with its prebuilt binary, or with this file. */
function packPlatform(target, folder, binary) {
  return inScratch((scratch) => {
    writePlatformPackage(target, scratch, binary);
    return npmPack(scratch, folder);
  });
}

/** A folder for a PATH on which there is this Node and nothing else. */
function pathWithoutCompiler(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const link = path.join(folder, path.basename(process.execPath));
  if (!fs.existsSync(link)) fs.symlinkSync(process.execPath, link);
  return folder;
}

/** Makes an empty project and installs the package there from a registry of this machine, which has nothing else. */
function install(registry, project, { scripts = false, env = cleanEnvironment(), args = [] } = {}) {
  fs.mkdirSync(project, { recursive: true });
  const manifest = { name: 'project', private: true, type: 'commonjs' };
  fs.writeFileSync(path.join(project, 'package.json'), `${JSON.stringify(manifest)}\n`);
  const all = [npmProgram(), 'install', '--no-audit', '--no-fund', ...args];
  all.push('--cache', path.join(project, '.npm'), ...(scripts ? [] : ['--ignore-scripts']));
  run(process.execPath, [...all, 'verawebsockets'], {
    cwd: project,
    env: { ...env, ...registry.environment },
  });
  return path.join(project, 'node_modules', 'verawebsockets');
}

/** The first program in the README, connecting to another address. */
function readmeExample(url) {
  const text = fs.readFileSync(path.join(root, 'README.md'), 'utf8');
  const program = /^```js\n([\s\S]*?)^```$/m.exec(text)?.[1];
  const address = /ws:\/\/localhost:8080/;
  if (!program || !address.test(program)) throw failure('README.md: its first example has changed');
  return program.replace(address, url);
}

module.exports = {
  cleanEnvironment,
  install,
  npmProgram,
  pack,
  packPlatform,
  pathWithoutCompiler,
  postpack,
  prepack,
  readmeExample,
};
