'use strict';

// The binaries that the package carries: what each is built with, what it is called, how large it
// may be. Names are Node's (process.platform, process.arch) and prebuildify's.

const path = require('node:path');
const { failure } = require('../deps/run');
const { root } = require('./checkout');

/** Node's own floor since Node 18. */
const GLIBC_FLOOR = '2.28';

const MIB = 1024 * 1024;

function linux(arch, debianArch, triplet, machine, ceilingBytes, { armVersion } = {}) {
  const name = `linux-${arch}`;
  const tags = ['verawebsockets', armVersion && `armv${armVersion}`, 'glibc'].filter(Boolean);
  return {
    name,
    platform: 'linux',
    arch,
    libc: 'glibc',
    glibcFloor: GLIBC_FLOOR,
    /** Debian's names: of the architecture, and of the folders and compilers made for it. */
    debianArch,
    triplet,
    /** As ELF files say it (readelf's "Machine"), as qemu names its emulators, and glibc its loader. */
    elfMachine: machine.elf,
    qemu: `qemu-${machine.qemu}`,
    loader: machine.loader,
    armVersion,
    toolchain: path.join(root, 'cmake', 'toolchains', `${triplet}.cmake`),
    /** Below the root of the package. */
    file: `prebuilds/${name}/${tags.join('.')}.node`,
    ceilingBytes,
  };
}

const TARGETS = [
  linux(
    'x64',
    'amd64',
    'x86_64-linux-gnu',
    { elf: 'Advanced Micro Devices X86-64', qemu: 'x86_64', loader: 'ld-linux-x86-64.so.2' },
    5.75 * MIB,
  ),
  linux(
    'arm64',
    'arm64',
    'aarch64-linux-gnu',
    { elf: 'AArch64', qemu: 'aarch64', loader: 'ld-linux-aarch64.so.1' },
    5.5 * MIB,
  ),
  linux(
    'arm',
    'armhf',
    'arm-linux-gnueabihf',
    { elf: 'ARM', qemu: 'arm', loader: 'ld-linux-armhf.so.3' },
    3.25 * MIB,
    { armVersion: '7' },
  ),
  linux(
    'mipsel',
    'mipsel',
    'mipsel-linux-gnu',
    { elf: 'MIPS R3000', qemu: 'mipsel', loader: 'ld.so.1' },
    5 * MIB,
  ),
];

/** The targets that a command line's --arch NAME… names; all if it names none. */
function targetsOf(args) {
  const wanted = [];
  for (let i = 0; i < args.length; i += 2) {
    if (args[i] !== '--arch' || !args[i + 1]) throw failure(`unknown argument ${args[i]}`);
    wanted.push(args[i + 1]);
  }
  const unknown = wanted.find((arch) => !TARGETS.some((target) => target.arch === arch));
  const known = TARGETS.map((target) => target.arch).join(', ');
  if (unknown) throw failure(`no target for --arch ${unknown}: ${known}`);
  return TARGETS.filter((target) => wanted.length === 0 || wanted.includes(target.arch));
}

module.exports = { TARGETS, GLIBC_FLOOR, targetsOf };
