'use strict';

// The package as it would be published: packing it, installing it into empty projects, and a PATH
// on which there is no compiler.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('../deps/run');
const { packSource, removeArchive } = require('../deps/archive');
const { locateSource } = require('../deps/source');
const { buildTypeScript } = require('./build-ts');
const { hostTarget } = require('./targets');
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

/** Packs the checkout: { file, size, unpackedSize, files: [{ path, size, mode }] }. */
function pack(folder) {
  prepack();
  fs.mkdirSync(folder, { recursive: true });
  const args = [npmProgram(), 'pack', '--json', '--ignore-scripts', '--pack-destination', folder];
  const [info] = JSON.parse(run(process.execPath, args, { cwd: root, env: cleanEnvironment() }));
  postpack();
  return { ...info, file: path.join(folder, info.filename) };
}

/** The prebuilt binary of this machine, below the root of the package. */
function hostBinary() {
  const target = hostTarget();
  const folder = `${process.platform}-${process.arch}`;
  return target ? target.file : path.join('prebuilds', folder, 'verawebsockets.node');
}

/**
 * The tarball, with this machine's binary from build/Release where the checkout has no prebuilt one: for tests of the
 * package on this machine.
 */
function packWithHostBinary(folder) {
  const packed = pack(folder);
  const binary = hostBinary();
  if (packed.files.some(({ path: name }) => name === binary)) return packed;
  run('tar', ['-xzf', packed.file, '-C', folder]);
  const file = path.join(folder, 'package', binary);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.copyFileSync(path.join(root, 'build', 'Release', 'verawebsockets.node'), file);
  run('tar', ['-czf', packed.file, '-C', folder, 'package']);
  fs.rmSync(path.join(folder, 'package'), { recursive: true });
  return packed;
}

/** A folder for a PATH on which there is this Node and nothing else. */
function pathWithoutCompiler(folder) {
  fs.mkdirSync(folder, { recursive: true });
  const link = path.join(folder, path.basename(process.execPath));
  if (!fs.existsSync(link)) fs.symlinkSync(process.execPath, link);
  return folder;
}

/** Makes an empty project and installs the tarball there: offline, so that nothing else can come. */
function install(tarball, project, { scripts = false, env = cleanEnvironment() } = {}) {
  fs.mkdirSync(project, { recursive: true });
  const manifest = { name: 'project', private: true, type: 'commonjs' };
  fs.writeFileSync(path.join(project, 'package.json'), `${JSON.stringify(manifest)}\n`);
  const args = [npmProgram(), 'install', '--offline', '--no-audit', '--no-fund'];
  args.push('--cache', path.join(project, '.npm'), ...(scripts ? [] : ['--ignore-scripts']));
  run(process.execPath, [...args, tarball], { cwd: project, env });
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
  hostBinary,
  install,
  npmProgram,
  pack,
  packWithHostBinary,
  pathWithoutCompiler,
  postpack,
  prepack,
  readmeExample,
};
