'use strict';

// The server of demo.js, in a process of its own: wss:// with npm ws. It demands a certificate of its authority from
// clients, sends back what they send, and closes after "Hello again!".

const { readFileSync } = require('node:fs');
const { createServer } = require('node:https');
const { WebSocketServer } = require('ws');

const [caFile, serverFile] = process.argv.slice(2);
const identity = readFileSync(serverFile);
const https = createServer({
  ca: readFileSync(caFile),
  cert: identity,
  key: identity,
  requestCert: true,
  rejectUnauthorized: true,
});

new WebSocketServer({ server: https }).on('connection', (socket, request) => {
  const { subject } = request.socket.getPeerCertificate();
  console.log(`[server] The certificate of "${subject.CN}" is in order`);
  socket.on('message', (data, isBinary) => {
    socket.send(data, { binary: isBinary });
    if (String(data) === 'Hello again!') socket.close(1000);
  });
});

https.listen(0, 'localhost', () => process.send(https.address().port));
// The demo has ended.
process.once('disconnect', () => process.exit());
