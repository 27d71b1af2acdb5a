'use strict';

// A peer that has died without a word is found out within interval + timeout.
//
//   node examples/heartbeat.js

const { WebSocket } = require('verawebsockets');
const { startServer } = require('./support/server');

async function main() {
  // It accepts, and then never reads again: to us it looks like a cable that was cut.
  const server = await startServer((peer) => peer.pause());
  const socket = new WebSocket(server.url, { heartbeat: { interval: 50, timeout: 100 } });
  const begin = Date.now();
  socket.on('open', () => console.log('open'));
  socket.on('close', (code) => {
    console.log(`closed with ${code}, ${Date.now() - begin < 1000 ? 'in time' : 'too late'}`);
    server.close();
  });
}

main();
