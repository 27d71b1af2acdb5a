'use strict';

// Source packages of the release of Debian that the engine's source is pinned to, with its security updates: for what
// there is no binary package of. Unpacked to build/cross/sources/.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('../../deps/run');
const pin = require('../../deps/libwebsockets.json');
const { root } = require('../checkout');
const { archivesIn, hostArchitecture, makeOnce, unpack } = require('./packages');

const folderOf = (name) => path.join(root, 'build', 'cross', 'sources', name);

/** The tree of a source package, with Debian's patches. */
function sourceTree(name) {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write(`fetching the source of ${name}\n`);
    apt(['source', '--download-only', name]);
    const dsc = fs.readdirSync(state).find((file) => file.endsWith('.dsc'));
    if (!dsc) throw failure(`apt delivered no source of ${name}`);
    run('dpkg-source', ['--no-check', '-x', dsc, staging], { cwd: state });
  };
  const wanted = { folder: folderOf(name), types: 'deb-src', fill };
  try {
    return makeOnce(wanted);
  } catch (error) {
    // Mirrors may have the packages of an update, and not its source.
    const what = `the source of ${name} as ${pin.suite}'s last update has it`;
    if (error.expected) throw error;
    process.stderr.write(`warning: ${what} cannot be had now; the release's is taken\n`);
    return makeOnce({ ...wanted, security: false });
  }
}

/** What the C++ library is built from, of GCC's source. */
const OF_GCC = ['libstdc++-v3', 'libgcc', 'include', 'config', 'libiberty'];
const TOOLS_OF_GCC = ['*.m4', '*.sh', 'missing', 'mkinstalldirs', 'depcomp', 'move-if-change']
  .concat(['install-sh', 'compile', 'multilib.am', 'config-ml.in', 'symlink-tree', 'gcc/BASE-VER'])
  .concat(['gcc/DATESTAMP', 'config.guess', 'config.sub', 'config.rpath']);

/** GCC's source, as far as libstdc++ needs it. version: "12". */
function gccTree(version) {
  const fill = ({ staging, apt, state }) => {
    const name = `gcc-${version}-source`;
    process.stderr.write(`fetching ${name}\n`);
    apt(['download', name]);
    const unpacked = path.join(state, 'unpacked');
    unpack(archivesIn(state), unpacked);
    const folder = path.join(unpacked, 'usr', 'src', `gcc-${version}`);
    const archive = fs.readdirSync(folder).find((file) => file.endsWith('.tar.xz'));
    if (!archive) throw failure(`${name} has no archive`);
    fs.mkdirSync(staging, { recursive: true });
    const members = [...OF_GCC, ...TOOLS_OF_GCC].map((member) => `*/${member}`);
    const options = ['--strip-components=1', '--wildcards', '--no-wildcards-match-slash'];
    run('tar', ['-xf', path.join(folder, archive), '-C', staging, ...options, ...members]);
    // Else it is built without threads.
    const libgcc = (file) => path.join(staging, 'libgcc', file);
    fs.copyFileSync(libgcc('gthr-posix.h'), libgcc('gthr-default.h'));
  };
  const architecture = hostArchitecture();
  return makeOnce({ folder: folderOf(`gcc-${version}`), architecture, fill });
}

module.exports = { sourceTree, gccTree };
