'use strict';

// The target's own development packages, unpacked to build/cross/<target>/sysroot: Debian's, of the
// release that the cross compilers come from. (The C library's come with the cross compiler.)

const fs = require('node:fs');
const path = require('node:path');
const { privateApt } = require('../../deps/apt');
const { run } = require('../../deps/run');
const pin = require('../../deps/libwebsockets.json');
const { root } = require('../checkout');

const PACKAGES = ['libssl-dev', 'zlib1g-dev'];

function crossFolder(target) {
  return path.join(root, 'build', 'cross', target.name);
}

/** Unpacks packages into folder by dpkg alone: no script of theirs runs. */
function unpack(archives, folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const archive of archives) run('dpkg', ['-x', archive, folder]);
}

function archivesIn(folder) {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.deb'));
  return names.sort().map((name) => path.join(folder, name));
}

/**
 * Makes folder by fill({ staging, apt, state }) unless it is there: an interrupted run leaves none.
 * architecture: Debian's name; suite: Debian's release, if not the one that the engine's source is pinned to.
 */
function makeOnce({ folder, architecture, suite = pin.suite, fill }) {
  if (fs.existsSync(folder)) return folder;
  const staging = `${folder}.${process.pid}.tmp`;
  const state = `${folder}.${process.pid}.apt`;
  try {
    fs.mkdirSync(state, { recursive: true });
    const options = { types: 'deb', folder: state, architecture };
    const apt = privateApt({ pin: { ...pin, suite }, ...options });
    fill({ staging, apt, state });
    fs.renameSync(staging, folder);
  } finally {
    for (const name of [staging, state]) fs.rmSync(name, { recursive: true, force: true });
  }
  return folder;
}

/** Returns the folder, to be named by VWS_SYSROOT. */
function sysroot(target) {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching ${PACKAGES.join(' ')} for ${target.debianArch}\n`);
    apt(['download', ...PACKAGES]);
    unpack(archivesIn(state), staging);
  };
  const folder = path.join(crossFolder(target), 'sysroot');
  return makeOnce({ folder, architecture: target.debianArch, fill });
}

module.exports = { sysroot, crossFolder, unpack, archivesIn, makeOnce };
