'use strict';

// What must hold of a binary that is published, as far as the file itself shows it:
//
//   node scripts/check-binary.js [FILE…]      default: all of scripts/targets.js

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, run, failure } = require('../deps/run');
const elf = require('./elf');
const macho = require('./macho');
const pe = require('./pe');
const { nodeForMac, systemLibrary } = require('./cross/darwin');
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

/** With all that it is made of. */
const MACOS_LIBRARY = '/usr/lib/libSystem.B.dylib';

/** Of that, what macOS 10.15 has and Node.js 18 does not call. */
const SINCE_MACOS_10_15 = [
  'aligned_alloc clock_gettime getgrgid getgrnam getprotobyname getpwnam getpwuid inet_pton memset_s mktime',
  'pthread_attr_getstacksize pthread_cond_timedwait stpcpy strerror_r strncasecmp',
  // C++'s library, where an exception would pass.
  '_Unwind_DeleteException _Unwind_GetIP _Unwind_GetLanguageSpecificData _Unwind_GetRegionStart',
  '_Unwind_RaiseException _Unwind_Resume _Unwind_SetGR _Unwind_SetIP',
].flatMap((line) => line.split(' '));

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

/** { system, node }: names of what macOS's library has from the target's oldest on, and of what Node.js has. */
function symbolsOnMac(target) {
  const node = macho.describe(nodeForMac(target));
  const listed = macho.listed(systemLibrary(), target.macho);
  // The list tells nothing of when something came. That Node.js, which runs on the oldest, calls it, does.
  const called = new Set([...node.wanted.map(({ name }) => name), ...SINCE_MACOS_10_15]);
  return {
    system: new Set(listed.filter((name) => called.has(name))),
    node: new Set(node.exported),
  };
}

/** found: as macho.describe() has it; symbols: as symbolsOnMac() has them. */
function problemsOfBundle(found, target, { system, node }) {
  const { machine, kind, oldest, needed, isSigned, hasSymbols, exported, wanted } = found;
  if (machine !== target.macho || kind !== 'bundle')
    return [`is a ${kind} for ${machine}, not a bundle for ${target.macho}`];
  const problems = [];
  if (oldest !== target.macosFloor)
    problems.push(`is for macOS ${oldest}, not for ${target.macosFloor}`);
  if (!isSigned) problems.push('has no signature, or one of another file');
  if (hasSymbols) problems.push('has symbols for debuggers');
  const more = exported.filter((name) => !EXPORTS.includes(name));
  if (more.length > 0) problems.push(`exports ${more.join(' ')}`);
  const others = needed.filter((name) => name !== MACOS_LIBRARY);
  if (others.length > 0) problems.push(`needs ${others.join(' ')}`);
  const isThere = ({ name, anywhere }) =>
    anywhere ? /^(?:napi|node_api)_/.test(name) && node.has(name) : system.has(name);
  const unknown = wanted.filter((symbol) => !isThere(symbol)).map(({ name }) => name);
  if (unknown.length > 0)
    problems.push(`needs ${unknown.join(' ')}, which Node.js or macOS ${oldest} may not have`);
  return problems;
}

const problemsOnMac = (file, target) =>
  problemsOfBundle(macho.describe(file), target, symbolsOnMac(target));

const CHECKS = { linux: problemsOnLinux, win32: problemsOnWindows, darwin: problemsOnMac };

/** Returns what is wrong with the file, a line each: empty if nothing is. */
function problemsOf(file, target, { size = fs.statSync(file).size } = {}) {
  const problems = CHECKS[target.platform](file, target);
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

module.exports = { problemsOf, problemsOfBundle, strippedSize };
