'use strict';

// In a checkout the addon is linked for the glibc floor by every build, not only for publishing, so
// that every run of the tests holds it. The published package builds for the machine it is on, and
// has no such script.

const path = require('node:path');
const { run } = require('../../deps/run');
const { root } = require('../checkout');
const { hostTarget } = require('../targets');
const { glibcStubs } = require('./glibc-stubs');

/** The folder of libraries to link with, '' if there are none for this machine. */
function hostStubs() {
  const target = hostTarget();
  if (!target?.glibcFloor) return '';
  const compiler = process.env.CC || 'cc';
  const version = run(compiler, ['-dumpfullversion', '-dumpversion']).trim();
  const name = `glibc-${target.glibcFloor}-${path.basename(compiler)}-${version}`;
  const folder = path.join(root, 'build', 'glibc', name);
  return glibcStubs({ compiler, floor: target.glibcFloor, folder });
}

module.exports = { hostStubs };
