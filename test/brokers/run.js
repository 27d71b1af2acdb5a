'use strict';

// npm run test:brokers: two servers and their brokers over Redis, which is killed and started again, with each client
// that can be used, in pinned versions that are installed into build/brokers/.
//
// Needs, on Debian: apt-get install redis-server

const assert = require('node:assert/strict');
const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const { createRequire } = require('node:module');
const { connect, createServer } = require('node:net');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { WebSocket, WebSocketServer } = require('../..');
const { redisBroker } = require('../../dist/brokers/redis');

const folder = path.join(__dirname, '..', '..', 'build', 'brokers');

function install() {
  fs.mkdirSync(folder, { recursive: true });
  fs.copyFileSync(path.join(__dirname, 'manifest.json'), path.join(folder, 'package.json'));
  const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
  const { status } = spawnSync('npm', ['install', ...flags], { cwd: folder, stdio: 'inherit' });
  if (status !== 0) throw new Error('npm install has failed');
  return createRequire(path.join(folder, 'package.json'));
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function startRedis(port) {
  const flags = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const child = spawn('redis-server', flags, { stdio: 'ignore' });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    const answered = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (answered) return child;
    if (child.exitCode !== null) throw new Error('redis-server has ended');
    await sleep(20);
  }
}

async function kill(child) {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

/** Publishes until it arrives: subscriptions and connections take their time. */
async function untilHeard(server, got, word) {
  while (!got.includes(word)) {
    server.publish('news', word);
    await sleep(20);
  }
}

async function member(broker) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', broker });
  await once(server, 'listening');
  const errors = [];
  server.on('brokerError', (error) => errors.push(error));
  const connection = once(server, 'connection');
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}`);
  const got = [];
  client.on('message', (data) => got.push(String(data)));
  const [socket] = await connection;
  socket.subscribe('news');
  return { server, client, got, errors };
}

async function run(makeClient, sharded, port) {
  let redis = await startRedis(port);
  const template = makeClient(port);
  template.on('error', () => undefined);
  const members = [];
  try {
    const one = await member(redisBroker(template, { sharded }));
    const two = await member(redisBroker(template, { sharded }));
    members.push(one, two);
    await untilHeard(one.server, two.got, 'ready');
    const before = two.got.length;
    const words = Array.from({ length: 500 }, (_, i) => `word ${i}`);
    for (const word of words) assert.equal(one.server.publish('news', word), 1);
    while (!two.got.includes('word 499')) await sleep(5);
    assert.deepEqual(
      two.got.slice(before).filter((word) => word !== 'ready'),
      words,
    );
    assert.equal(one.got.filter((word) => word === 'word 7').length, 1, 'no echo');

    const back = Promise.all([one, two].map(({ server }) => once(server, 'brokerReconnect')));
    await kill(redis);
    const lost = once(one.server, 'brokerError');
    one.server.publish('news', 'while it is away');
    await lost;
    while (!one.got.includes('while it is away')) await sleep(5);
    while (one.server.brokerStats.lost === 0) await sleep(5);
    redis = await startRedis(port);
    await back;
    await untilHeard(one.server, two.got, 'again');
    assert.ok(!two.got.includes('while it is away'));
    while (!one.errors.some(({ code }) => code === 'ERR_BROKER_LOST')) await sleep(5);
  } finally {
    for (const { server, client } of members) {
      client.terminate();
      const closed = once(server, 'close');
      server.close();
      await closed;
    }
    await kill(redis);
  }
}

async function main() {
  const require = install();
  const { createClient } = require('redis');
  const { Redis } = require('ioredis');
  const clients = {
    redis: (port) => createClient({ url: `redis://127.0.0.1:${port}` }),
    ioredis: (port) => new Redis({ port, host: '127.0.0.1', lazyConnect: true }),
  };
  const port = await freePort();
  for (const [name, make] of Object.entries(clients)) {
    for (const sharded of [false, true]) {
      await Promise.race([
        run(make, sharded, port),
        sleep(60_000, undefined, { ref: false }).then(() => {
          throw new Error(`${name} takes too long`);
        }),
      ]);
      console.log(`${name}${sharded ? ', sharded' : ''}: passed`);
    }
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
