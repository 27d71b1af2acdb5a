'use strict';

// Compiles the server and the native clients, when they are older than their sources.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');
const { buildEngine } = require('../../deps/build');

const BENCH = path.resolve(__dirname, '..');
const OUT = path.resolve(BENCH, '../build/bench');

const WARNINGS = ['-Wall', '-Wextra', '-Werror'];
const CXX = [process.env.CXX ?? 'c++', '-std=c++17', '-O2', ...WARNINGS, '-Wpedantic'];
const CC = [process.env.CC ?? 'cc', '-std=gnu11', '-O2', ...WARNINGS];

const within = (folder, names) => names.map((name) => path.join(BENCH, folder, name));
const headers = (folder) =>
  fs.readdirSync(path.join(BENCH, folder)).filter((name) => name.endsWith('.h'));

/** The programs: what they are made of, and how. */
function programs() {
  const server = fs.readdirSync(path.join(BENCH, 'server')).filter((name) => name.endsWith('.cc'));
  const list = [
    {
      name: 'server',
      tool: CXX,
      sources: within('server', server),
      libraries: ['-lssl', '-lcrypto'],
    },
    {
      name: 'load',
      tool: CXX,
      sources: within('load', ['load.cc']),
      libraries: ['-lssl', '-lcrypto', '-lz'],
    },
    { name: 'meter.o', tool: [...CC, '-c'], sources: within('native', ['meter.c']), libraries: [] },
    {
      name: 'bare',
      tool: CXX,
      sources: [
        ...within('native', ['bare-client.cc', 'bare-connections.cc']),
        ...within('server', ['frames.cc', 'transport.cc']),
        path.join(OUT, 'meter.o'),
      ],
      libraries: ['-lssl', '-lcrypto'],
    },
  ];
  const { include, library, ssl, crypto, zlib, version } = buildEngine({ unhooked: true });
  if (version.startsWith('2.')) return list; // its options for the client's TLS are others
  const lws = {
    name: 'lws',
    tool: [...CC, '-isystem', include],
    sources: within('native', ['lws-client.c', 'meter.c']),
    libraries: [library, ssl, crypto, zlib, '-ldl', '-lpthread'],
  };
  return [...list, lws];
}

function compile({ name, tool, sources, libraries }) {
  const output = path.join(OUT, name);
  const inputs = [
    ...sources,
    ...within('server', headers('server')),
    ...within('native', headers('native')),
  ];
  const newest = Math.max(
    ...[...inputs, ...libraries].map((file) =>
      file.startsWith('-') ? 0 : fs.statSync(file).mtimeMs,
    ),
  );
  if (fs.existsSync(output) && fs.statSync(output).mtimeMs > newest) return;
  const [command, ...args] = [...tool, ...sources, ...libraries, '-o', output];
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cannot compile bench/${name}: ${error?.message ?? stderr}`);
}

/** @returns {string} the folder of the programs */
function buildPrograms() {
  fs.mkdirSync(OUT, { recursive: true });
  for (const program of programs()) compile(program);
  return OUT;
}

module.exports = { buildPrograms, OUT };
