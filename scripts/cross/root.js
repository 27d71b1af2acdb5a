'use strict';

// Small root file systems to run the binaries in: Debian packages, unpacked to build/cross/<target>/
// without running a script of theirs and without privileges.

const path = require('node:path');
const fs = require('node:fs');
const { run } = require('../../deps/run');
const { root } = require('../checkout');
const { archivesIn, crossFolder, makeOnce, unpack } = require('./sysroot');

/** Debian's own Node.js of the release that the binaries are built on (12: 18, glibc 2.36). */
const NODE_ROOT = { name: 'root', packages: ['nodejs'] };

/** The oldest release of Debian that its mirrors still carry (11: glibc 2.31), with the C library only. */
const OLD_ROOT = {
  name: 'root-bullseye',
  suite: 'bullseye',
  packages: ['libc6', 'libstdc++6', 'libgcc-s1'],
};

/** Node.js as its makers build it, from npm: for a root whose Debian has none that is new enough. */
const OFFICIAL_NODE = '18.20.8';

function makeRoot(target, { name, suite, packages }) {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching ${packages.join(' ')} for ${target.debianArch}\n`);
    apt(['install', '--yes', '--download-only', ...packages]);
    unpack(archivesIn(path.join(state, 'cache', 'archives')), staging);
  };
  return makeOnce({ folder: path.join(crossFolder(target), name), target, suite, fill });
}

function officialNode(target) {
  const folder = path.join(root, 'build', 'cross', 'node', OFFICIAL_NODE);
  const name = `node-${target.name}`;
  const binary = path.join(folder, 'node_modules', name, 'bin', 'node');
  if (!fs.existsSync(binary)) {
    // --force: it may be for another architecture.
    const options = ['--prefix', folder, '--no-save', '--ignore-scripts', '--force', '--silent'];
    run('npm', ['install', ...options, `${name}@${OFFICIAL_NODE}`]);
  }
  return binary;
}

/** How to run a program of Node.js there: [command, …arguments]. */
function nodeIn(target, kind) {
  const folder = makeRoot(target, kind);
  const node = kind === OLD_ROOT ? officialNode(target) : path.join(folder, 'usr', 'bin', 'node');
  // Below -L are looked for, first, all absolute paths that the program opens.
  return [target.qemu, '-L', folder, node];
}

module.exports = { NODE_ROOT, OLD_ROOT, nodeIn };
