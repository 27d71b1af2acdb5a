'use strict';

// The engine's source as the published package carries it: what the library is built from, in one
// file. As five hundred files it would double the time that an installation takes.

const fs = require('node:fs');
const path = require('node:path');
const { run } = require('./run');

const ARCHIVE = path.join(__dirname, 'libwebsockets.tgz');

const CONTENTS = [
  'CMakeLists.txt',
  'CMakeLists-implied-options.txt',
  'LICENSE',
  'cmake',
  'include',
  'lib',
  // For Windows.
  'win32port/dirent',
  'win32port/version.rc.in',
  'win32port/win32helpers',
  // Nothing is built in these two, but CMake asks for them.
  'lwsws/CMakeLists.txt',
  'plugins/CMakeLists.txt',
];

/** The same tree makes the same archive (GNU tar). */
function packSource(tree) {
  const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
  run('tar', [...same, '-czf', ARCHIVE, '-C', tree, ...CONTENTS]);
}

/** Beside the final place first, so that an interrupted one is never taken for the whole tree. */
function unpackSource(tree) {
  const staging = `${tree}.${process.pid}.tmp`;
  fs.mkdirSync(staging, { recursive: true });
  try {
    // By names without a drive, which GNU's tar would take for another machine's.
    const [archive, folder] = [ARCHIVE, staging].map((name) => path.relative(__dirname, name));
    run('tar', ['-xzf', archive, '-C', folder.split(path.sep).join('/')], { cwd: __dirname });
    fs.renameSync(staging, tree);
  } finally {
    fs.rmSync(staging, { recursive: true, force: true });
  }
}

const archiveIsHere = () => fs.existsSync(ARCHIVE);
const removeArchive = () => fs.rmSync(ARCHIVE, { force: true });

module.exports = { archiveIsHere, packSource, removeArchive, unpackSource };
