'use strict';

// Sending as fast as the peer reads, in little memory: send() says when to wait, and 'drain' when to go on.
//
//   node examples/drain.js

const { once } = require('node:events');
const { WebSocket } = require('verawebsockets');
const { startServer } = require('./support/server');

async function main() {
  let received = 0;
  const server = await startServer((peer) =>
    peer.on('message', (data) => (received += data.length)),
  );
  const socket = await WebSocket.connect(server.url, {
    highWaterMark: 256 * 1024,
    perMessageDeflate: false,
  });

  const block = Buffer.alloc(64 * 1024);
  let waits = 0;
  let most = 0;
  for (let i = 0; i < 1000; i++) {
    const goOn = socket.send(block);
    most = Math.max(most, socket.bufferedAmount);
    if (!goOn) {
      waits++;
      await once(socket, 'drain');
    }
  }
  socket.close(1000);
  await once(socket, 'close');
  console.log(
    `${received / 1024} KiB arrived; waited: ${waits > 0}; never more than 512 KiB queued: ${most <= 512 * 1024}`,
  );
  server.close();
}

main();
