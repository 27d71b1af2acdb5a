'use strict';

// Removes what was built; with --all the engine's source too, which is then fetched anew.

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./checkout');

const folders = [
  'build',
  'dist',
  ...(process.argv.includes('--all')
    ? ['deps/libwebsockets', 'deps/libwebsockets.tgz', 'prebuilds']
    : []),
];
for (const folder of folders) fs.rmSync(path.join(root, folder), { recursive: true, force: true });
