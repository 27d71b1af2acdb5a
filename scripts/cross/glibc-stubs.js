'use strict';

// Libraries to link with in place of the toolchain's own glibc, so that what is linked asks for no
// symbol version newer than a floor. They hold no code: the same names as the toolchain's libc, libm
// and loader, each at its newest version that the floor has, in the library where it was at that
// time (glibc 2.34 merged libpthread, libdl and librt into libc; what stands in their place there
// keeps their versions, so that both old and new systems load the result). A symbol that is younger
// than the floor is left out: whoever uses it fails to link, not to load. native/glibc/floor.cc has
// what is needed of those.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('../../deps/run');
const { describe, dynamicSymbols, glibcNumber } = require('../elf');

/** Where a symbol was before glibc 2.34. */
const BEFORE_MERGE = [
  [/^(?:__)?(?:pthread|sem)_/, 'libpthread.so.0'],
  [/^dl(?:addr|addr1|close|error|info|mopen|open|sym|vsym)$/, 'libdl.so.2'],
  [/^(?:aio|lio|mq|shm|timer)_/, 'librt.so.1'],
];

/** The sonames that -lX stands for. */
const LINK_NAMES = ['libm.so.6', 'libpthread.so.0', 'libdl.so.2', 'librt.so.1'];

function compare(a, b) {
  const [x, y] = [a, b].map((version) => version.replace('GLIBC_', '').split('.').map(Number));
  return x[0] - y[0] || x[1] - y[1] || (x[2] ?? 0) - (y[2] ?? 0);
}

/** Of all versions of each symbol the newest one that the floor has. */
function choose(symbols, floor) {
  const byName = new Map();
  for (const symbol of symbols) {
    if (!symbol.defined || !['FUNC', 'IFUNC', 'OBJECT', 'TLS'].includes(symbol.kind)) continue;
    const number = glibcNumber(symbol.version);
    if (number === undefined) continue; // GLIBC_PRIVATE, GLIBC_ABI_…
    const entry = byName.get(symbol.name) ?? { moved: false };
    byName.set(symbol.name, entry);
    if (number > glibcNumber(floor)) entry.moved = true;
    else if (!entry.symbol || compare(symbol.version, entry.symbol.version) > 0)
      entry.symbol = symbol;
  }
  return [...byName.values()].filter((entry) => entry.symbol);
}

function homeOf({ symbol, moved }, library) {
  const earlier = moved && BEFORE_MERGE.find(([pattern]) => pattern.test(symbol.name));
  return earlier && library === 'libc.so.6' ? earlier[1] : library;
}

function assembly(symbols) {
  const sections = { FUNC: '.text', IFUNC: '.text', OBJECT: '.data', TLS: '.section .tdata,"awT"' };
  const types = { FUNC: 'function', IFUNC: 'function', OBJECT: 'object', TLS: 'tls_object' };
  const lines = symbols.flatMap(({ name, kind, size }) => [
    sections[kind],
    `.globl ${name}`,
    `.type ${name}, %${types[kind]}`,
    `${name}:`,
    `.skip ${Math.max(size, 4)}`,
    `.size ${name}, ${Math.max(size, 4)}`,
  ]);
  return `${lines.join('\n')}\n`;
}

function versionScript(symbols) {
  const versions = new Map();
  for (const { name, version } of symbols)
    versions.set(version, [...(versions.get(version) ?? []), name]);
  const nodes = [...versions.entries()].sort(([a], [b]) => compare(a, b));
  const text = nodes.map(([version, names]) => `${version} {\n  ${names.join('; ')};\n};\n`);
  return `${text.join('')}`;
}

function makeStub({ compiler, folder, soname, symbols }) {
  const file = (extension) => path.join(folder, `${soname}${extension}`);
  fs.writeFileSync(file('.s'), assembly(symbols));
  fs.writeFileSync(file('.map'), versionScript(symbols));
  const options = ['-shared', '-nostdlib', `-Wl,-soname,${soname}`];
  run(compiler, [...options, `-Wl,--version-script=${file('.map')}`, file('.s'), '-o', file('')]);
}

/**
 * Makes the libraries for a compiler ("mipsel-linux-gnu-gcc") and a floor ("2.28"); returns the
 * folder, for -L.
 */
function glibcStubs({ compiler, floor, folder }) {
  if (fs.existsSync(folder)) return folder;
  const locate = (name) => {
    const file = run(compiler, [`-print-file-name=${name}`]).trim();
    return path.isAbsolute(file) ? file : undefined;
  };
  const find = (name) => {
    const file = locate(name);
    if (!file) throw failure(`${compiler} has no ${name}`);
    return file;
  };
  const loader = describe(find('libc.so.6')).needed[0];
  // The compiler does not look into its folder everywhere (MIPS's lib64): there what it links with names it.
  const named = () => /AS_NEEDED \( (\S+) \)/.exec(fs.readFileSync(find('libc.so'), 'utf8'))?.[1];
  const homes = new Map([...LINK_NAMES, loader, 'libc.so.6'].map((name) => [name, []]));
  const files = {
    'libc.so.6': find('libc.so.6'),
    'libm.so.6': find('libm.so.6'),
    [loader]: locate(loader) ?? named() ?? find(loader),
  };
  for (const [library, file] of Object.entries(files)) {
    for (const entry of choose(dynamicSymbols(file), floor))
      homes.get(homeOf(entry, library)).push(entry.symbol);
  }
  const staging = `${folder}.${process.pid}.tmp`;
  fs.mkdirSync(staging, { recursive: true });
  for (const [soname, symbols] of homes) makeStub({ compiler, folder: staging, soname, symbols });
  for (const soname of LINK_NAMES)
    fs.symlinkSync(soname, path.join(staging, soname.replace(/\.so\..*/, '.so')));
  // What the toolchain's own libc.so says.
  const parts = `libc.so.6 ${find('libc_nonshared.a')} AS_NEEDED ( ${loader} )`;
  fs.writeFileSync(path.join(staging, 'libc.so'), `GROUP ( ${parts} )\n`);
  fs.renameSync(staging, folder);
  return folder;
}

module.exports = { glibcStubs };
