'use strict';

// Compiles TypeScript: lib/ to dist/; with --tests, test/ to build/test/ as well.
//
//   node scripts/build-ts.js [--tests]

const fs = require('node:fs');
const path = require('node:path');
const { run, main } = require('../deps/run');
const { root } = require('./checkout');

function filesBelow(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs.readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const name = path.join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(name) : [name];
  });
}

/**
 * Removes what was compiled from a source that is gone: a stale test would go on being run, a stale
 * file be packed.
 */
function prune(output, source) {
  for (const file of filesBelow(output)) {
    const match = /^(.*?)\.(?:d\.)?(m?)[jt]s(?:\.map)?$/.exec(path.relative(output, file));
    if (match && !fs.existsSync(path.join(source, `${match[1]}.${match[2]}ts`))) fs.rmSync(file);
  }
}

/** What is compiled to build/test/x finds "../lib" where the sources do. */
function linkLib() {
  const link = path.join(root, 'build', 'lib');
  fs.mkdirSync(path.dirname(link), { recursive: true });
  if (!fs.lstatSync(link, { throwIfNoEntry: false }))
    fs.symlinkSync(path.join('..', 'dist'), link, 'junction');
}

function buildTypeScript({ tests = false } = {}) {
  const projects = tests ? ['lib', 'test'] : ['lib'];
  const tsc = require.resolve('typescript/bin/tsc', { paths: [root] });
  run(process.execPath, [tsc, '-b', ...projects], { cwd: root });
  prune(path.join(root, 'dist'), path.join(root, 'lib'));
  if (tests) prune(path.join(root, 'build', 'test'), path.join(root, 'test'));
  linkLib();
}

if (require.main === module) {
  main(() => {
    buildTypeScript({ tests: process.argv.includes('--tests') });
  });
}

module.exports = { buildTypeScript };
