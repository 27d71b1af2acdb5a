'use strict';

// Messages one by one. The loop is slow and the server is not: the socket is read no faster than the loop goes.
//
//   node examples/iteration.js

const { setTimeout: sleep } = require('node:timers/promises');
const { WebSocket } = require('verawebsockets');
const { startServer } = require('./support/server');

async function main() {
  const server = await startServer((peer) => {
    for (let i = 1; i <= 200; i++) peer.send(`message ${i}`);
    peer.close(1000);
  });
  const socket = await WebSocket.connect(server.url);
  let count = 0;
  for await (const message of socket) {
    if (++count % 50 === 0) console.log(message);
    await sleep(1);
  }
  console.log(`${count} messages, then the server closed`);
  server.close();
}

main();
