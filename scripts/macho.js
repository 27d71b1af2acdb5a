'use strict';

// What a program or library of macOS's (Mach-O, for one processor of 64 bits) says of itself, and what a list of a
// library's symbols (.tbd) says.

const crypto = require('node:crypto');
const fs = require('node:fs');

const MAGIC_64 = 0xfeedfacf;
const PROCESSORS = { 0x01000007: 'x86_64', 0x0100000c: 'arm64' };
const KINDS = { 2: 'program', 6: 'library', 8: 'bundle' };
const HEADER_BYTES = 32;

const SYMBOL_TABLE = 0x2;
const LIBRARIES = [0xc, 0x80000018, 0x8000001f, 0x20];
const CODE_SIGNATURE = 0x1d;
const OLDEST_MACOS = 0x24;
const BUILD_VERSION = 0x32;

const SYMBOL_BYTES = 16;
/**
 * Of a symbol's kind: for debuggers, only within the file's own parts, where it is defined (0: nowhere), for others.
 */
const STAB = 0xe0;
const PRIVATE = 0x10;
const PLACE = 0x0e;
const EXTERNAL = 0x01;

/** Of an undefined symbol's library, in place of its number: looked for in everything that is loaded. */
const ANYWHERE = 0xfe;

const version = (number) => `${number >>> 16}.${(number >>> 8) & 0xff}`;

function textAt(bytes, from) {
  return bytes.toString('latin1', from, bytes.indexOf(0, from));
}

function symbolsOf(bytes, command) {
  const [table, count, names] = [8, 12, 16].map((offset) => bytes.readUInt32LE(command + offset));
  const symbols = [];
  for (let at = table; at < table + count * SYMBOL_BYTES; at += SYMBOL_BYTES) {
    const type = bytes[at + 4];
    const library = bytes.readUInt16LE(at + 6) >>> 8;
    symbols.push({
      name: textAt(bytes, names + bytes.readUInt32LE(at)),
      defined: (type & STAB) !== 0 || (type & PLACE) !== 0,
      external: (type & STAB) === 0 && (type & EXTERNAL) !== 0 && (type & PRIVATE) === 0,
      library,
    });
  }
  return symbols;
}

const CODE_DIRECTORY = 0xfade0c02;
const SHA_256 = 2;

/** Whether the digests of all pages are those of the file as it is: else macOS ends the process that runs one. */
function isSignatureOf(bytes, from) {
  for (let left = bytes.readUInt32BE(from + 8), at = from + 12; left > 0; left--, at += 8) {
    const directory = from + bytes.readUInt32BE(at + 4);
    if (bytes.readUInt32BE(directory) !== CODE_DIRECTORY) continue;
    const [digests, , , pages, end] = [16, 20, 24, 28, 32].map((offset) =>
      bytes.readUInt32BE(directory + offset),
    );
    const [size, kind, , pageBits] = bytes.subarray(directory + 36);
    if (kind !== SHA_256 || end !== from || pages !== Math.ceil(end / 2 ** pageBits)) return false;
    for (let page = 0; page < pages; page++) {
      const start = page * 2 ** pageBits;
      const content = bytes.subarray(start, Math.min(start + 2 ** pageBits, end));
      const digest = crypto.createHash('sha256').update(content).digest().subarray(0, size);
      const place = directory + digests + page * size;
      if (!digest.equals(bytes.subarray(place, place + size))) return false;
    }
    return true;
  }
  return false;
}

/**
 * { machine, kind, oldest, needed, isSigned, exported, wanted, hasSymbols }: oldest is the macOS that it runs on,
 * "11.0"; needed are paths of libraries; wanted are symbols, { name, anywhere }. Names are as in C, without the "_" in
 * front.
 */
function describe(file) {
  const bytes = fs.readFileSync(file);
  if (bytes.length < HEADER_BYTES || bytes.readUInt32LE(0) !== MAGIC_64) return { machine: 'none' };
  const found = {
    machine: PROCESSORS[bytes.readUInt32LE(4)],
    kind: KINDS[bytes.readUInt32LE(12)],
    oldest: undefined,
    needed: [],
    isSigned: false,
  };
  let symbols = [];
  let at = HEADER_BYTES;
  for (let left = bytes.readUInt32LE(16); left > 0; left--) {
    const command = bytes.readUInt32LE(at);
    if (LIBRARIES.includes(command))
      found.needed.push(textAt(bytes, at + bytes.readUInt32LE(at + 8)));
    else if (command === OLDEST_MACOS) found.oldest = version(bytes.readUInt32LE(at + 8));
    else if (command === BUILD_VERSION) found.oldest = version(bytes.readUInt32LE(at + 12));
    else if (command === CODE_SIGNATURE)
      found.isSigned = isSignatureOf(bytes, bytes.readUInt32LE(at + 8));
    else if (command === SYMBOL_TABLE) symbols = symbolsOf(bytes, at);
    at += bytes.readUInt32LE(at + 4);
  }
  const named = (list) => list.map(({ name }) => name.replace(/^_/, '')).sort();
  return {
    ...found,
    exported: named(symbols.filter(({ defined, external }) => defined && external)),
    wanted: symbols
      .filter(({ defined }) => !defined)
      .map(({ name, library }) => ({
        name: name.replace(/^_/, ''),
        anywhere: library === ANYWHERE,
      })),
    hasSymbols: symbols.some(({ defined, external }) => defined && !external),
  };
}

/** Names of what the library has, with what it is made of; machine: as describe() has it. */
function listed(file, machine) {
  // An arm64 program has the system's libraries for arm64e.
  const all = { x86_64: ['x86_64-macos'], arm64: ['arm64-macos', 'arm64e-macos'] }[machine];
  const text = fs.readFileSync(file, 'utf8');
  const parts = text.matchAll(/- targets:\s*\[([^\]]*)\]([\s\S]*?)(?=\n *- targets:|\n---|$)/g);
  const words = (list) => list.split(',').map((word) => word.trim().replace(/^'(.*)'$/, '$1'));
  const names = [];
  for (const [, targets, body] of parts) {
    if (!words(targets).some((target) => all.includes(target))) continue;
    for (const [, list] of body.matchAll(/^\s*(?:[a-z-]+-)?symbols:\s*\[([^\]]*)\]/gm))
      names.push(...words(list));
  }
  return names.map((name) => name.replace(/^_/, ''));
}

module.exports = { describe, listed };
