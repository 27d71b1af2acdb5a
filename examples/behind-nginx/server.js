'use strict';

// A server behind nginx, with the configuration beside it: it listens on a Unix socket, and takes nginx's word for the
// client's address.
//
//   node examples/behind-nginx/server.js feed.sock

const { chmodSync } = require('node:fs');
const { WebSocketServer } = require('verawebsockets');

const [path] = process.argv.slice(2);
const server = new WebSocketServer({
  port: path,
  trustedProxies: ['unix'],
  maxConnectionsPerAddress: 100,
  heartbeat: { interval: 30_000 }, // less than proxy_read_timeout
});
server.on('connection', (socket, request) => {
  socket.on('error', (error) => console.error(error.message));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.send(`you are ${server.clientAddress(request)}, at ${request.url}`);
});
server.on('listening', () => {
  // nginx has another user. Better: a folder that only its group can enter, and 0o660.
  chmodSync(path, 0o666);
  console.log(`listening at ${server.address()}`);
});
server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
