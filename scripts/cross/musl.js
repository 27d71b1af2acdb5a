'use strict';

// A toolchain for musl, of which Debian has the C part only: Debian's GCC for the same processor, told by specs and
// wrappers to take musl's headers and libraries, with the C++ library, OpenSSL and zlib built from Debian's sources.
// All in build/cross/<target>/; a few minutes a target, once.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('../../deps/run');
const { root } = require('../checkout');
const { archivesIn, makeOnce, once, unpack } = require('./packages');
const { jobs, libraries } = require('./libraries');
const { gccTree } = require('./sources');

/** Of the release of Debian that everything is from: the C++ library is its compiler's. */
const GCC = '12';

const folderIn = (target, ...names) => path.join(root, 'build', 'cross', target.name, ...names);

/** musl as Debian has it, with the headers of Linux: in usr/include/<triplet> and usr/lib/<triplet>. */
function muslLibc(target) {
  const fill = ({ staging, apt, state }) => {
    const packages = ['musl', 'musl-dev', 'linux-libc-dev'];
    process.stderr.write(`fetching ${packages.join(' ')} for ${target.debianArch}\n`);
    apt(['download', ...packages]);
    const unpacked = path.join(state, 'unpacked');
    unpack(archivesIn(state), unpacked);
    const from = (...names) => path.join(unpacked, 'usr', ...names);
    const to = (...names) => path.join(staging, 'usr', ...names);
    for (const folder of ['include', 'lib'])
      fs.cpSync(from(folder, target.triplet), to(folder, target.triplet), {
        recursive: true,
        verbatimSymlinks: true,
      });
    const headers = [['linux'], ['asm-generic'], [target.gnuTriplet, 'asm']];
    for (const names of headers)
      fs.cpSync(from('include', ...names), to('include', target.triplet, names.at(-1)), {
        recursive: true,
      });
    // The library itself is in /lib/<triplet>, and the one for linking a link to there.
    const library = path.join('lib', target.triplet, 'libc.so');
    const inLib = path.join(unpacked, library);
    fs.rmSync(to(library), { force: true });
    fs.copyFileSync(fs.existsSync(inLib) ? inLib : from(library), to(library));
    const object = path.join(state, 'libgcc.o');
    const source = path.join(__dirname, 'musl-libgcc.c');
    const include = [
      '-nostdinc',
      '-isystem',
      to('include', target.triplet),
      '-isystem',
      gccHeaders(target),
      '-I',
      path.join(root, 'native'),
    ];
    run(`${target.gnuTriplet}-gcc`, [
      '-O2',
      '-fPIC',
      '-Wall',
      '-Werror',
      ...include,
      '-c',
      source,
      '-o',
      object,
    ]);
    run(`${target.gnuTriplet}-ar`, ['rcs', to('lib', target.triplet, 'libvws-libgcc.a'), object]);
  };
  return makeOnce({ folder: folderIn(target, 'musl'), architecture: target.debianArch, fill });
}

function gccHeaders(target) {
  return run(`${target.gnuTriplet}-gcc`, ['-print-file-name=include']).trim();
}

/** What GCC looks for, where, and what it links with: as musl's own specs say, from another place. */
function specs(target, musl) {
  const include = path.join(musl, 'usr', 'include', target.triplet);
  const library = path.join(musl, 'usr', 'lib', target.triplet);
  return `%rename cpp_options old_cpp_options

*cpp_options:
-nostdinc -isystem ${include} -isystem include%s %(old_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem ${include} -isystem include%s

*link_libgcc:
-L${library} -L .%s

*libgcc:
libgcc.a%s libgcc_eh.a%s ${library}/libvws-libgcc.a

*startfile:
%{!shared: ${library}/Scrt1.o} ${library}/crti.o crtbeginS.o%s

*endfile:
crtendS.o%s ${library}/crtn.o

*link:
-dynamic-linker /lib/${target.loader} -nostdlib --eh-frame-hdr %{shared:-shared} %{static:-static} %{rdynamic:-export-dynamic}

*esp_link:


*esp_options:


*esp_cpp_options:


`;
}

const quoted = (text) => `'${text.replace(/'/g, `'\\''`)}'`;

/** The programs of the toolchain, under the names that a toolchain of its own would have: returns their folder. */
function tools(target, musl) {
  const folder = folderIn(target, 'bin');
  fs.mkdirSync(folder, { recursive: true });
  const specsFile = path.join(folder, 'musl.specs');
  fs.writeFileSync(specsFile, specs(target, musl));
  const write = (name, lines) =>
    fs.writeFileSync(path.join(folder, `${target.triplet}-${name}`), `#!/bin/sh\n${lines}\n`, {
      mode: 0o755,
    });
  const compiler = (name, ...more) =>
    write(
      name,
      `[ "$*" = -dumpmachine ] && exec echo ${target.triplet}\n` +
        `exec ${target.gnuTriplet}-${name} "$@" -specs ${quoted(specsFile)} ${more.map(quoted).join(' ')}`,
    );
  const cxx = path.join(folderIn(target, 'libstdc++'), 'usr');
  const headers = path.join(cxx, 'include', 'c++');
  compiler('gcc');
  compiler(
    'g++',
    '-nostdinc++',
    ...[headers, path.join(headers, target.triplet)].flatMap((name) => ['-isystem', name]),
    `-L${path.join(cxx, 'lib')}`,
  );
  for (const name of ['ar', 'ranlib', 'nm', 'strip', 'objcopy', 'objdump', 'readelf', 'ld', 'as'])
    write(name, `exec ${target.gnuTriplet}-${name} "$@"`);
  return folder;
}

/** The C++ library: usr/include/c++ and usr/lib/libstdc++.a, and the shared one, for a runtime that wants it. */
function libstdcxx(target) {
  return once(folderIn(target, 'libstdc++'), (staging) => {
    const source = gccTree(GCC);
    process.stderr.write(`building libstdc++ for ${target.name}\n`);
    const work = path.join(staging, 'work');
    fs.mkdirSync(work, { recursive: true });
    const flags = `-O2 -fPIC -ffunction-sections -fdata-sections -ffile-prefix-map=${source}=.`;
    const env = { ...process.env, CFLAGS: flags, CXXFLAGS: flags };
    for (const [name, program] of Object.entries({
      CC: 'gcc',
      CXX: 'g++',
      AR: 'ar',
      RANLIB: 'ranlib',
    }))
      env[name] = `${target.triplet}-${program}`;
    const usr = path.join(staging, 'usr');
    const options = ['--disable-multilib', '--disable-nls', '--disable-shared', '--enable-static']
      .concat(['--disable-libstdcxx-pch', '--disable-werror', `--host=${target.triplet}`])
      .concat([`--build=${run('cc', ['-dumpmachine']).trim()}`, `--prefix=${usr}`])
      .concat([`--with-gxx-include-dir=${path.join(usr, 'include', 'c++')}`]);
    run(path.join(source, 'libstdc++-v3', 'configure'), options, { cwd: work, env });
    run('make', [jobs()], { cwd: work, env });
    run('make', ['install'], { cwd: work, env });
    fs.rmSync(work, { recursive: true });
    const lib = path.join(usr, 'lib');
    const whole = ['-Wl,--whole-archive', path.join(lib, 'libstdc++.a'), '-Wl,--no-whole-archive'];
    const shared = ['-shared', '-Wl,-soname,libstdc++.so.6', ...whole];
    run(`${target.triplet}-gcc`, [...shared, '-o', path.join(lib, 'libstdc++.so.6')]);
  });
}

/** The toolchain's programs, on this process's path from now on. */
function muslTools(target) {
  const folder = tools(target, muslLibc(target));
  const entries = process.env.PATH.split(path.delimiter);
  if (!entries.includes(folder)) process.env.PATH = [folder, ...entries].join(path.delimiter);
}

/** Makes the toolchain, and OpenSSL and zlib with it; returns their folder, to be named by VWS_SYSROOT. */
function muslSysroot(target) {
  muslTools(target);
  libstdcxx(target);
  return libraries(target, folderIn(target, 'sysroot'));
}

/** The oldest that Debian's mirrors still carry (11: musl 1.2.2), the library alone: what the binaries may call. */
function oldMuslLibrary(target) {
  const fill = ({ staging, apt, state }) => {
    apt(['download', 'musl']);
    unpack(archivesIn(state), staging);
  };
  const folder = folderIn(target, 'musl-bullseye');
  makeOnce({ folder, architecture: target.debianArch, suite: 'bullseye', fill });
  return run('find', [folder, '-name', 'libc.so', '-type', 'f']).trim();
}

/** The one that is built with. */
const muslLibrary = (target) =>
  path.join(muslLibc(target), 'usr', 'lib', target.triplet, 'libc.so');

module.exports = { libstdcxx, muslLibrary, muslSysroot, muslTools, oldMuslLibrary };
