'use strict';

// Small root file systems to run the binaries in: Debian packages, unpacked to build/cross/<target>/
// without running a script of theirs and without privileges; and what runs there.

const { spawnSync } = require('node:child_process');
const path = require('node:path');
const fs = require('node:fs');
const { run } = require('../../deps/run');
const { root } = require('../checkout');
const { RUNTIMES, installRuntime } = require('../runtimes');
const { libstdcxx, muslLibrary, muslTools, oldMuslLibrary } = require('./musl');
const { archivesIn, hostArchitecture, makeOnce, once, unpack } = require('./packages');
const { crossFolder } = require('./sysroot');
const { underWine, windowsRuntimes } = require('./wine');

/**
 * Debian's own Node.js of the release that the binaries are built on (12: 18, glibc 2.36), or of the one that is the
 * first to have the target.
 */
const nodeRoot = ({ debianSuite: suite }) => ({ name: 'root', suite, packages: ['nodejs'] });

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
 * of the two here, this machine's own file would be found. (Since Debian 13 packages have no /lib at all.)
 */
function mergeUsr(folder) {
  for (const name of fs.readdirSync(folder).filter((entry) => /^lib/.test(entry))) {
    const from = path.join(folder, name);
    fs.cpSync(from, path.join(folder, 'usr', name), { recursive: true, verbatimSymlinks: true });
    fs.rmSync(from, { recursive: true });
  }
  const names = fs.readdirSync(path.join(folder, 'usr'));
  for (const name of names.filter((entry) => /^lib\d*$/.test(entry)))
    fs.symlinkSync(path.join('usr', name), path.join(folder, name));
}

/** Links to absolute names, as relative ones: else this machine's own files would be found. */
function relativeLinks(folder) {
  const files = run('find', [folder, '-type', 'l', '-lname', '/*']).split('\n').filter(Boolean);
  for (const file of files) {
    const to = path.join(folder, fs.readlinkSync(file));
    fs.rmSync(file);
    fs.symlinkSync(path.relative(fs.realpathSync(path.dirname(file)), to), file);
  }
}

function makeRoot(target, { name, suite, packages }) {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching ${packages.join(' ')} for ${target.debianArch}\n`);
    apt(['install', '--yes', '--download-only', ...packages]);
    unpack(archivesIn(path.join(state, 'cache', 'archives')), staging);
    mergeUsr(staging);
    relativeLinks(staging);
  };
  const folder = path.join(crossFolder(target), name);
  return makeOnce({ folder, architecture: target.debianArch, suite, fill });
}

/** musl, and the C++ library that a runtime wants beside it, at the places where Alpine has them. */
function makeMuslRoot(target, { name, library }) {
  return once(path.join(crossFolder(target), name), (staging) => {
    muslTools(target);
    const file = (...names) => path.join(staging, ...names);
    for (const name of ['lib', path.join('usr', 'lib')])
      fs.mkdirSync(file(name), { recursive: true });
    fs.copyFileSync(library(target), file('lib', target.loader));
    fs.chmodSync(file('lib', target.loader), 0o755);
    const cxx = path.join(libstdcxx(target), 'usr', 'lib', 'libstdc++.so.6');
    fs.copyFileSync(cxx, file('usr', 'lib', 'libstdc++.so.6'));
  });
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

const isOwn = (target) => target.debianArch === hostArchitecture();

/** How to run a program of the target's: { how, command }. */
function emulated(target, folder, program) {
  // Below -L are looked for, first, all absolute paths that the program opens.
  return { how: 'emulated', command: [emulator(target), '-L', folder, program] };
}

/** The same on a machine of the target's kind: by the root's own loader, with the root's libraries. */
function loaded(loader, libraries, program) {
  return { how: 'by its loader', command: [loader, '--library-path', libraries, program] };
}

const MUSL_ROOT = { name: 'root', library: muslLibrary };
const OLD_MUSL_ROOT = { name: 'root-bullseye', library: oldMuslLibrary };

function inMusl(target, kind, program) {
  const folder = makeMuslRoot(target, kind);
  if (!isOwn(target)) return emulated(target, folder, program);
  const libraries = path.join(folder, 'usr', 'lib');
  return loaded(path.join(folder, 'lib', target.loader), libraries, program);
}

/** As its loader says when it is given nothing to load. */
function muslVersion(target, kind) {
  const folder = makeMuslRoot(target, kind);
  const loader = path.join(folder, 'lib', target.loader);
  const [command, ...args] = isOwn(target) ? [loader] : emulated(target, folder, loader).command;
  const { stderr } = spawnSync(command, args, { encoding: 'utf8' });
  return /^Version (\S+)$/m.exec(stderr ?? '')?.[1] ?? '';
}

/** How to run any program of the target's. */
function programIn(target, program) {
  if (target.platform === 'win32') return underWine(program);
  // Linked statically: it needs no root.
  if (target.zigTarget) return { how: 'emulated', command: [emulator(target), program] };
  return target.libc === 'musl'
    ? inMusl(target, MUSL_ROOT, program)
    : emulated(target, makeRoot(target, nodeRoot(target)), program);
}

function debianNode(target) {
  const folder = makeRoot(target, nodeRoot(target));
  // It opens files of its own below /usr/share: only the emulator can tell it where they are.
  return emulated(target, folder, path.join(folder, 'usr', 'bin', 'node'));
}

function oldNode(target) {
  const folder = makeRoot(target, OLD_ROOT);
  const name = `node-${target.name}`;
  const node = installRuntime({ name, package: name, version: OFFICIAL_NODE, binary: 'bin/node' });
  if (!isOwn(target)) return emulated(target, folder, node);
  const libraries = path.join(folder, 'usr', 'lib', target.triplet);
  return loaded(path.join(libraries, target.loader), libraries, node);
}

/** npm has no Node.js for musl, but Bun. */
function bunIn(target, kind) {
  const bun = RUNTIMES.find(({ name }) => name === 'bun');
  const name = { x64: 'bun-linux-x64-musl-baseline', arm64: 'bun-linux-aarch64-musl' }[target.arch];
  const program = installRuntime({ ...bun, name, package: `@oven/${name}` });
  return {
    ...bun,
    ...inMusl(target, kind, program),
    programs: bun.command,
    libc: muslVersion(target, kind),
  };
}

/** What each target is run by. Only the 64-bit ones for glibc promise an older one, see docs/cross-builds.md. */
function runtimesOf(target) {
  if (target.platform === 'darwin') return [];
  if (target.platform === 'win32') return windowsRuntimes();
  if (target.libc === 'musl')
    return [MUSL_ROOT, OLD_MUSL_ROOT].map((kind) => () => bunIn(target, kind));
  return ['x64', 'arm64'].includes(target.arch) ? [debianNode, oldNode] : [debianNode];
}

module.exports = { programIn, runtimesOf };
