'use strict';

// What an ELF file, of any architecture, says of itself, read by binutils' readelf.

const { run } = require('../deps/run');

function readelf(args, file) {
  return run('readelf', ['--wide', ...args, file], {
    env: { ...process.env, LC_ALL: 'C' },
  });
}

/**
 * Dynamic symbols: { name, version, isDefault, kind, bind, size, defined }. version is undefined
 * for a symbol without one.
 */
function dynamicSymbols(file) {
  const symbols = [];
  const pattern =
    /^\s*\d+:\s+[0-9a-f]+\s+(\w+)\s+(\w+)\s+(\w+)\s+(\w+)\s+(?:\[.*?\]\s+)?(\w+)\s+([^\s@]+)(?:(@@?)([^\s@]+))?/;
  for (const line of readelf(['--dyn-syms'], file).split('\n')) {
    const match = pattern.exec(line);
    if (!match || match[2] === 'SECTION') continue;
    const [, size, kind, bind, visibility, section, name, marker, version] = match;
    if (visibility === 'HIDDEN' || visibility === 'INTERNAL') continue;
    const defined = section !== 'UND';
    symbols.push({
      name,
      version,
      isDefault: marker === '@@',
      kind,
      bind,
      size: Number(size),
      defined,
    });
  }
  return symbols;
}

/** The libraries it needs, by soname; its own soname; its machine. */
function describe(file) {
  const text = readelf(['--file-header', '--dynamic'], file);
  return {
    machine: /^\s*Machine:\s+(.*?)\s*$/m.exec(text)?.[1],
    soname: /\(SONAME\).*\[(.*?)\]/.exec(text)?.[1],
    needed: [...text.matchAll(/\(NEEDED\).*\[(.*?)\]/g)].map((match) => match[1]),
  };
}

/** "GLIBC_2.28" as a number that can be compared, 2028; undefined for others. */
function glibcNumber(version) {
  const match = /^(?:GLIBC_)?(\d+)\.(\d+)(?:\.\d+)?$/.exec(version ?? '');
  return match ? Number(match[1]) * 1000 + Number(match[2]) : undefined;
}

/** Versions of other libraries' symbols that the file asks for, such as "GLIBC_2.17": sorted. */
function versionsNeeded(file) {
  const versions = dynamicSymbols(file)
    .filter((symbol) => !symbol.defined && symbol.version)
    .map((symbol) => symbol.version);
  return [...new Set(versions)].sort((a, b) => (glibcNumber(a) ?? 0) - (glibcNumber(b) ?? 0));
}

/**
 * Names of symbols that no library it names has, which the process must: Node-API's, and whatever
 * was forgotten at link time.
 */
function foreignSymbols(file) {
  const symbols = dynamicSymbols(file).filter(
    (symbol) => !symbol.defined && !symbol.version && symbol.bind === 'GLOBAL',
  );
  return symbols.map((symbol) => symbol.name).sort();
}

/** Names of the symbols that the file shows to others. */
function exportsOf(file) {
  const symbols = dynamicSymbols(file).filter((symbol) => symbol.defined);
  return symbols.map((symbol) => symbol.name).sort();
}

/** Names of its sections. */
function sections(file) {
  return [...readelf(['--sections'], file).matchAll(/^\s*\[\s*\d+\]\s+(\S+)/gm)].map(
    ([, name]) => name,
  );
}

module.exports = {
  dynamicSymbols,
  describe,
  glibcNumber,
  versionsNeeded,
  foreignSymbols,
  exportsOf,
  sections,
};
