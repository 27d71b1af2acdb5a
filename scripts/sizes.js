'use strict';

// What the prebuilt binaries consist of, in KiB, from the maps that the linker left (npm run
// prebuild): the whole stripped file, and what each library has in it. The rest is the loader's:
// relocations, symbols, unwind tables that were merged.
//
//   node scripts/sizes.js [--target NAME]…

const fs = require('node:fs');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { crossFolder } = require('./cross/sysroot');
const { targetsOf } = require('./targets');
const { root } = require('./checkout');

const PARTS = [
  ['libcrypto', /\/libcrypto\.a\(/],
  ['libssl', /\/libssl\.a\(/],
  ['libwebsockets', /\/libwebsockets\.a\(/],
  ['zlib', /\/libz\.a\(/],
  ['C++ runtime', /\/lib(?:stdc\+\+|gcc|gcc_eh|supc\+\+|atomic|c\+\+|c\+\+abi|compiler_rt)\.a\(/],
  ['ours', /(?:^|\/)native\/.*\.o$/],
];

/** Sections that are in the stripped file. */
const LOADED = /^\.(?:text|rodata|data|init_array|eh_frame|gcc_except_table|tdata|ARM|MIPS|sdata)/;

/** What each object file has in the binary, by GNU's linker: pairs of name and bytes. */
function* placedByGnu(text) {
  const placed = text.slice(text.indexOf('Linker script and memory map'));
  for (const match of placed.matchAll(/^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$/gm)) {
    const [, section, address, size, from] = match;
    if (!/^0+$/.test(address) && LOADED.test(section)) yield [from, parseInt(size, 16)];
  }
}

/** The same by LLVM's linker for macOS. */
function* placedByLlvm(text) {
  const [, files = '', , symbols = ''] = text.split(/^# (?:Object files|Sections|Symbols):$/m);
  const names = new Map(
    [...files.matchAll(/^\[ *(\d+)\] (.+)$/gm)].map(([, number, name]) => [number, name]),
  );
  const [kept] = symbols.split(/^# Dead Stripped Symbols:$/m);
  for (const [, size, number] of kept.matchAll(/^0x[0-9A-F]+\s+0x([0-9A-F]+)\s+\[ *(\d+)\]/gm))
    yield [names.get(number) ?? '', parseInt(size, 16)];
}

function sizesOf(target) {
  const map = path.join(crossFolder(target), 'build', 'verawebsockets.map');
  if (!fs.existsSync(map)) throw failure(`${map} is not there (npm run prebuild)`);
  const text = fs.readFileSync(map, 'utf8');
  const sums = Object.fromEntries(PARTS.map(([name]) => [name, 0]));
  const placed = target.platform === 'darwin' ? placedByLlvm(text) : placedByGnu(text);
  for (const [from, size] of placed) {
    const part = PARTS.find(([, pattern]) => pattern.test(from));
    if (part) sums[part[0]] += size;
  }
  return { whole: fs.statSync(path.join(root, target.file)).size, ...sums };
}

if (require.main === module) {
  main(() => {
    const kib = (bytes) => Math.round(bytes / 1024);
    // The linker's map of Windows' file is of another kind.
    const targets = targetsOf(process.argv.slice(2)).filter(({ platform }) => platform !== 'win32');
    const rows = targets.map((target) => [target.name, ...Object.values(sizesOf(target)).map(kib)]);
    const head = ['target', 'whole file', ...PARTS.map(([name]) => name)];
    const ceilings = targets.map((target) => kib(target.ceilingBytes));
    const all = [[...head, 'ceiling'], head.concat('').map(() => '---')].concat(
      rows.map((row, index) => [...row, ceilings[index]]),
    );
    process.stdout.write(`${all.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
  });
}
