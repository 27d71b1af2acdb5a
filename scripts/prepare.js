'use strict';

// The system packages that the build needs, on Debian and Ubuntu. As root they are installed, by
// name and aloud; without root, the one line that installs them is the error. Only in a checkout:
// the published package holds no such script.
//
//   node scripts/prepare.js [purpose]…   (build, test, lint, tidy, cross, fuzz, browsers)

const fs = require('node:fs');
const { isForeign } = require('../deps/apt');
const sourcePin = require('../deps/libwebsockets.json');
const { run, locate, probe, main, failure } = require('../deps/run');
const { sourceIsHere } = require('../deps/source');
const { inCheckout } = require('./checkout');

const command = (name) => () => locate(name) !== undefined;
/** For daemons: their folder is not on every user's path. */
const program = (name) => () => locate(name) !== undefined || fs.existsSync(`/usr/sbin/${name}`);
const library = (file) => () => {
  const answer = probe('g++', [`-print-file-name=${file}`]);
  return answer !== undefined && answer !== file && fs.existsSync(answer);
};
/** What clang's sanitizers and libFuzzer are linked with. */
const clangRuntime = () =>
  fs.existsSync(probe('clang', ['-print-libgcc-file-name', '--rtlib=compiler-rt']) ?? '');
const header = (file) => () => {
  const machine = probe('g++', ['-print-multiarch']) ?? '';
  return [`/usr/include/${file}`, `/usr/include/${machine}/${file}`].some((name) =>
    fs.existsSync(name),
  );
};

/** package, whether it is needed for a purpose, whether it is there */
const NEEDS = {
  build: [
    ['cmake', command('cmake')],
    ['g++', command('g++')],
    ['make', command('make')],
    ['python3', command('python3')],
    ['libssl-dev', () => library('libssl.a')() && header('openssl/ssl.h')()],
    ['zlib1g-dev', () => library('libz.a')() && header('zlib.h')()],
    // Only to fetch the engine's source.
    ['dpkg-dev', () => sourceIsHere() || command('dpkg-source')()],
    [
      'ca-certificates',
      () => sourceIsHere() || fs.existsSync('/etc/ssl/certs/ca-certificates.crt'),
    ],
    // Where Debian's archive is and what it is signed with, for other systems (Ubuntu).
    ['debootstrap', () => sourceIsHere() || !isForeign() || command('debootstrap')()],
    [
      'debian-archive-keyring',
      () => sourceIsHere() || !isForeign() || fs.existsSync(sourcePin.keyring),
    ],
  ],
  test: [
    ['openssl', command('openssl')],
    // To see that fast paths are switched off (test/flow/switches.test.ts).
    ['strace', command('strace')],
    // Real peers (test/websocket/peers.test.ts).
    ['nginx-light', program('nginx')],
    ['haproxy', program('haproxy')],
    ['libwebsockets-test-server', command('libwebsockets-test-server')],
    ['python3-websockets', () => fs.existsSync('/usr/lib/python3/dist-packages/websockets')],
  ],
  lint: [
    ['git', command('git')],
    ['clang-format', command('clang-format')],
    ['cppcheck', command('cppcheck')],
  ],
  tidy: [
    ['clang', command('clang++')],
    ['clang-tidy', command('clang-tidy')],
  ],
  cross: [
    // Not where they are this machine's own: g++ brings those under both names.
    ...['x86-64', 'aarch64'].map((cpu) => [
      `g++-${cpu}-linux-gnu`,
      command(`${cpu.replace('-', '_')}-linux-gnu-g++`),
    ]),
    ['g++-arm-linux-gnueabihf', command('arm-linux-gnueabihf-g++')],
    ['g++-mipsel-linux-gnu', command('mipsel-linux-gnu-g++')],
    ['g++-s390x-linux-gnu', command('s390x-linux-gnu-g++')],
    ['g++-i686-linux-gnu', command('i686-linux-gnu-g++')],
    ['g++-powerpc64le-linux-gnu', command('powerpc64le-linux-gnu-g++')],
    ['g++-riscv64-linux-gnu', command('riscv64-linux-gnu-g++')],
    ['g++-mips64el-linux-gnuabi64', command('mips64el-linux-gnuabi64-g++')],
    ['g++-mingw-w64-x86-64-posix', command('x86_64-w64-mingw32-g++-posix')],
    // For macOS (scripts/cross/darwin.js).
    ['lld-19', command('ld64.lld-19')],
    ['llvm', command('llvm-nm')],
    ['ca-certificates', () => fs.existsSync('/etc/ssl/certs/ca-certificates.crt')],
    // For what is built from Debian's sources (scripts/cross/musl.js).
    ['dpkg-dev', command('dpkg-source')],
    ['perl', command('perl')],
    ['xz-utils', command('xz')],
  ],
  fuzz: [
    ['clang', command('clang++')],
    ['libclang-rt-dev', clangRuntime],
  ],
  browsers: [
    ['openssl', command('openssl')],
    ['chromium', command('chromium')],
    ['firefox-esr', command('firefox-esr')],
    ['libnss3-tools', command('certutil')],
  ],
};

function install(packages) {
  process.stderr.write(`Installing system packages: ${packages.join(' ')}\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const commands = [
    ['-qq', 'update'],
    ['-qq', 'install', '-y', '--no-install-recommends', ...packages],
  ];
  for (const args of commands) {
    run('apt-get', args, { env });
  }
}

function prepare(purposes = ['build']) {
  if (process.platform !== 'linux') return;
  const needs = purposes.flatMap((purpose) => NEEDS[purpose] ?? []);
  const missing = () => needs.filter(([, there]) => !there()).map(([name]) => name);
  const packages = missing();
  if (packages.length === 0) return;
  const line = `sudo apt-get install -y ${packages.join(' ')}`;
  if (!locate('apt-get'))
    throw failure(`These are missing (Debian's names): ${packages.join(' ')}`);
  if (process.getuid() !== 0 || !inCheckout)
    throw failure(`System packages are missing. To install them:\n  ${line}`);
  install(packages);
  const still = missing();
  if (still.length > 0) throw failure(`Installed, but not found afterwards: ${still.join(' ')}`);
}

if (require.main === module) {
  main(() => prepare(process.argv.length > 2 ? process.argv.slice(2) : undefined));
}

module.exports = { prepare };
