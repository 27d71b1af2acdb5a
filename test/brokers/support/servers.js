'use strict';

// The real brokers, and the clients of them, for the programs that test with both.
//
// Needs, on Debian: apt-get install redis-server nats-server

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const { connect } = require('node:net');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { natsBroker } = require('../../../dist/brokers/nats');
const { redisBroker } = require('../../../dist/brokers/redis');

const folder = path.join(__dirname, '..', '..', '..', 'build', 'brokers');

/** Puts the clients, in pinned versions, into build/brokers/, unless they are there. */
function install() {
  const manifest = path.join(__dirname, '..', 'manifest.json');
  const copy = path.join(folder, 'package.json');
  fs.mkdirSync(folder, { recursive: true });
  const wanted = fs.readFileSync(manifest, 'utf8');
  if (fs.existsSync(copy) && fs.readFileSync(copy, 'utf8') === wanted) return;
  fs.rmSync(copy, { force: true });
  fs.writeFileSync(path.join(folder, 'package.json.new'), wanted);
  fs.renameSync(path.join(folder, 'package.json.new'), copy);
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  const { status } = spawnSync('npm', ['install', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status === 0) return;
  fs.rmSync(copy, { force: true });
  throw new Error('npm install has failed');
}

/** A module of those. */
function client(name) {
  return createRequire(path.join(folder, 'package.json'))(name);
}

async function answers(host, port) {
  const socket = connect(port, host);
  const answered = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return answered;
}

/** Starts a server that listens on a port, and waits until it does. */
async function start(command, args, host, port) {
  const child = spawn(command, args, { stdio: 'ignore' });
  let failure;
  child.once('error', (error) => (failure = error));
  while (!(await answers(host, port))) {
    if (failure) throw failure;
    if (child.exitCode !== null) throw new Error(`${command} has ended`);
    await sleep(20);
  }
  return child;
}

function startRedis(port, host = '127.0.0.1') {
  const flags = ['--save', '', '--appendonly', 'no', '--protected-mode', 'no'];
  return start('redis-server', ['--port', port, '--bind', host, ...flags], host, port);
}

function startNats(port, host = '127.0.0.1') {
  return start('nats-server', ['-p', port, '-a', host], host, port);
}

async function kill(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/**
 * What is tested: the server, and how a broker over it is made. `close` ends what the broker's owner has to.
 *
 * @type {Record<string, { start: Function, connect: (host: string, port: number) =>
 *   Promise<{ broker: object, close: () => Promise<void> }> }>}
 */
const KINDS = {};

for (const sharded of [false, true]) {
  const more = sharded ? ', sharded' : '';
  KINDS[`redis${more}`] = {
    start: startRedis,
    connect: async (host, port) => {
      const template = client('redis').createClient({ url: `redis://${host}:${port}` });
      return { broker: redisBroker(template, { sharded }), close: async () => undefined };
    },
  };
  KINDS[`ioredis${more}`] = {
    start: startRedis,
    connect: async (host, port) => {
      const { Redis } = client('ioredis');
      const template = new Redis({ port, host, lazyConnect: true });
      return { broker: redisBroker(template, { sharded }), close: async () => undefined };
    },
  };
}
KINDS.nats = {
  start: startNats,
  connect: async (host, port) => {
    const nats = await client('@nats-io/transport-node').connect({
      servers: `${host}:${port}`,
      maxReconnectAttempts: -1,
      reconnectTimeWait: 100,
      pingInterval: 1000,
    });
    return { broker: natsBroker(nats), close: () => nats.close() };
  },
};

module.exports = { install, kill, KINDS };
