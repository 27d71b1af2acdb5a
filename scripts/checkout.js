'use strict';

// Where we are: in a checkout of the repository, or in the published package, which is less and does less.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');

/** Only a checkout has .ci; the published package never installs anything or takes warnings for errors. */
const inCheckout = fs.existsSync(path.join(root, '.ci', 'run'));

/** The prefix whose include/node holds this Node's own headers, if it was installed with them. */
function nodeHeaderPrefix() {
  const binaries = [process.execPath, fs.realpathSync(process.execPath)];
  const prefixes = binaries.map((binary) => path.resolve(path.dirname(binary), '..'));
  return prefixes.find((prefix) => fs.existsSync(path.join(prefix, 'include', 'node', 'node_api.h')));
}

module.exports = { root, inCheckout, nodeHeaderPrefix };
