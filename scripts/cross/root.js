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

/**
 * /lib as a link to /usr/lib, as it is on an installed system: else, for a name that is in the other
 * of the two here, this machine's own file would be found.
 */
function mergeUsr(folder) {
  for (const name of fs.readdirSync(folder).filter((entry) => /^lib/.test(entry))) {
    const from = path.join(folder, name);
    fs.cpSync(from, path.join(folder, 'usr', name), { recursive: true, verbatimSymlinks: true });
    fs.rmSync(from, { recursive: true });
    fs.symlinkSync(path.join('usr', name), from);
  }
}

function makeRoot(target, { name, suite, packages }) {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching ${packages.join(' ')} for ${target.debianArch}\n`);
    apt(['install', '--yes', '--download-only', ...packages]);
    unpack(archivesIn(path.join(state, 'cache', 'archives')), staging);
    mergeUsr(staging);
  };
  const folder = path.join(crossFolder(target), name);
  return makeOnce({ folder, architecture: target.debianArch, suite, fill });
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

function hostArchitecture() {
  return run('dpkg', ['--print-architecture']).trim();
}

/**
 * The emulator, of the release of Debian where it is linked statically; that of Debian 12 gives
 * SO_ERROR in this machine's numbers, which are not those of MIPS.
 */
function emulator(target) {
  const architecture = hostArchitecture();
  const folder = path.join(root, 'build', 'cross', 'qemu');
  const fill = ({ staging, apt, state }) => {
    process.stderr.write('fetching qemu-user\n');
    apt(['download', 'qemu-user']);
    unpack(archivesIn(state), staging);
  };
  makeOnce({ folder, architecture, suite: 'trixie', fill });
  return path.join(folder, 'usr', 'bin', target.qemu);
}

/** How to run a program of the target's: [command, …arguments]. */
function emulated(target, folder, program) {
  // Below -L are looked for, first, all absolute paths that the program opens.
  return [emulator(target), '-L', folder, program];
}

/** The same on a machine of the target's kind: by the root's own loader, with the root's libraries. */
function loaded(target, folder, program) {
  const libraries = path.join(folder, 'usr', 'lib', target.triplet);
  const loader = path.join(libraries, target.loader);
  return [loader, '--library-path', libraries, program];
}

/** How to run a program of Node.js there: [command, …arguments]. */
function nodeIn(target, kind) {
  const folder = makeRoot(target, kind);
  // Debian's opens files of its own below /usr/share: only the emulator can tell it where they are.
  if (kind !== OLD_ROOT) return emulated(target, folder, path.join(folder, 'usr', 'bin', 'node'));
  const node = officialNode(target);
  const own = target.debianArch === hostArchitecture();
  return own ? loaded(target, folder, node) : emulated(target, folder, node);
}

module.exports = { NODE_ROOT, OLD_ROOT, nodeIn, emulated, makeRoot };
