'use strict';

// What must hold of a binary that is published, as far as the file itself shows it:
//
//   node scripts/check-binary.js [FILE…]      default: all of scripts/targets.js

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, run, failure } = require('../deps/run');
const elf = require('./elf');
const pe = require('./pe');
const { oldMuslLibrary } = require('./cross/musl');
const { TARGETS } = require('./targets');
const { root } = require('./checkout');

const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** What Node.js itself is linked with, or the C library's; libstdc++ and libgcc are linked in. */
const LIBRARIES = {
  glibc: /^(?:lib(?:c|m|pthread|dl|rt)\.so\.\d+|ld(?:-linux[\w-]*|64)?\.so\.\d+)$/,
  // Under whatever name a system has it: musl knows itself by this one.
  musl: /^libc\.so$/,
};

/** What is on every Windows from 10 on. Node-API's functions are looked for later, in whatever program loads it. */
const WINDOWS = /^(?:kernel32|msvcrt|ws2_32|advapi32|crypt32|user32|bcrypt|iphlpapi|ntdll)\.dll$/i;

/** Symbols that neither Node-API has nor what the file names. musl's have no versions: there its library is asked. */
function foreignTo(file, target) {
  const libc = target.libc === 'musl' ? elf.exportsOf(oldMuslLibrary(target)) : [];
  return elf
    .foreignSymbols(file)
    .filter((name) => !/^(?:napi|node_api)_/.test(name) && !libc.includes(name));
}

/** In bytes, once stripped (which a build from source is not). */
function strippedSize(file, target) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-'));
  try {
    const copy = path.join(folder, 'stripped.node');
    run(`${target.triplet}-strip`, ['--strip-all', file, '-o', copy]);
    return fs.statSync(copy).size;
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

function problemsOnWindows(file, target) {
  const problems = [];
  const { machine, needed, exported } = pe.describe(file, target.triplet);
  if (machine !== target.peFormat) problems.push(`is for ${machine}, not for ${target.peFormat}`);
  const more = exported.filter((name) => !EXPORTS.includes(name));
  if (more.length > 0) problems.push(`exports ${more.join(' ')}`);
  const others = needed.filter((name) => !WINDOWS.test(name));
  if (others.length > 0) problems.push(`needs ${others.join(' ')}`);
  return problems;
}

/** Returns what is wrong with the file, a line each: empty if nothing is. */
function problemsOf(file, target, { size = fs.statSync(file).size } = {}) {
  const problems =
    target.platform === 'win32' ? problemsOnWindows(file, target) : problemsOnLinux(file, target);
  if (size > target.ceilingBytes)
    problems.push(`has ${size} bytes, over its ceiling of ${target.ceilingBytes}`);
  return problems;
}

function problemsOnLinux(file, target) {
  const problems = [];
  const { machine, needed } = elf.describe(file);
  if (machine !== target.elfMachine)
    problems.push(`is for ${machine}, not for ${target.elfMachine}`);
  const exported = elf.exportsOf(file).filter((name) => !EXPORTS.includes(name));
  if (exported.length > 0) problems.push(`exports ${exported.join(' ')}`);
  const foreign = foreignTo(file, target);
  if (foreign.length > 0) problems.push(`needs ${foreign.join(' ')}, which nothing it names has`);
  const others = needed.filter((name) => !LIBRARIES[target.libc].test(name));
  if (others.length > 0) problems.push(`needs ${others.join(' ')}`);
  // A binary for musl may need none.
  const floor = elf.glibcNumber(target.glibcFloor ?? '0.0');
  const young = elf.versionsNeeded(file).filter((version) => !(elf.glibcNumber(version) <= floor));
  if (young.length > 0)
    problems.push(`needs ${young.join(' ')}: over ${target.glibcFloor ?? 'none'}`);
  return problems;
}

if (require.main === module) {
  main(() => {
    const files = process.argv.slice(2).map((file) => path.resolve(file));
    const pairs = TARGETS.map((target) => [path.join(root, target.file), target]);
    const chosen = pairs.filter(([file]) => files.length === 0 || files.includes(file));
    if (chosen.length < files.length) throw failure('only files of scripts/targets.js');
    for (const [file, target] of chosen) {
      const problems = fs.existsSync(file) ? problemsOf(file, target) : ['is not there'];
      for (const problem of problems) process.stdout.write(`${target.file} ${problem}\n`);
      if (problems.length > 0) process.exitCode = 1;
      else {
        const mib = (fs.statSync(file).size / 1024 / 1024).toFixed(2);
        const newest = target.platform === 'linux' ? elf.versionsNeeded(file).at(-1) : undefined;
        const version = newest ? `, newest version needed ${newest}` : '';
        process.stdout.write(`${target.file}: ${mib} MiB${version}\n`);
      }
    }
  });
}

module.exports = { problemsOf, strippedSize };
