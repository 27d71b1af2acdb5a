'use strict';

// Everything that is published, packed into build/release/: the platform packages, and the main one.
//
//   npm run release:pack

const fs = require('node:fs');
const path = require('node:path');
const { main } = require('../deps/run');
const { pack, packPlatform } = require('./package');
const { TARGETS } = require('./targets');
const { root } = require('./checkout');

const FOLDER = path.join(root, 'build', 'release');

const mib = (bytes) => `${(bytes / 1024 / 1024).toFixed(2)} MiB`;

/** In the order of publication: who installs the main one finds the others there. */
function packRelease() {
  fs.rmSync(FOLDER, { recursive: true, force: true });
  const platforms = TARGETS.map((target) => ({ ...packPlatform(target, FOLDER), target }));
  return [...platforms, pack(FOLDER)];
}

if (require.main === module) {
  main(() => {
    for (const { filename, size, unpackedSize } of packRelease())
      process.stdout.write(`${filename}: ${mib(size)} packed, ${mib(unpackedSize)} installed\n`);
  });
}

module.exports = { mib, packRelease };
