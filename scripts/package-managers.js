'use strict';

// The package managers that the package is installed by in npm run test:package, kept in build/package-managers/: what
// each is told, and whether it asks for the C library.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../deps/run');
const { cleanEnvironment, npmProgram } = require('./package');
const { RUNTIMES, installRuntime } = require('./runtimes');
const { root } = require('./checkout');

const VERSIONS = {
  'old-npm': 'npm:npm@10.2.5',
  pnpm: '10.34.9',
  yarn: '1.22.22',
  '@yarnpkg/cli-dist': '4.18.1',
};

const FOLDER = path.join(root, 'build', 'package-managers');

/** Installs them if they are not there. */
function installManagers() {
  const manifest = `${JSON.stringify({ private: true, dependencies: VERSIONS }, null, 2)}\n`;
  const stamp = path.join(FOLDER, 'installed.json');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === manifest) return;
  fs.mkdirSync(FOLDER, { recursive: true });
  fs.writeFileSync(path.join(FOLDER, 'package.json'), manifest);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run(process.execPath, [npmProgram(), ...args], { cwd: FOLDER, env: cleanEnvironment() });
  fs.writeFileSync(stamp, manifest);
}

const program = (...names) => [process.execPath, path.join(FOLDER, 'node_modules', ...names)];

const YARN = {
  // It holds back what was published a moment ago, and in CI what changes the lock file.
  YARN_NPM_MINIMAL_AGE_GATE: '0',
  YARN_ENABLE_IMMUTABLE_INSTALLS: 'false',
  YARN_ENABLE_GLOBAL_CACHE: 'false',
  YARN_ENABLE_TELEMETRY: 'false',
  YARN_PNP_ENABLE_ESM_LOADER: 'true',
};

const yarn = (linker) => ({
  name: `Yarn 4, ${linker}`,
  command: program('@yarnpkg', 'cli-dist', 'bin', 'yarn.js'),
  args: ['add', 'verawebsockets'],
  env: { ...YARN, YARN_NODE_LINKER: linker },
  /** It wants a project of its own. */
  files: { 'yarn.lock': '' },
  runsNode: true,
  asksForLibc: true,
});

/** files: what the project must have. runsNode: programs are run by it. asksForLibc: else it leaves two packages. */
const managers = () => [
  {
    name: 'npm 10.2, scripts allowed',
    command: program('old-npm', 'bin', 'npm-cli.js'),
    args: ['install', 'verawebsockets', '--cache', '.cache', '--no-audit', '--no-fund'],
  },
  {
    name: 'pnpm 10',
    command: program('pnpm', 'bin', 'pnpm.cjs'),
    args: ['add', 'verawebsockets', '--store-dir', '.store', '--config.strict-dep-builds=true'],
    asksForLibc: true,
  },
  {
    name: 'Yarn 1',
    command: program('yarn', 'bin', 'yarn.js'),
    args: ['add', 'verawebsockets', '--cache-folder', '.cache', '--non-interactive'],
  },
  yarn('node-modules'),
  yarn('pnp'),
  {
    name: 'Bun 1.4',
    command: [installRuntime(RUNTIMES.find(({ name }) => name === 'bun'))],
    args: ['add', 'verawebsockets'],
    env: { BUN_INSTALL_CACHE_DIR: '.cache' },
    asksForLibc: true,
  },
];

module.exports = { installManagers, managers };
