'use strict';

// A server over TLS that knows its clients by their certificates.
//
//   node examples/tls-server.js          tries it, with certificates of its own making, and ends
//   node examples/tls-server.js 8443 ca.pem server.pem server.key
//                                        serves on that port until it is told to stop

const { readFileSync } = require('node:fs');
const { WebSocket, WebSocketServer } = require('verawebsockets');
const { makeCertificates } = require('./support/certificates');

const [port, ...files] = process.argv.slice(2);
const made = port === undefined ? makeCertificates() : undefined;
const [ca, cert, key] = (made ? [made.ca, made.server, made.server] : files).map((file) =>
  readFileSync(file),
);

const server = new WebSocketServer({
  port: port ?? 0,
  host: '127.0.0.1',
  ca,
  cert,
  key,
  requestCert: true, // and refuse who has none that `ca` has signed
  handshakeTimeout: 5000,
  idleTimeout: 60_000,
  heartbeat: { interval: 20_000 },
});
server.on('connection', (socket, request) => {
  const { subject } = request.socket.getPeerCertificate();
  socket.on('error', (error) => console.error(error.message));
  socket.send(`hello ${subject.CN}, over ${request.socket.getProtocol()}`);
});
server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
server.on('listening', () => {
  const url = `wss://localhost:${server.address().port}`;
  if (made) attempt(url);
  else console.log(`listening at ${url}`);
});

async function attempt(url) {
  const client = readFileSync(made.client);
  const socket = await WebSocket.connect(url, { ca, cert: client, key: client });
  socket.on('message', async (data) => {
    console.log(`heard: ${data}`);
    socket.close(1000);
    // Without a certificate.
    const other = new WebSocket(url, { ca });
    other.on('error', () => console.log('a client without a certificate does not get in'));
    other.on('close', () => server.close(() => console.log('the server has closed')));
  });
}
