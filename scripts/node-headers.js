'use strict';

// Where Node's headers are (node_api.h, and uv.h, which no npm package carries): beside this Node
// if it was installed with them, else in build/node-headers, which node-gyp fills from the network.
//
//   node scripts/node-headers.js      prints the folder

const fs = require('node:fs');
const path = require('node:path');
const { run, main, failure } = require('../deps/run');
const { root } = require('./checkout');

/**
 * The folder whose include/node holds this Node's own headers, if there is one: node-gyp's
 * --nodedir.
 */
function nodeHeaderPrefix() {
  const binaries = [process.execPath, fs.realpathSync(process.execPath)];
  const prefixes = [
    process.env.npm_config_nodedir,
    ...binaries.map((binary) => path.resolve(path.dirname(binary), '..')),
  ];
  return prefixes.find(
    (prefix) => prefix && fs.existsSync(path.join(prefix, 'include', 'node', 'node_api.h')),
  );
}

/** Ours in a checkout, else the one that npm carries and names to the scripts it runs. */
function findNodeGyp() {
  try {
    return require.resolve('node-gyp/bin/node-gyp.js', { paths: [root] });
  } catch {
    const inNpm = path.join(
      'node_modules',
      'npm',
      'node_modules',
      'node-gyp',
      'bin',
      'node-gyp.js',
    );
    const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
    const folders = [
      path.join(prefix, 'lib'),
      path.join(prefix, 'share'),
      path.dirname(process.execPath),
    ];
    const candidates = [
      process.env.npm_config_node_gyp,
      ...folders.map((folder) => path.join(folder, inNpm)),
    ];
    const found = candidates.find((candidate) => candidate && fs.existsSync(candidate));
    if (!found) throw failure('node-gyp was not found (npm install --save-dev node-gyp)');
    return found;
  }
}

function nodeIncludeFolder() {
  const prefix = nodeHeaderPrefix();
  if (prefix) return path.join(prefix, 'include', 'node');
  const cache = path.join(root, 'build', 'node-headers');
  const folder = path.join(cache, process.versions.node, 'include', 'node');
  if (!fs.existsSync(path.join(folder, 'uv.h'))) {
    run(process.execPath, [findNodeGyp(), 'install', '--ensure', `--devdir=${cache}`]);
  }
  return folder;
}

if (require.main === module) {
  main(() => process.stdout.write(`${nodeIncludeFolder()}\n`));
}

module.exports = { findNodeGyp, nodeHeaderPrefix, nodeIncludeFolder };
