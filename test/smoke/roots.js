'use strict';

// Says whether the certificate of a server is trusted here, ours and Node's: "open" or the error's code, of a WebSocket
// and of a request by node:tls. Whom to trust is left to Node.js, its flags, and the system.
//
//   node test/smoke/roots.js CERTIFICATE KEY

const { once } = require('node:events');
const fs = require('node:fs');
const https = require('node:https');
const tls = require('node:tls');
const { WebSocket, WebSocketServer } = require('../..');

async function ours(port) {
  try {
    const socket = await WebSocket.connect(`wss://localhost:${port}/`);
    socket.close();
    await once(socket, 'close');
    return 'open';
  } catch (error) {
    return error.code;
  }
}

async function nodes(port) {
  const socket = tls.connect({ port, host: 'localhost', servername: 'localhost' });
  try {
    await once(socket, 'secureConnect');
    return 'open';
  } catch (error) {
    return error.code;
  } finally {
    socket.destroy();
  }
}

async function main([cert, key]) {
  const server = https.createServer({ cert: fs.readFileSync(cert), key: fs.readFileSync(key) });
  new WebSocketServer({ server });
  server.listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  console.log(`WebSocket: ${await ours(port)}, node:tls: ${await nodes(port)}`);
  process.exit();
}

void main(process.argv.slice(2));
