'use strict';

// npm run test:topics: what a topic and a subscription take of memory, in one server with 1,000 sockets. Not part of
// the other tests.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const { WebSocket, WebSocketServer } = require('../..');

const SOCKETS = 1000;
const EACH = 200;

async function clients(port) {
  const sockets = [];
  for (let i = 0; i < SOCKETS; ++i) sockets.push(await WebSocket.connect(`ws://127.0.0.1:${port}`));
  process.send('open');
}

/** In bytes: of the process, and of it what JavaScript has. */
async function memory() {
  for (let i = 0; i < 4; ++i) {
    global.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heapUsed };
}

const CASES = {
  'a subscription to a topic that others have': (_, k) => `topic ${k}`,
  'a topic with one subscription': (i, k) => `topic ${i} ${k}`,
};

/** In a process of its own: what was freed before would be used again. */
async function measure(what) {
  const topicOf = CASES[what];
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const child = fork(__filename, ['clients', server.address().port]);
  await once(child, 'message');
  const sockets = [...server.clients];

  const before = await memory();
  sockets.forEach((socket, i) => {
    for (let k = 0; k < EACH; ++k) socket.subscribe(topicOf(i, k));
  });
  const after = await memory();
  const each = (name) => Math.round((after[name] - before[name]) / (SOCKETS * EACH));
  console.log(`${what}: ${each('rss')} bytes, of which JavaScript has ${each('heapUsed')}`);
  child.kill();
  server.close();
  process.exit();
}

async function main() {
  for (const what of Object.keys(CASES)) {
    const child = fork(__filename, ['measure', what], { execArgv: ['--expose-gc'] });
    const [code] = await once(child, 'exit');
    if (code !== 0) process.exit(1);
  }
}

const [task, argument] = process.argv.slice(2);
if (task === 'clients') clients(Number(argument));
else if (task === 'measure') measure(argument);
else main();
