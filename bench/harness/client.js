'use strict';

const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const { OUT } = require('./build');

const CLIENTS = path.resolve(__dirname, '../clients');
const PYTHON = '/usr/bin/python3'; // Debian's, which has Debian's modules
/** A measurement that takes longer has failed. */
const LONGEST_MS = 120_000;

/** Arguments of the native clients. */
function nativeArguments(p) {
  const {
    mode,
    path: target,
    size,
    type,
    flight,
    connections,
    every,
    deflate,
    tls,
    port,
    server,
    warm,
    measure,
    caFile,
  } = p;
  const values = {
    path: target,
    size,
    type,
    flight,
    connections,
    every,
    port,
    server,
    warm,
    measure,
  };
  const flags = {
    mode: mode === 'roundtrip' ? 'echo' : mode,
    deflate: Number(deflate),
    tls: Number(tls),
    ca: caFile ?? '',
  };
  return Object.entries({ ...values, ...flags }).map(([key, value]) => `${key}=${value}`);
}

/** How each client is started. */
function command(client, p) {
  if (client === 'bare' || client === 'lws') return [path.join(OUT, client), nativeArguments(p)];
  if (client === 'python')
    return [PYTHON, [path.join(CLIENTS, 'python-websockets.py'), JSON.stringify(p)]];
  const flags = p.mode === 'hold' ? ['--expose-gc'] : [];
  return [process.execPath, [...flags, path.join(CLIENTS, 'main.js'), client, JSON.stringify(p)]];
}

/** Whether a client can take part here. */
function available(client) {
  if (client === 'python') {
    const places = ['/usr/lib/python3/dist-packages/websockets'];
    return places.some((place) => fs.existsSync(place));
  }
  return client !== 'lws' || fs.existsSync(path.join(OUT, 'lws'));
}

/**
 * One measurement, in a fresh process.
 * @returns {Promise<any>} what the client printed; `error` where it failed
 */
async function runClient(client, p, env) {
  const [program, args] = command(client, p);
  const child = spawn(program, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (err += text));
  const timer = setTimeout(() => child.kill('SIGKILL'), LONGEST_MS);
  const [code, signal] = await once(child, 'close');
  clearTimeout(timer);
  if (code === 0 && out.startsWith('{')) return JSON.parse(out);
  const words = err.trim().split('\n');
  return {
    error: `${client}: ${words.find((line) => /error/i.test(line)) ?? words[0] ?? ''} (${signal ?? code})`,
  };
}

module.exports = { runClient, available };
