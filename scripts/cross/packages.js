'use strict';

// Debian's packages as files: fetched by apt with folders of its own, unpacked without running a script of theirs.

const fs = require('node:fs');
const { run } = require('../../deps/run');
const { privateApt } = require('../../deps/apt');
const pin = require('../../deps/libwebsockets.json');
const path = require('node:path');

/** Unpacks packages into folder by dpkg alone: no script of theirs runs. */
function unpack(archives, folder) {
  fs.mkdirSync(folder, { recursive: true });
  for (const archive of archives) run('dpkg', ['-x', archive, folder]);
}

function archivesIn(folder) {
  const names = fs.readdirSync(folder).filter((name) => name.endsWith('.deb'));
  return names.sort().map((name) => path.join(folder, name));
}

function hostArchitecture() {
  return run('dpkg', ['--print-architecture']).trim();
}

/** Within the folder, what it was made from. */
const RECIPE = '.recipe';

function isMade(folder, recipe) {
  if (!fs.existsSync(folder)) return false;
  const file = path.join(folder, RECIPE);
  return recipe === undefined || (fs.existsSync(file) && fs.readFileSync(file, 'utf8') === recipe);
}

/** Makes folder by fill(staging) unless it is there, and of this recipe: an interrupted run leaves none. */
function once(folder, fill, recipe) {
  if (isMade(folder, recipe)) return folder;
  const staging = `${folder}.${process.pid}.tmp`;
  try {
    fs.mkdirSync(path.dirname(folder), { recursive: true });
    fill(staging);
    if (recipe !== undefined) fs.writeFileSync(path.join(staging, RECIPE), recipe);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(staging, folder);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
  return folder;
}

/**
 * The same by fill({ staging, apt, state }), state being a folder that apt runs in and that goes afterwards.
 * architecture: Debian's name; suite: Debian's release, if not the one that the engine's source is pinned to; security:
 * with its security updates.
 */
function makeOnce({
  folder,
  architecture,
  suite = pin.suite,
  types = 'deb',
  security = true,
  fill,
}) {
  return once(folder, (staging) => {
    const state = `${folder}.${process.pid}.apt`;
    try {
      fs.mkdirSync(state, { recursive: true });
      const options = { types, folder: state, architecture, security };
      fill({ staging, apt: privateApt({ pin: { ...pin, suite }, ...options }), state });
    } finally {
      fs.rmSync(state, { recursive: true, force: true });
    }
  });
}

module.exports = { archivesIn, hostArchitecture, makeOnce, once, unpack };
