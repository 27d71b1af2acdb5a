'use strict';

// What goes on inside: diagnostics_channel tells of every socket of the process, stats counts what one has done.
//
//   node examples/observe.js

const { subscribe } = require('node:diagnostics_channel');
const { WebSocket } = require('verawebsockets');
const { startServer } = require('./support/server');

/** Subscribes for the sockets of clients: those that a server has accepted have no URL. */
function watch(name, listener) {
  subscribe(`verawebsockets:${name}`, (message) => {
    if (message.websocket.url) listener(message);
  });
}

watch('open', ({ extensions }) => console.log(`open, ${extensions}`));
watch('pong', ({ payload }) => console.log(`pong, ${payload.length} bytes`));
watch('close', ({ code, wasClean }) =>
  console.log(`closed with ${code}, ${wasClean ? 'clean' : 'not clean'}`),
);

async function main() {
  const server = await startServer(undefined, { perMessageDeflate: true });
  const socket = await WebSocket.connect(server.url);
  socket.ping();
  socket.send('again and '.repeat(1000));
  for await (const message of socket) {
    const { messagesSent, payloadBytesSent, sentCompressionRatio, roundTripTime } = socket.stats;
    console.log(`${message.length} characters came back; sent: ${messagesSent} message`);
    console.log(`${payloadBytesSent} bytes, compressed: ${sentCompressionRatio > 10}`);
    console.log(`round trip measured: ${roundTripTime >= 0}`);
    break;
  }
  socket.once('close', () => server.close());
  socket.close(1000);
}

main();
