'use strict';

// What the prebuilt binaries consist of, in KiB, from the maps that the linker left (npm run
// prebuild): the whole stripped file, and what each library has in it. The rest is the loader's:
// relocations, symbols, unwind tables that were merged.

const fs = require('node:fs');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { crossFolder } = require('./cross/sysroot');
const { TARGETS: ALL } = require('./targets');
const { root } = require('./checkout');

/** The linker's maps of other systems' files are of another kind. */
const TARGETS = ALL.filter(({ platform }) => platform === 'linux');

const PARTS = [
  ['libcrypto', /\/libcrypto\.a\(/],
  ['libssl', /\/libssl\.a\(/],
  ['libwebsockets', /\/libwebsockets\.a\(/],
  ['zlib', /\/libz\.a\(/],
  ['libstdc++, libgcc', /\/lib(?:stdc\+\+|gcc|gcc_eh|supc\+\+|atomic)\.a\(/],
  ['ours', /(?:^|\/)native\/.*\.o$/],
];

/** Sections that are in the stripped file. */
const LOADED = /^\.(?:text|rodata|data|init_array|eh_frame|gcc_except_table|tdata|ARM|MIPS|sdata)/;

function sizesOf(target) {
  const map = path.join(crossFolder(target), 'build', 'verawebsockets.map');
  if (!fs.existsSync(map)) throw failure(`${map} is not there (npm run prebuild)`);
  const text = fs.readFileSync(map, 'utf8');
  const placed = text.slice(text.indexOf('Linker script and memory map'));
  const sums = Object.fromEntries(PARTS.map(([name]) => [name, 0]));
  for (const match of placed.matchAll(/^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S.*)$/gm)) {
    const [, section, address, size, from] = match;
    if (/^0+$/.test(address) || !LOADED.test(section)) continue;
    const part = PARTS.find(([, pattern]) => pattern.test(from));
    if (part) sums[part[0]] += parseInt(size, 16);
  }
  return { whole: fs.statSync(path.join(root, target.file)).size, ...sums };
}

if (require.main === module) {
  main(() => {
    const kib = (bytes) => Math.round(bytes / 1024);
    const rows = TARGETS.map((target) => [target.name, ...Object.values(sizesOf(target)).map(kib)]);
    const head = ['target', 'whole file', ...PARTS.map(([name]) => name)];
    const ceilings = TARGETS.map((target) => kib(target.ceilingBytes));
    const all = [[...head, 'ceiling'], head.concat('').map(() => '---')].concat(
      rows.map((row, index) => [...row, ceilings[index]]),
    );
    process.stdout.write(`${all.map((row) => `| ${row.join(' | ')} |`).join('\n')}\n`);
  });
}
