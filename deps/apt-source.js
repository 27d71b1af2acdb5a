'use strict';

// Downloads the pinned Debian source package with apt, so that apt's own chain of trust stands
// behind it.

const fs = require('node:fs');
const path = require('node:path');
const { privateApt } = require('./apt');

/**
 * Downloads into folder (which must exist and be empty); returns nothing. The caller checks the
 * digests.
 */
function downloadSource(pin, folder) {
  const state = path.join(folder, '.apt');
  const apt = privateApt({ pin, types: 'deb-src', folder: state });
  apt(['source', '--download-only', `${pin.package}=${pin.version}`], { cwd: folder });
  fs.rmSync(state, { recursive: true, force: true });
}

module.exports = { downloadSource };
