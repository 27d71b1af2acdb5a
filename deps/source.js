'use strict';

// Decides which libwebsockets source tree is built, and brings it here if it is not there yet:
//   1. LWS_SOURCE_DIR, any tree from 2.4 to 4.1
//   2. deps/libwebsockets
//   3. deps/libwebsockets.tgz, which the published package carries, unpacked there
//   4. Debian's source package, pinned in libwebsockets.json, unpacked to deps/libwebsockets

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { downloadSource } = require('./apt-source');
const { archiveIsHere, unpackSource } = require('./archive');
const { run, failure } = require('./run');

const pin = require('./libwebsockets.json');

const TREE = path.join(__dirname, 'libwebsockets');
const OLDEST = [2, 4];
const NEWEST = [4, 1];

function sha256(file) {
  return crypto.createHash('sha256').update(fs.readFileSync(file)).digest('hex');
}

function verify(folder) {
  for (const [name, expected] of Object.entries(pin.sha256)) {
    const file = path.join(folder, name);
    if (!fs.existsSync(file)) throw failure(`deps: apt did not deliver ${name}`);
    const actual = sha256(file);
    if (actual !== expected) {
      throw failure(`deps: ${name} has SHA-256 ${actual}, but libwebsockets.json pins ${expected}`);
    }
  }
}

/** dpkg-source unpacks the original tarball and applies Debian's patch series to it. */
function fetchPinned() {
  if (process.platform !== 'linux') {
    throw failure('deps: set LWS_SOURCE_DIR to a libwebsockets source tree (2.4 to 4.1)');
  }
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-deps-'));
  try {
    downloadSource(pin, folder);
    verify(folder);
    const dsc = Object.keys(pin.sha256).find((name) => name.endsWith('.dsc'));
    const unpacked = path.join(folder, 'tree');
    run('dpkg-source', ['--no-check', '-x', dsc, unpacked], { cwd: folder });
    // Beside the final place first, so that an interrupted copy is never taken for the whole tree.
    const staging = `${TREE}.${process.pid}.tmp`;
    fs.cpSync(unpacked, staging, { recursive: true, verbatimSymlinks: true });
    fs.rmSync(path.join(staging, '.gitignore'), { force: true });
    fs.renameSync(staging, TREE);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** "4.1.6", as the tree's own CMakeLists.txt says. */
function readVersion(tree) {
  const file = path.join(tree, 'CMakeLists.txt');
  if (!fs.existsSync(file)) throw failure(`deps: ${tree} is no libwebsockets source tree`);
  const text = fs.readFileSync(file, 'utf8');
  const part = (name) =>
    new RegExp(`set\\(CPACK_PACKAGE_VERSION_${name} "(\\d+)"\\)`).exec(text)?.[1];
  const parts = [part('MAJOR'), part('MINOR'), part('PATCH(?:_NUMBER)?')];
  if (parts.includes(undefined)) throw failure(`deps: cannot tell the version of ${tree}`);
  const [major, minor] = parts.map(Number);
  const number = major * 100 + minor;
  if (number < OLDEST[0] * 100 + OLDEST[1] || number > NEWEST[0] * 100 + NEWEST[1]) {
    throw failure(
      `deps: libwebsockets ${parts.join('.')} in ${tree} is not supported (2.4 to 4.1 are)`,
    );
  }
  return parts.join('.');
}

/** What of the tree the library is made from. */
const INPUTS = /^(?:CMakeLists[^/]*|cmake|include|lib|win32port)$/;

/** Digest of the files the library is built from: an edited tree is built anew. */
function digestTree(tree) {
  const hash = crypto.createHash('sha256');
  const visit = (folder) => {
    const entries = fs.readdirSync(path.join(tree, folder), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (folder === '' && !INPUTS.test(entry.name)) continue;
      const name = path.posix.join(folder, entry.name);
      if (entry.isDirectory()) visit(name);
      else if (entry.isFile())
        hash.update(`${name}\0`).update(fs.readFileSync(path.join(tree, name)));
    }
  };
  visit('');
  return hash.digest('hex');
}

function locateSource() {
  const wanted = process.env.LWS_SOURCE_DIR;
  if (wanted) {
    const tree = path.resolve(wanted);
    return { tree, version: readVersion(tree) };
  }
  if (!fs.existsSync(TREE)) {
    if (archiveIsHere()) unpackSource(TREE);
    else fetchPinned();
  }
  return { tree: TREE, version: readVersion(TREE) };
}

module.exports = {
  locateSource,
  digestTree,
  sourceIsHere: () => fs.existsSync(TREE) || archiveIsHere() || Boolean(process.env.LWS_SOURCE_DIR),
};
