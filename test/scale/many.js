'use strict';

// npm run test:many [-- TCP [HTTP2 [THREADS [COMMAND…]]]]: as many WebSockets at once as the limit of descriptors
// leaves, in one server process: so many over TCP, and so many as streams of one HTTP/2 connection, over so many
// threads of the engine. All send a message and get it back, then all end. COMMAND starts the server's process, if not
// this Node.js: another one, on another system that shares this one's loopback addresses. Not part of the other tests.

const { fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const http2 = require('node:http2');
const net = require('node:net');
const readline = require('node:readline');
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

// ---- The server, in a process that is told what to do by a connection (its output may go to a file), a line a step,
// and answers each by a line of JSON.

/** How many each of the engine's threads has. */
function byThread(server) {
  const lines = server.metrics().matchAll(/^verawebsockets_lane_connections\{.*\} (\d+)$/gm);
  return [...lines].map(([, count]) => Number(count));
}

async function serve(control, streams, threads) {
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

  const conductor = net.connect(control, '127.0.0.1');
  const say = (facts) => conductor.write(`${JSON.stringify(facts)}\n`);
  let before, rss, watch; // from the first step on
  const begin = () => {
    [before, rss] = [descriptors(), process.memoryUsage.rss()];
    watch = stopwatch();
    return {};
  };
  const left = () => descriptors() - before;
  const steps = {
    open: begin,
    opened: () => ({
      took: watch(),
      atOnce: counts.opened - counts.closed,
      descriptors: descriptors(),
      grown: (process.memoryUsage.rss() - rss) / MIB,
      spread: byThread(server),
    }),
    talk: () => {
      watch = stopwatch();
      return {};
    },
    talked: () => ({ took: watch() }),
    ended: async () => {
      // The ends of the last ones, and of the HTTP/2 connection, may still be on their way.
      for (let i = 0; i < 500 && (counts.closed < counts.opened || left() > 0); ++i)
        await new Promise((resolve) => setTimeout(resolve, 20));
      return { ...counts, left: left() };
    },
  };
  say({ tcp: server.address().port, http2: web.address().port });
  for await (const line of readline.createInterface({ input: conductor })) say(await steps[line]());
  process.exit();
}

// ---- Who starts both sides.

/** A server's process: ask() has it take a step, and has the answer. */
async function startServer(command, streams, threads) {
  const control = net.createServer().listen(0, '127.0.0.1');
  await once(control, 'listening');
  const numbers = [control.address().port, streams, threads].map(String);
  const [program, ...args] = [...command, __filename, 'serve', ...numbers];
  const child = spawn(program, args, { stdio: 'inherit' });
  const ended = once(child, 'exit').then(() => {
    throw new Error('the server has ended');
  });
  const [server] = await Promise.race([once(control, 'connection'), ended]);
  control.close();
  const lines = readline.createInterface({ input: server })[Symbol.asyncIterator]();
  const answer = async () => JSON.parse((await Promise.race([lines.next(), ended])).value);
  const ask = (step) => {
    server.write(`${step}\n`);
    return answer();
  };
  const end = () => {
    server.end();
    return ended.catch(() => undefined);
  };
  return { answer, ask, end };
}

async function conduct(tcp, streams, threads, command) {
  const { answer, ask, end } = await startServer(command, streams, threads);
  const ports = await answer();
  const children = [];
  const start = (...args) => children.push(fork(__filename, ['client', ...args.map(String)]));
  const stopped = () => Promise.all(children.map((one) => once(one, 'exit')));
  const all = (word) =>
    Promise.all(
      children.map(async (one) => {
        const [said] = await once(one, 'message');
        if (said !== word) throw new Error(said);
      }),
    );
  await ask('open');
  const share = Math.ceil(tcp / CLIENTS);
  for (let i = 0; i < CLIENTS; ++i)
    start('tcp', ports.tcp, 2 + i * ADDRESSES, Math.min(share, tcp - i * share));
  if (streams > 0) start('http2', ports.http2, streams);
  await all('open');
  const { took, atOnce, descriptors: held, grown, spread } = await ask('opened');
  console.log(`opened in ${took}`);
  const holds = held === null ? '' : `, ${held} descriptors`;
  console.log(`${atOnce} open at once${holds}, ${grown.toFixed(1)} MiB more`);
  console.log(`by thread of the engine: ${spread.join(', ')}`);
  const answered = all('answered');
  await ask('talk');
  for (const one of children) one.send('talk');
  await answered;
  const talked = await ask('talked');
  console.log(`${atOnce} messages came and were sent back in ${talked.took}`);
  const gone = stopped();
  for (const one of children) one.send('end');
  await gone;
  const { opened, closed, left } = await ask('ended');
  // Null: the system does not tell.
  const stays = left === null ? '' : `, ${Math.max(left, 0)} descriptors are left`;
  console.log(`${closed} have ended${stays}`);
  await end();
  const isSpread = spread.length === threads && Math.max(...spread) - Math.min(...spread) <= 1;
  const ok = isSpread && atOnce === tcp + streams && closed === opened && !(left > 0);
  console.log(`many: ${ok ? '1 passed, 0 failed' : '0 passed, 1 failed'}`);
  process.exit(ok ? 0 : 1);
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'client') beClient(...rest);
else if (first === 'serve') void serve(...rest.map(Number));
else {
  const [streams = 200, threads = 1, ...command] = rest;
  const server = command.length > 0 ? command : [process.execPath];
  void conduct(Number(first ?? 19_900), Number(streams), Number(threads), server);
}
