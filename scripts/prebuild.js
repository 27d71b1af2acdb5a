#!/usr/bin/env node
'use strict';

// Builds the binaries that the package carries, by CMakeLists.txt and cmake-js, each with Debian's
// cross compiler and the target's own OpenSSL and zlib, and stripped, into prebuilds/.
//
//   npm run prebuild -- --all                   all targets of scripts/targets.js
//   npm run prebuild -- --target linux-arm --target linux-x64-musl
//   npm run prebuild -- --arch x64              those of one processor
//
// Without arguments it builds nothing: npm takes a script of this name for what has to run before
// each "npm run build".
//
// prebuildify makes the layout; where it would start node-gyp it starts this file again, as
// "prebuild.js rebuild …", in the folder where it looks for the result.

const fs = require('node:fs');
const path = require('node:path');
const { promisify } = require('node:util');
const { main, failure } = require('../deps/run');
const { buildCmake } = require('./build-cmake');
const { problemsOf } = require('./check-binary');
const { glibcStubs } = require('./cross/glibc-stubs');
const { crossFolder, sysroot } = require('./cross/sysroot');
const { prepare } = require('./prepare');
const { TARGETS, targetsOf } = require('./targets');
const { root } = require('./checkout');

/** What prebuildify starts as node-gyp: leaves build/Release/verawebsockets.node where it looks. */
function compile(target) {
  const stubs =
    target.libc === 'glibc'
      ? glibcStubs({
          compiler: `${target.triplet}-gcc`,
          floor: target.glibcFloor,
          folder: path.join(crossFolder(target), `glibc-${target.glibcFloor}`),
        })
      : '';
  const out = path.join(crossFolder(target), 'build');
  // cmake-js takes a folder whose configuration failed for configured.
  fs.rmSync(path.join(out, 'CMakeCache.txt'), { force: true });
  buildCmake({
    toolchain: target.toolchain,
    arch: target.arch,
    out,
    glibcStubs: stubs,
  });
}

async function prebuild(target) {
  process.env.VWS_SYSROOT = sysroot(target);
  process.env.VWS_PREBUILD_TARGET = target.name;
  const prebuildify = promisify(require('prebuildify'));
  await prebuildify({
    platform: target.platform,
    arch: target.arch,
    libc: target.libc,
    tagLibc: Boolean(target.libc),
    armv: target.armVersion,
    tagArmv: Boolean(target.armVersion),
    name: 'verawebsockets',
    napi: true,
    targets: [process.versions.node],
    // Whose file is signed cannot be stripped any more: the linker has done it.
    strip: target.platform !== 'darwin',
    stripBin: `${target.triplet}-strip`,
    nodeGyp: __filename,
    cwd: crossFolder(target),
    out: root,
  });
  const file = path.join(root, target.file);
  const problems = problemsOf(file, target);
  if (problems.length > 0) throw failure(`${target.file} ${problems.join('; ')}`);
  const size = (fs.statSync(file).size / 1024 / 1024).toFixed(2);
  process.stdout.write(`${target.file}: ${size} MiB\n`);
}

if (require.main === module) {
  main(async () => {
    if (process.argv[2] === 'rebuild') {
      compile(TARGETS.find(({ name }) => name === process.env.VWS_PREBUILD_TARGET));
      return;
    }
    const args = process.argv.slice(2);
    if (args.length === 0) {
      process.stdout.write('prebuilt binaries: none asked for (--all, or --target NAME)\n');
      return;
    }
    const targets = targetsOf(args[0] === '--all' ? args.slice(1) : args);
    prepare(['build', 'cross']);
    for (const target of targets) await prebuild(target);
  });
}
