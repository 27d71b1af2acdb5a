'use strict';

// A toolchain for macOS: Zig's compiler (zig.js), which has macOS's headers and the list of what its C library has, and
// LLVM's linker from Debian. C++'s library, which macOS has as well, is linked in: Zig's, compiled by it.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('../../deps/run');
const { root } = require('../checkout');
const { installRuntime } = require('../runtimes');
const { once } = require('./packages');
const { zigFolder, zigTools } = require('./zig');

/** Of Debian's package lld-19. */
const LINKER = 'ld64.lld-19';

/** Of SDKs, the one whose ways of linking a binary gets: Node's own binaries have one of this age. */
const SDK = '14.0';

const folderIn = (target, ...names) => path.join(root, 'build', 'cross', target.name, ...names);

/** What macOS's C library has, with all that it is made of: a file that linkers read. */
const systemLibrary = () => path.join(zigFolder(), 'lib', 'libc', 'darwin', 'libSystem.tbd');

/** C++'s library, and what compilers call. */
const ARCHIVES = ['libc++.a', 'libc++abi.a', 'libcompiler_rt.a'];
/** The same, that Zig has not. */
const OWN_ARCHIVE = 'libvws-cpu.a';

/** Has Zig link nothing, and copies the libraries that it names. */
function runtime(target) {
  return once(folderIn(target, 'runtime'), (staging) => {
    process.stderr.write(`building libc++ for ${target.name}\n`);
    fs.mkdirSync(staging, { recursive: true });
    const empty = path.join(staging, 'empty.cc');
    const out = path.join(staging, 'empty.dylib');
    fs.writeFileSync(empty, '');
    const script = `exec ${target.triplet}-clang++ -O2 -dynamiclib --verbose "$1" -o "$2" 2>&1`;
    const text = run('sh', ['-c', script, 'sh', empty, out]);
    const line = text.split('\n').findLast((words) => words.startsWith('zig ld ')) ?? '';
    const archives = line.split(' ').filter((word) => word.endsWith('.a'));
    for (const name of ARCHIVES) {
      const archive = archives.find((file) => path.basename(file) === name);
      if (!archive) throw failure(`Zig links no ${name}`);
      fs.copyFileSync(archive, path.join(staging, name));
    }
    if (target.arch === 'x64') {
      const object = path.join(staging, 'cpu.o');
      const flags = [
        '-O2',
        '-Wall',
        '-Wextra',
        '-Werror',
        '-c',
        path.join(__dirname, 'darwin-cpu.c'),
      ];
      run(`${target.triplet}-clang`, [...flags, '-o', object]);
      run(`${target.triplet}-ar`, ['rcs', path.join(staging, OWN_ARCHIVE), object]);
      fs.rmSync(object);
    }
    for (const file of [empty, out]) fs.rmSync(file);
  });
}

/** Makes the toolchain, and puts it on this process's path. */
function darwinTools(target) {
  const { arch, macho, macosFloor, triplet } = target;
  const folder = folderIn(target, 'bin');
  const archives = arch === 'x64' ? [...ARCHIVES, OWN_ARCHIVE] : ARCHIVES;
  const libraries = archives.map((name) => folderIn(target, 'runtime', name));
  const programs = {
    nm: 'exec llvm-nm "$@"',
    install_name_tool: 'exec llvm-install-name-tool "$@"',
    // Arguments as a compiler has them: "-Wl,a,b" for "a b".
    ld: `n=$#
while [ $n -gt 0 ]; do
  word=$1; shift; n=$((n - 1))
  case $word in
    -Wl,*) IFS=,; for part in \${word#-Wl,}; do set -- "$@" "$part"; done; unset IFS;;
    *) set -- "$@" "$word";;
  esac
done
exec ${LINKER} -arch ${macho} -platform_version macos ${macosFloor} ${SDK} -adhoc_codesign \\
  "$@" ${[...libraries, systemLibrary()].map((file) => `'${file}'`).join(' ')}`,
  };
  // macOS's headers say of some pointers only whether they may be null.
  const flags = ['-Wno-nullability-completeness'];
  const zigTarget = `${triplet.split('-')[0]}-macos.${macosFloor}`;
  zigTools({ folder, triplet, zigTarget, flags, programs });
  runtime(target);
}

/** Node.js 18 for the target, as its makers build it: to be read, nothing here can run it. */
function nodeForMac({ name, node }) {
  return installRuntime({ name: `node-${name}`, binary: 'bin/node', ...node });
}

module.exports = { darwinTools, nodeForMac, systemLibrary };
