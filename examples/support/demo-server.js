'use strict';

// The server of demo.js, in a process of its own. It demands a certificate of its authority from clients, sends back
// what they send, and closes after "Hello again!".

const { readFileSync } = require('node:fs');
const { WebSocketServer } = require('verawebsockets');

const [caFile, serverFile] = process.argv.slice(2);
const identity = readFileSync(serverFile);
const server = new WebSocketServer({
  port: 0,
  host: 'localhost',
  ca: readFileSync(caFile),
  cert: identity,
  key: identity,
  requestCert: true,
});

server.on('connection', (socket, request) => {
  const { subject } = request.socket.getPeerCertificate();
  console.log(`[server] The certificate of "${subject.CN}" is in order`);
  socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
    if (String(data) === 'Hello again!') socket.close(1000);
  });
});

server.on('listening', () => process.send(server.address().port));
// The demo has ended.
process.once('disconnect', () => process.exit());
