'use strict';

// npm run test:many [-- TCP [HTTP2 [THREADS]]]: as many WebSockets at once as the limit of descriptors leaves, in
// one server process: so many over TCP, and so many as streams of one HTTP/2 connection, over so many threads of the
// engine. All send a message and get it back, then all end. Not part of the other tests.

const { fork } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http2 = require('node:http2');
const { WebSocket, WebSocketServer, configure } = require('../..');

/** Clients of one process have addresses of their own, each with some ten thousand ports. */
const CLIENTS = 2;
const ADDRESSES = 4;
const AT_ONCE = 64;
const MIB = 1024 * 1024;
const MASKED_X = Buffer.from([0x81, 0x81, 0, 0, 0, 0, 0x78]);

/** Nothing where the system does not tell: NaN, which is neither more nor less than another. */
const descriptors = () =>
  process.platform === 'linux' ? fs.readdirSync('/proc/self/fd').length : Number.NaN;

/** What a step takes, in the server's process: "1234 ms, of which 567 ms of its processors' time". */
function stopwatch() {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  return () => {
    const { user, system } = process.cpuUsage(cpu);
    const took = (performance.now() - started).toFixed(0);
    return `${took} ms, ${((user + system) / 1000).toFixed(0)} ms of the server's processor time`;
  };
}

/** Counts to n, then tells the parent. */
function counter(n, word) {
  let count = 0;
  return () => {
    if (++count === n) process.send(word);
  };
}

const fail = ({ code, message, detail }) =>
  process.send(`failed: ${[code, message, detail].filter(Boolean).join(', ')}`);

// ---- Clients, each in a process: they open all, and when they are told, talk on all.

function overTcp(port, first, count) {
  const sockets = [];
  const [opened, answered] = [counter(count, 'open'), counter(count, 'answered')];
  const open = (i) => {
    if (i >= count) return;
    const localAddress = `127.0.0.${first + (i % ADDRESSES)}`;
    const socket = new WebSocket(`ws://127.0.0.1:${port}`, { localAddress });
    sockets[i] = socket;
    socket.on('open', () => {
      opened();
      open(i + AT_ONCE);
    });
    socket.on('message', (data) => String(data) === String(i) && answered());
    socket.on('error', fail);
  };
  for (let i = 0; i < AT_ONCE; ++i) open(i);
  return () => sockets.forEach((socket, i) => socket.send(String(i)));
}

function overHttp2(port, count) {
  const streams = [];
  const [opened, answered] = [counter(count, 'open'), counter(count, 'answered')];
  const client = http2.connect(`http://127.0.0.1:${port}`).on('error', fail);
  client.once('remoteSettings', () => {
    for (let i = 0; i < count; ++i) {
      const stream = client.request({
        ':method': 'CONNECT',
        ':protocol': 'websocket',
        ':path': '/',
        ':scheme': 'http',
        ':authority': 'localhost',
        'sec-websocket-version': '13',
      });
      streams.push(stream);
      stream.on('response', (headers) => headers[':status'] === 200 && opened());
      stream.on('data', (data) => data[0] === 0x81 && answered());
      stream.on('error', fail);
    }
  });
  return () => streams.forEach((stream) => stream.write(MASKED_X));
}

function beClient(kind, ...numbers) {
  const talk = (kind === 'tcp' ? overTcp : overHttp2)(...numbers.map(Number));
  process.on('message', (word) => {
    if (word === 'talk') return talk();
    const { user, system } = process.cpuUsage();
    console.log(`a client took ${((user + system) / 1000).toFixed(0)} ms of processor time in all`);
    process.exit();
  });
}

// ---- The server, and what is looked at.

/** How many each of the engine's threads has. */
function byThread(server) {
  const lines = server.metrics().matchAll(/^verawebsockets_lane_connections\{.*\} (\d+)$/gm);
  return [...lines].map(([, count]) => Number(count));
}

async function serve(tcp, streams, threads) {
  configure({ threads });
  const counts = { opened: 0, closed: 0 };
  const count = (socket) => {
    counts.opened += 1;
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
    socket.on('error', () => undefined);
    socket.on('close', () => (counts.closed += 1));
  };
  // Where the machine is slow a handshake may take longer than usual, with so many at once.
  const settingsOfServer = { host: '127.0.0.1', backlog: 4096, handshakeTimeout: 120_000 };
  const server = new WebSocketServer({ port: 0, ...settingsOfServer });
  const settings = { enableConnectProtocol: true, maxConcurrentStreams: streams + 1 };
  const web = http2.createServer({ settings });
  const beside = new WebSocketServer({ server: web });
  for (const one of [server, beside]) one.on('connection', count);
  web.listen(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(web, 'listening')]);

  const children = [];
  const start = (...args) => children.push(fork(__filename, ['client', ...args.map(String)]));
  const stopped = () => Promise.all(children.map((child) => once(child, 'exit')));
  const share = Math.ceil(tcp / CLIENTS);
  for (let i = 0; i < CLIENTS; ++i) {
    const mine = Math.min(share, tcp - i * share);
    start('tcp', server.address().port, 2 + i * ADDRESSES, mine);
  }
  if (streams > 0) start('http2', web.address().port, streams);
  const before = descriptors();
  const rss = process.memoryUsage.rss();

  const all = (word) =>
    Promise.all(
      children.map(async (child) => {
        const [said] = await once(child, 'message');
        if (said !== word) throw new Error(said);
      }),
    );
  const opening = stopwatch();
  await all('open');
  console.log(`opened in ${opening()}`);
  const atOnce = counts.opened - counts.closed;
  const grown = (process.memoryUsage.rss() - rss) / MIB;
  const held = Number.isNaN(before) ? '' : `, ${descriptors()} descriptors`;
  console.log(`${atOnce} open at once${held}, ${grown.toFixed(1)} MiB more`);
  const spread = byThread(server);
  console.log(`by thread of the engine: ${spread.join(', ')}`);
  const answered = all('answered');
  const talking = stopwatch();
  for (const child of children) child.send('talk');
  await answered;
  console.log(`${atOnce} messages came and were sent back in ${talking()}`);
  const gone = stopped();
  for (const child of children) child.send('end');
  await gone;
  // The ends of the last ones, and of the HTTP/2 connection, may still be on their way.
  const left = () => descriptors() - (before - children.length);
  for (let i = 0; i < 500 && (counts.closed < counts.opened || left() > 0); ++i) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const stays = Number.isNaN(before) ? '' : `, ${Math.max(left(), 0)} descriptors are left`;
  console.log(`${counts.closed} have ended${stays}`);
  const isSpread = spread.length === threads && Math.max(...spread) - Math.min(...spread) <= 1;
  const ok =
    isSpread && atOnce === tcp + streams && counts.closed === counts.opened && !(left() > 0);
  console.log(`many: ${ok ? '1 passed, 0 failed' : '0 passed, 1 failed'}`);
  process.exit(ok ? 0 : 1);
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'client') beClient(...rest);
else void serve(Number(first ?? 19_900), Number(rest[0] ?? 200), Number(rest[1] ?? 1));
