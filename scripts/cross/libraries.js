'use strict';

// OpenSSL and zlib from Debian's sources, for targets that Debian has no packages of, laid out as its packages are.

const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run } = require('../../deps/run');
const { once } = require('./packages');
const { sourceTree } = require('./sources');

const jobs = () => `-j${os.availableParallelism()}`;

/** Of OpenSSL, what no WebSocket has a use for, or what Node's own is without. */
const WITHOUT = [
  // Ways to load more of it, protocols, formats.
  'shared tests engine dso module legacy ui-console comp dtls srp sctp srtp ssl3 ssl3-method nextprotoneg capieng rdrand',
  'cmp cms ts rfc3779 ct',
  // Algorithms that no browser, and none of Node's cipher suites, has. (DES stays: PKCS#12 files are encrypted by it.)
  'idea mdc2 rc5 rc2 rc4 bf cast seed camellia aria sm2 sm3 sm4 gost md4 whirlpool rmd160 blake2 siphash siv ocb ec2m dsa',
]
  .flatMap((line) => line.split(' '))
  .map((name) => `no-${name}`);

/** C's and C++'s, behind the target's triplet and "-". */
const COMPILERS = {
  linux: ['gcc', 'g++'],
  win32: ['gcc-posix', 'g++-posix'],
  darwin: ['clang', 'clang++'],
};

function openssl(target, staging) {
  const source = sourceTree('openssl');
  process.stderr.write(`building OpenSSL for ${target.name}\n`);
  const work = path.join(staging, 'openssl');
  fs.mkdirSync(work, { recursive: true });
  const options = [target.openssl, WITHOUT, `--cross-compile-prefix=${target.triplet}-`, '-fPIC']
    .flat()
    // Debian's and Alpine's place of what it looks for by itself. (OpenSSL's own on Windows is one that only
    // administrators write to.)
    .concat(target.platform === 'win32' ? [] : ['--prefix=/usr', '--openssldir=/etc/ssl'])
    .concat(target.zigTarget ? [] : ['enable-ec_nistp_64_gcc_128'])
    // Weak keys and ciphers are refused as by Debian's, and by Node.js from 24 on, whichever target it is.
    .concat(['-DOPENSSL_TLS_SECURITY_LEVEL=2', '-ffunction-sections', '-fdata-sections']);
  const [CC, CXX] = target.zigTarget ? ['clang', 'clang++'] : COMPILERS[target.platform];
  const env = { ...process.env, CC, CXX };
  run('perl', [path.join(source, 'Configure'), ...options], { cwd: work, env });
  run('make', [jobs(), 'build_generated'], { cwd: work });
  run('make', [jobs(), 'libcrypto.a', 'libssl.a'], { cwd: work });
  const { include, lib } = placesOf(target, staging);
  fs.cpSync(path.join(source, 'include', 'openssl'), path.join(include, 'openssl'), {
    recursive: true,
  });
  fs.cpSync(path.join(work, 'include', 'openssl'), path.join(include, 'openssl'), {
    recursive: true,
  });
  for (const name of ['libcrypto.a', 'libssl.a'])
    fs.copyFileSync(path.join(work, name), path.join(lib, name));
  fs.rmSync(work, { recursive: true });
}

function zlib(target, staging) {
  const work = path.join(staging, 'zlib');
  fs.cpSync(sourceTree('zlib'), work, { recursive: true });
  process.stderr.write(`building zlib for ${target.name}\n`);
  const env = {
    ...process.env,
    CHOST: target.triplet,
    CFLAGS: '-O2 -fPIC -ffunction-sections -fdata-sections',
  };
  if (target.platform === 'linux') {
    const tools = target.zigTarget ? { CC: `${target.triplet}-clang` } : {};
    run('./configure', ['--static', '--prefix=/usr'], { cwd: work, env: { ...env, ...tools } });
    run('make', ['libz.a'], { cwd: work, env });
  } else {
    // Debian's source is without zlib's own makefiles for Windows, and those for macOS want Apple's tools. What opens
    // files is left out.
    const files = fs.readdirSync(work).filter((name) => /^(?!gz).*\.c$/.test(name));
    // It takes macOS for the system before it, which had no such function.
    const more = target.platform === 'darwin' ? ['-Dfdopen=fdopen'] : [];
    const flags = [...env.CFLAGS.split(' '), ...more];
    const compiler = `${target.triplet}-${COMPILERS[target.platform][0]}`;
    // One at a time: Zig's compiler makes one object file of several.
    for (const file of files) run(compiler, [...flags, '-c', file], { cwd: work });
    const objects = files.map((name) => name.replace(/c$/, 'o'));
    run(`${target.triplet}-ar`, ['rcs', 'libz.a', ...objects], { cwd: work });
  }
  const { include, lib } = placesOf(target, staging);
  for (const name of ['zlib.h', 'zconf.h'])
    fs.copyFileSync(path.join(work, name), path.join(include, name));
  fs.copyFileSync(path.join(work, 'libz.a'), path.join(lib, 'libz.a'));
  fs.rmSync(work, { recursive: true });
}

function placesOf(target, folder) {
  const places = {
    include: path.join(folder, 'usr', 'include', target.triplet),
    lib: path.join(folder, 'usr', 'lib', target.triplet),
  };
  for (const name of Object.values(places)) fs.mkdirSync(name, { recursive: true });
  return places;
}

/** Makes folder, by the target's compilers, which must be on this process's path. Returns it. */
function libraries(target, folder) {
  // What is decided in this file: with other options than before they are made anew.
  const recipe = createHash('sha256').update(fs.readFileSync(__filename)).digest('hex');
  const fill = (staging) => {
    zlib(target, staging);
    openssl(target, staging);
  };
  return once(folder, fill, recipe);
}

module.exports = { jobs, libraries };
