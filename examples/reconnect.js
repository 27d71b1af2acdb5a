'use strict';

// A socket that comes back when the server has dropped it; messages sent meanwhile are kept.
//
//   node examples/reconnect.js

const { WebSocket } = require('verawebsockets');
const { startServer } = require('./support/server');

async function main() {
  let visits = 0;
  const server = await startServer((peer) => {
    // The first connection is dropped at once: "service restart".
    if (++visits === 1) peer.close(1012);
    else peer.on('message', (data) => peer.send(`echo of ${data}`));
  });

  const socket = new WebSocket(server.url, {
    reconnect: { min: 10, max: 1000, factor: 2, jitter: 0.5, attempts: 10, unsent: 'keep' },
  });
  socket.on('reconnecting', ({ attempt, delay }) =>
    console.log(`lost; attempt ${attempt} in ${delay} ms`),
  );
  socket.on('reconnected', (attempts) => console.log(`back after ${attempts} attempt(s)`));
  socket.on('message', (data) => {
    console.log(String(data));
    socket.close(1000);
  });
  socket.on('close', (code) => {
    console.log(`closed with ${code}`);
    server.close();
  });

  // It is kept until a connection takes it.
  socket.once('reconnecting', () => socket.send('a message that waits'));
}

main();
