'use strict';

// The server's part of the smoke suite: each way into a server, with the package's own client, in one process. As
// smoke.js it is plain JavaScript for any runtime, and is copied next to an installed package.
//
//   SMOKE_CA=ca.pem SMOKE_CLIENT=ws.pem SMOKE_IDENTITY=server.pem node accept.js
//
// Environment:
//   SMOKE_CA, SMOKE_CLIENT, SMOKE_IDENTITY   PEM files: an authority; a client's and a server's certificate and key
//   SMOKE_SERVICE, SMOKE_TIMEOUT             as in smoke.js
//   SMOKE_LACKS                              what this runtime has not: 'peer-certificate' (of its own https sockets)
//
// Prints a line for each case and then "N passed, N failed"; exits with 1 if one failed.

const assert = require('node:assert');
const { once } = require('node:events');
const fs = require('node:fs');
const http = require('node:http');
const http2 = require('node:http2');
const https = require('node:https');
const { createRequire } = require('node:module');
const net = require('node:net');
const os = require('node:os');
const path = require('node:path');

const { WebSocket, WebSocketServer, configure } = createRequire(
  path.join(process.cwd(), 'accept.js'),
)('verawebsockets');

const environment = process.env;
const timeout = Number(environment.SMOKE_TIMEOUT || 20000);
const lacks = (environment.SMOKE_LACKS || '').split(',');
const host = '127.0.0.1';
const deflate = { perMessageDeflate: { threshold: 0 } };

const ca = fs.readFileSync(environment.SMOKE_CA);
const client = fs.readFileSync(environment.SMOKE_CLIENT);
const identity = fs.readFileSync(environment.SMOKE_IDENTITY);
const serverTls = { ca, cert: identity, key: identity, requestCert: true };
const clientTls = { ca, cert: client, key: client };

function echoTo(server) {
  server.on('connection', (socket, request) => {
    const { remoteAddress, encrypted } = request.socket;
    const { getPeerCertificate: certificate } = request.socket;
    const name = encrypted ? (certificate?.call(request.socket).subject.CN ?? 'unknown') : 'nobody';
    socket.on('error', () => {});
    socket.send(`${remoteAddress} ${name} ${request.url}`);
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  return server;
}

async function echo(socket, message) {
  socket.send(message);
  const [data, isBinary] = await once(socket, 'message');
  assert.strictEqual(isBinary, typeof message !== 'string');
  assert.ok(Buffer.from(data).equals(Buffer.from(message)), 'the echo differs');
}

/** What every way must do: greet, echo, and close with a code, both ways. */
async function exercise(server, url, options, greeting) {
  for (const compression of [{ perMessageDeflate: false }, {}]) {
    const socket = new WebSocket(`${url}/a?b`, { ...options, ...compression });
    const [hello] = await once(socket, 'message');
    assert.match(String(hello), greeting);
    for (const size of [0, 125, 70000, 1500000]) {
      await echo(socket, 'é'.repeat(size / 2));
      await echo(socket, Buffer.alloc(size, 'xyz'));
    }
    const [accepted] = server.clients;
    const ends = [once(socket, 'close'), once(accepted, 'close')];
    if (compression.perMessageDeflate === false) socket.close(3456, 'so');
    else accepted.close(3456, 'so');
    for (const [code, reason] of await Promise.all(ends)) {
      assert.deepStrictEqual([code, String(reason)], [3456, 'so']);
    }
  }
}

async function end(server, web) {
  for (const socket of server.clients) socket.terminate();
  const closed = once(server, 'close');
  server.close();
  await closed;
  if (web) await new Promise((resolve) => web.close(resolve));
}

async function listening(web) {
  web.listen(0, host);
  await once(web, 'listening');
  return web.address().port;
}

async function own(options) {
  const server = echoTo(new WebSocketServer({ port: 0, host, ...deflate, ...options }));
  await once(server, 'listening');
  return server;
}

/** The answer to a request, whole. */
async function answerTo(port, lines) {
  const socket = net.connect(port, host);
  let answer = '';
  socket.on('data', (chunk) => (answer += chunk));
  socket.on('error', () => {});
  socket.write(`${lines.join('\r\n')}\r\n\r\n`);
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}

const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: localhost',
  'Upgrade: websocket',
  'Connection: Upgrade',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
];

const CLIENT = /^127\.0\.0\.1 .*client.* \/a\?b$/;

const cases = {
  'its own listener': async () => {
    const server = await own();
    await exercise(
      server,
      `ws://${host}:${server.address().port}`,
      {},
      /^127\.0\.0\.1 nobody \/a\?b$/,
    );
    await end(server);
    // On all addresses, of both versions of IP.
    const open = await own({ host: undefined });
    (await WebSocket.connect(`ws://${host}:${open.address().port}`)).terminate();
    await end(open);
  },

  'its own listener over TLS, with client certificates': async () => {
    const server = await own(serverTls);
    const url = `wss://localhost:${server.address().port}`;
    await exercise(server, url, clientTls, CLIENT);
    await assert.rejects(WebSocket.connect(url, { ca }));
    await end(server);
  },

  'a Unix socket, or a pipe': async () => {
    const isWindows = process.platform === 'win32';
    const folder = isWindows ? '' : fs.mkdtempSync(path.join(os.tmpdir(), 'vws-smoke-'));
    const file = isWindows ? `\\\\.\\pipe\\vws-smoke-${process.pid}` : path.join(folder, 'socket');
    const server = await own({ port: file, host: undefined });
    await exercise(server, 'ws://localhost', { socketPath: file }, /^undefined nobody/);
    await end(server);
    if (!isWindows) fs.rmSync(folder, { recursive: true, force: true });
  },

  "Node's http server": async () => {
    const web = http.createServer((_request, response) => response.end('hello'));
    const server = echoTo(new WebSocketServer({ server: web, ...deflate }));
    const url = `ws://${host}:${await listening(web)}`;
    await exercise(server, url, {}, /^127\.0\.0\.1 nobody \/a\?b$/);
    await end(server, web);
  },

  "Node's https server": async () => {
    const web = https.createServer(serverTls);
    const server = echoTo(new WebSocketServer({ server: web, ...deflate }));
    const url = `wss://localhost:${await listening(web)}`;
    const name = lacks.includes('peer-certificate') ? /^127\.0\.0\.1 unknown / : CLIENT;
    await exercise(server, url, clientTls, name);
    await end(server, web);
  },

  'handleUpgrade()': async () => {
    const web = http.createServer();
    const server = echoTo(new WebSocketServer({ noServer: true, ...deflate }));
    web.on('upgrade', (request, socket, head) => {
      setImmediate(() => {
        server.handleUpgrade(request, socket, head, (made) => {
          server.emit('connection', made, request);
        });
      });
    });
    const url = `ws://${host}:${await listening(web)}`;
    await exercise(server, url, {}, /^127\.0\.0\.1 nobody \/a\?b$/);
    await end(server, web);
  },

  'HTTP/2': async () => {
    const web = http2.createServer();
    const server = echoTo(new WebSocketServer({ server: web }));
    const session = http2.connect(`http://${host}:${await listening(web)}`);
    await once(session, 'remoteSettings');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/a?b',
      'sec-websocket-version': '13',
    });
    const [head] = await once(stream, 'response');
    assert.strictEqual(head[':status'], 200);
    const socket = new WebSocket(null);
    socket._isServer = false;
    const hello = once(socket, 'message');
    socket.setSocket(stream, Buffer.alloc(0));
    assert.match(String((await hello)[0]), /^127\.0\.0\.1 nobody \/a\?b$/);
    for (const size of [0, 125, 70000, 1500000]) await echo(socket, Buffer.alloc(size, 'xyz'));
    const closed = once(socket, 'close');
    socket.close(3456);
    assert.strictEqual((await closed)[0], 3456);
    session.close();
    await end(server, web);
  },

  'what is refused': async () => {
    const verifyClient = (_info, callback) => setImmediate(() => callback(false, 402));
    const server = await own({ verifyClient, origins: ['https://example.com'] });
    const { port } = server.address();
    const statusOf = async (lines) => (await answerTo(port, lines)).slice(9, 12);
    assert.strictEqual(await statusOf(['GET / HTTP/1.1', 'Host: h']), '426');
    assert.strictEqual(await statusOf(['GET /']), '400');
    assert.strictEqual(await statusOf(UPGRADE), '403');
    assert.strictEqual(await statusOf([...UPGRADE, 'Origin: https://example.com']), '402');
    assert.strictEqual(server.stats.notUpgrades, 1);
    await end(server);
  },

  'the address behind proxies': async () => {
    const server = new WebSocketServer({
      port: 0,
      host,
      proxyProtocol: true,
      trustedProxies: ['192.0.2.0/24'],
    });
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const socket = net.connect(server.address().port, host).on('error', () => {});
    const head = [...UPGRADE, 'X-Forwarded-For: 1.1.1.1, 198.51.100.7', '', ''].join('\r\n');
    socket.write(`PROXY TCP4 192.0.2.1 203.0.113.9 56324 443\r\n${head}`);
    const [, request] = await connected;
    assert.strictEqual(request.socket.remoteAddress, '192.0.2.1');
    assert.strictEqual(server.clientAddress(request), '198.51.100.7');
    await end(server);
  },

  'an idle connection': async () => {
    const server = await own({ idleTimeout: 50 });
    const socket = new WebSocket(`ws://${host}:${server.address().port}`);
    socket.on('error', () => {});
    const [code] = await once(socket, 'close');
    assert.strictEqual(code, 1006);
    assert.strictEqual(server.stats.idle, 1);
    await end(server);
  },
};

function within(promise) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeout} ms`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

async function main() {
  if (environment.SMOKE_SERVICE) configure({ service: environment.SMOKE_SERVICE });
  const counts = { passed: 0, failed: 0 };
  for (const [name, test] of Object.entries(cases)) {
    try {
      await within(test());
      counts.passed++;
      console.log(`ok      ${name}`);
    } catch (error) {
      counts.failed++;
      console.log(`FAILED  ${name}: ${error && error.stack ? error.stack : error}`);
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  // What a failed case has left open must not keep the process.
  if (counts.failed > 0) process.exit(1);
}

main();
