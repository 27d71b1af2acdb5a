'use strict';

/* global AbortController, AbortSignal */

// await WebSocket.connect(), given up by an AbortSignal: after a time, or by hand.
//
//   node examples/abort.js

const { WebSocket } = require('verawebsockets');
const { startServer, startSilence } = require('./support/server');

async function main() {
  const silence = await startSilence();
  try {
    await WebSocket.connect(silence.url, { signal: AbortSignal.timeout(50) });
  } catch (error) {
    console.log(`gave up: ${error.name}`);
  }

  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error('the user pressed "cancel"')), 10);
  try {
    await WebSocket.connect(silence.url, { signal: controller.signal });
  } catch (error) {
    console.log(`gave up: ${error.message}`);
  }
  silence.close();

  const server = await startServer();
  const socket = await WebSocket.connect(server.url, { signal: AbortSignal.timeout(5000) });
  console.log('connected in time');
  socket.close();
  server.close();
}

main();
