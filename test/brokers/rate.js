'use strict';

// npm run bench:brokers: how many publications a second one server gives to its broker, and another, in a process of
// its own, gets from it; Redis's and NATS's clients, on this machine.
//
// Needs, on Debian: apt-get install redis-server nats-server

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { WebSocketServer, WebSocket } = require('../..');
const { freePort } = require('../../scripts/free-port');
const { install, kill, KINDS } = require('./support/servers');

const SECONDS = 3;
const SIZES = [64, 1024];
/** What may wait for the broker, in bytes. */
const WAITING = 256 * 1024;

async function member(kind, port) {
  const { broker } = await KINDS[kind].connect('127.0.0.1', port);
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', broker });
  await once(server, 'listening');
  return server;
}

/** Gets what is published, for a client that takes it. */
async function receiver(kind, port) {
  const server = await member(kind, port);
  server.on('connection', (socket) => socket.subscribe('topic'));
  await WebSocket.connect(`ws://127.0.0.1:${server.address().port}`);
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const { received } = server.brokerStats;
    process.send({ received, cpu: (user + system) / 1e6, dropped: server.stats.overPublishLimit });
  });
  process.send('ready');
}

async function rate(kind) {
  const port = await freePort();
  const broker = await KINDS[kind].start(port);
  const child = fork(__filename, [kind, String(port)]);
  try {
    await once(child, 'message');
    const server = await member(kind, port);
    const ask = async () => {
      child.send('tell');
      return (await once(child, 'message'))[0];
    };
    while (server.brokerStats.published === 0) {
      server.publish('topic', 'ready');
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    for (const size of SIZES) {
      const data = Buffer.alloc(size, 'x');
      const before = await ask();
      const cpuBefore = process.cpuUsage();
      const began = performance.now();
      while (performance.now() - began < SECONDS * 1000) {
        while (server.brokerStats.waitingBytes < WAITING) server.publish('topic', data);
        await new Promise(setImmediate);
      }
      while (server.brokerStats.waitingBytes > 0) await new Promise(setImmediate);
      const after = await ask();
      const seconds = (performance.now() - began) / 1000;
      const { user, system } = process.cpuUsage(cpuBefore);
      const count = after.received - before.received;
      const each = (cpu) => `${((cpu / count) * 1e6).toFixed(1)} µs`;
      console.log(
        `${kind}, ${size} B: ${Math.round(count / seconds).toLocaleString('en')} messages/s; ` +
          `processor time of the publisher ${each((user + system) / 1e6)} a message, ` +
          `of the receiver ${each(after.cpu - before.cpu)}`,
      );
    }
    server.close();
  } finally {
    await kill(child);
    await kill(broker);
  }
}

async function main() {
  install();
  for (const kind of ['redis', 'ioredis', 'nats']) await rate(kind);
  process.exit();
}

const [kind, port] = process.argv.slice(2);
const done = kind ? receiver(kind, Number(port)) : main();
done.catch((error) => {
  console.error(error);
  process.exit(1);
});
