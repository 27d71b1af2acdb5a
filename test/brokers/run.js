'use strict';

// npm run test:brokers: two servers and their brokers over Redis and over NATS, which is killed and started again, with
// each client that can be used, in pinned versions that are installed into build/brokers/.
//
// Needs, on Debian: apt-get install redis-server nats-server

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { setTimeout: sleep } = require('node:timers/promises');
const { WebSocket, WebSocketServer } = require('../..');
const { freePort } = require('../../scripts/free-port');
const { install, kill, KINDS } = require('./support/servers');

/** Publishes until it arrives: subscriptions and connections take their time. */
async function untilHeard(server, got, word) {
  while (!got.includes(word)) {
    server.publish('news', word);
    await sleep(20);
  }
}

async function member({ broker, close }) {
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
  const end = async () => {
    client.terminate();
    const closed = once(server, 'close');
    server.close();
    await closed;
    await close();
  };
  return { server, got, errors, end };
}

async function run({ start, connect }, port) {
  let process = await start(port);
  const members = [];
  try {
    const one = await member(await connect('127.0.0.1', port));
    members.push(one);
    const two = await member(await connect('127.0.0.1', port));
    members.push(two);
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
    while (one.server.brokerStats.waitingBytes > 0) await sleep(5);
    assert.ok(one.server.brokerStats.published > 500);

    const back = Promise.all([one, two].map(({ server }) => once(server, 'brokerReconnect')));
    await kill(process);
    const lost = once(one.server, 'brokerError');
    one.server.publish('news', 'while it is away');
    await lost;
    while (!one.got.includes('while it is away')) await sleep(5);
    while (one.server.brokerStats.lost === 0) await sleep(5);
    process = await start(port);
    await back;
    await untilHeard(one.server, two.got, 'again');
    assert.ok(!two.got.includes('while it is away'));
    while (!one.errors.some(({ code }) => code === 'ERR_BROKER_LOST')) await sleep(5);
    for (const { server } of members) assert.equal(server.brokerStats.reconnects, 1);
  } finally {
    for (const { end } of members) await end();
    await kill(process);
  }
}

async function main() {
  install();
  const port = await freePort();
  for (const [name, kind] of Object.entries(KINDS)) {
    await Promise.race([
      run(kind, port),
      sleep(60_000, undefined, { ref: false }).then(() => {
        throw new Error(`${name} takes too long`);
      }),
    ]);
    console.log(`${name}: passed`);
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
