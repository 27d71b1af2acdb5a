'use strict';

// The target's own OpenSSL and zlib, in build/cross/<target>/sysroot: Debian's development packages, of the release
// that the cross compilers come from, or built from its sources (libraries.js) where that has none, or the C library is
// not Debian's (musl.js). (The C library's headers come with the cross compiler.)

const path = require('node:path');
const { root } = require('../checkout');
const { darwinTools } = require('./darwin');
const { libraries } = require('./libraries');
const { muslSysroot } = require('./musl');
const { archivesIn, makeOnce, unpack } = require('./packages');
const { zigTools } = require('./zig');

const PACKAGES = ['libssl-dev', 'zlib1g-dev'];

function crossFolder(target) {
  return path.join(root, 'build', 'cross', target.name);
}

/** Returns the folder, to be named by VWS_SYSROOT. */
function sysroot(target) {
  if (target.libc === 'musl') return muslSysroot(target);
  const folder = path.join(crossFolder(target), 'sysroot');
  if (target.zigTarget) {
    const { triplet, zigTarget } = target;
    zigTools({ folder: path.join(crossFolder(target), 'bin'), triplet, zigTarget });
    return libraries(target, folder);
  }
  if (target.platform === 'darwin') {
    darwinTools(target);
    return libraries(target, folder);
  }
  // A later release's would ask for a later C library's functions.
  if (target.debianSuite || target.platform === 'win32') return libraries(target, folder);
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching ${PACKAGES.join(' ')} for ${target.debianArch}\n`);
    apt(['download', ...PACKAGES]);
    unpack(archivesIn(state), staging);
  };
  return makeOnce({ folder, architecture: target.debianArch, fill });
}

module.exports = { sysroot, crossFolder };
