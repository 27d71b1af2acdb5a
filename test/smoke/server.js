'use strict';

// The server of the smoke suite, on the host's Node.js: npm ws, plain and over TLS, the latter
// demanding a client certificate; both offer permessage-deflate.
//
//   node test/smoke/server.js [FOLDER]
//
// Makes the certificates (in FOLDER: ca.pem, ws.pem), listens on loopback, prints one line of JSON
// with the environment that smoke.js wants ({ SMOKE_PLAIN, SMOKE_TLS, SMOKE_CA, SMOKE_CLIENT }), and accept.js, and
// ends when its standard input does, or at a signal.
//
// Paths: / echoes; /who sends the name in the client's certificate first; /close?CODE closes with
// that code; /vanish ends TCP without a Close frame, /lapse?ID
// the first time; /demo closes after "Hello again!", /once after
// the first message.

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const path = require('node:path');
const { WebSocketServer } = require('ws');
const { makeCertificates } = require('../../examples/support/certificates');

/** The queries of /lapse. */
const lapsed = new Set();

function serve(socket, request) {
  const { pathname, search } = new URL(request.url, 'ws://localhost');
  socket.on('error', () => {});
  if (pathname === '/close') return socket.close(Number(search.slice(1)), 'as you asked');
  if (pathname === '/vanish') return socket.terminate();
  if (pathname === '/lapse' && !lapsed.has(search)) {
    lapsed.add(search);
    return socket.terminate();
  }
  if (pathname === '/who') socket.send(request.socket.getPeerCertificate().subject.CN);
  socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
    const last = pathname === '/once' || (pathname === '/demo' && String(data) === 'Hello again!');
    if (last) socket.close(1000);
  });
  return undefined;
}

function listen(server) {
  const perMessageDeflate = { threshold: 0 };
  const sockets = new WebSocketServer({ server, perMessageDeflate, maxPayload: 16 * 1024 * 1024 });
  sockets.on('connection', serve);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve({ sockets, port: server.address().port }));
  });
}

/** Starts both. Returns the environment for smoke.js, and what ends them. */
async function startSmokeServer(folder) {
  const made = makeCertificates();
  let { ca, client, server: pem } = made;
  if (folder) {
    fs.mkdirSync(folder, { recursive: true });
    const files = [ca, client, pem];
    for (const file of files) fs.copyFileSync(file, path.join(folder, path.basename(file)));
    [ca, client, pem] = files.map((file) => path.resolve(folder, path.basename(file)));
  }
  const identity = fs.readFileSync(made.server);
  const demand = { requestCert: true, rejectUnauthorized: true };
  const servers = [
    http.createServer(),
    https.createServer({ ca: fs.readFileSync(ca), cert: identity, key: identity, ...demand }),
  ];
  const [plain, tls] = await Promise.all(servers.map(listen));
  return {
    environment: {
      SMOKE_PLAIN: `ws://127.0.0.1:${plain.port}/`,
      SMOKE_TLS: `wss://127.0.0.1:${tls.port}/`,
      SMOKE_CA: ca,
      SMOKE_CLIENT: client,
      SMOKE_IDENTITY: pem,
    },
    close() {
      for (const { sockets } of [plain, tls]) {
        for (const socket of sockets.clients) socket.terminate();
      }
      for (const server of servers) server.close();
    },
  };
}

if (require.main === module) {
  startSmokeServer(process.argv[2]).then(({ environment }) => {
    process.stdout.write(`${JSON.stringify(environment)}\n`);
    process.stdin.resume().once('end', () => process.exit());
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit());
  });
}

module.exports = { startSmokeServer };
