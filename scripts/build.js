'use strict';

// Builds everything that is not up to date: system packages (see prepare.js), engine, addon,
// TypeScript.
//
//   node scripts/build.js [--quiet] [--tests] [--cmake]
//
// --cmake builds the addon by cmake-js instead of node-gyp.

const path = require('node:path');
const { main } = require('../deps/run');
const { buildAddon } = require('./build-addon');
const { buildCmake } = require('./build-cmake');
const { buildTypeScript } = require('./build-ts');
const { prepare } = require('./prepare');
const { root } = require('./checkout');

function build({ quiet = false, tests = false, cmake = false } = {}) {
  const say = (line) => quiet || process.stdout.write(`${line}\n`);
  prepare(tests ? ['build', 'test'] : ['build']);
  if (cmake) say(`addon: ${path.relative(root, buildCmake())}`);
  else say(`addon: ${buildAddon() ? 'built' : 'up to date'}`);
  buildTypeScript({ tests });
  say('TypeScript: compiled');
}

if (require.main === module) {
  main(() => {
    const args = process.argv.slice(2);
    const names = ['quiet', 'tests', 'cmake'];
    build(Object.fromEntries(names.map((name) => [name, args.includes(`--${name}`)])));
  });
}

module.exports = { build };
