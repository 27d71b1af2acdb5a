'use strict';

// What a library of Windows' says of itself, read by binutils' objdump for it.

const { run } = require('../deps/run');

/** { machine, needed, delayed, exported, symbols }: names of libraries and functions; how many symbols are in it. */
function describe(file, triplet) {
  const env = { ...process.env, LC_ALL: 'C' };
  const text = run(`${triplet}-objdump`, ['--private-headers', '--file-headers', file], { env });
  const table = text.slice(text.indexOf('[Ordinal/Name Pointer] Table'));
  return {
    machine: /file format (\S+)/.exec(text)?.[1],
    needed: [...text.matchAll(/^\s*DLL Name: (\S+)$/gm)].map((match) => match[1]),
    exported: text.includes('[Ordinal/Name Pointer] Table')
      ? [...table.matchAll(/^\s*\[\s*\d+\](?: \+base\[\s*\d+\])?\s+(?:[0-9a-f]+ )?(\w+)$/gm)].map(
          (match) => match[1],
        )
      : [],
    hasSymbols: /HAS_SYMS/.test(text),
  };
}

module.exports = { describe };
