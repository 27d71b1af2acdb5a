'use strict';

// Finds the static OpenSSL and zlib that go into the addon. Node exports its own OpenSSL symbols,
// so a shared libssl would be bound to Node's, whatever version that is.

const fs = require('node:fs');
const path = require('node:path');
const { probe, failure } = require('./run');

/** windows: as their own makefiles call them, and vcpkg. */
const WANTED = {
  ssl: { file: 'libssl.a', windows: ['libssl_static.lib', 'libssl.lib'], package: 'libssl-dev' },
  crypto: {
    file: 'libcrypto.a',
    windows: ['libcrypto_static.lib', 'libcrypto.lib'],
    package: 'libssl-dev',
  },
  zlib: {
    file: 'libz.a',
    windows: ['zlibstatic.lib', 'zs.lib', 'zlib.lib'],
    package: 'zlib1g-dev',
  },
};

/** Debian's name of an architecture, for the package a cross build needs. */
const DEBIAN_ARCH = [
  [/^x86_64/, 'amd64'],
  [/^aarch64/, 'arm64'],
  [/^arm.*eabihf/, 'armhf'],
  [/^mips64el/, 'mips64el'],
  [/^mipsel/, 'mipsel'],
  [/^s390x/, 's390x'],
  [/^riscv64/, 'riscv64'],
  [/^powerpc64le/, 'ppc64el'],
  [/^i[4-6]86/, 'i386'],
];

/** VWS_SYSROOT: see cmake/toolchains/sysroot.cmake. */
function inRoots(file, compilersName) {
  // Debian has the folders of all x86 of 32 bits under one name.
  const machine = compilersName.replace(/^i[4-6]86-/, 'i386-');
  const { OPENSSL_ROOT_DIR, ZLIB_ROOT, VWS_SYSROOT } = process.env;
  const roots = [VWS_SYSROOT && path.join(VWS_SYSROOT, 'usr'), OPENSSL_ROOT_DIR, ZLIB_ROOT];
  for (const root of roots.filter(Boolean)) {
    for (const lib of [path.join('lib', machine), 'lib', 'lib64', '']) {
      const candidate = path.join(root, lib, file);
      if (fs.existsSync(candidate)) return candidate;
    }
  }
  return undefined;
}

/** Asks the compiler, which knows its own library folders, a cross compiler its target's. */
function askCompiler(compiler, file) {
  const [command, ...args] = compiler.split(/\s+/);
  const answer = probe(command, [...args, `-print-file-name=${file}`]);
  return answer && path.isAbsolute(answer) && fs.existsSync(answer)
    ? fs.realpathSync(answer)
    : undefined;
}

function installHint(names, machine) {
  if (process.platform === 'darwin')
    return 'brew install openssl@3 zlib, and set OPENSSL_ROOT_DIR and ZLIB_ROOT';
  if (process.platform === 'win32')
    return 'vcpkg install openssl zlib --triplet x64-windows-static, and set OPENSSL_ROOT_DIR and ZLIB_ROOT';
  const native = probe('cc', ['-dumpmachine']);
  const arch =
    native === machine ? '' : `:${DEBIAN_ARCH.find(([re]) => re.test(machine))?.[1] ?? machine}`;
  return `sudo apt-get install -y ${names.map((name) => name + arch).join(' ')}`;
}

/** Below the folders that are named, where their headers are. */
function namedHeaders() {
  const { OPENSSL_ROOT_DIR, ZLIB_ROOT } = process.env;
  const folders = [OPENSSL_ROOT_DIR, ZLIB_ROOT]
    .filter(Boolean)
    .map((root) => path.join(root, 'include').split(path.sep).join('/'))
    .filter((folder) => fs.existsSync(folder));
  return [...new Set(folders)];
}

/** windows: whether Microsoft's tools build it. */
function findStaticLibraries({ compiler, machine, windows = false }) {
  const found = {};
  const missing = [];
  for (const [name, wanted] of Object.entries(WANTED)) {
    const files = windows ? wanted.windows : [wanted.file];
    const places = files.map((file) => inRoots(file, machine) ?? askCompiler(compiler, file));
    found[name] = places.find(Boolean);
    if (!found[name]) missing.push({ ...wanted, file: files[0] });
  }
  if (missing.length > 0) {
    const files = missing.map((wanted) => wanted.file).join(', ');
    const packages = [...new Set(missing.map((wanted) => wanted.package))];
    throw failure(`deps: no static ${files} for ${machine} (${installHint(packages, machine)})`);
  }
  const headers = namedHeaders();
  return headers.length > 0 ? { ...found, headers } : found;
}

module.exports = { findStaticLibraries };
