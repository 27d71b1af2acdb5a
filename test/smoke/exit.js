'use strict';

// Ends the process at a stage of a connection, in a way that must leave no crash and no hang:
//
//   SMOKE_PLAIN=ws://… node exit.js STAGE      exits with 3 (stage "throws": with 1)

const { WebSocket } = require('verawebsockets');

const stage = process.argv[2];
const at = (name) => stage === name && process.exit(3);

const socket = new WebSocket(process.env.SMOKE_PLAIN);
at('connecting');
socket.on('open', () => {
  at('open');
  socket.send('x'.repeat(1 << 20));
  at('sending');
});
socket.on('message', () => {
  at('receiving');
  if (stage === 'throws') throw new Error('on purpose');
  socket.close();
  at('closing');
});
socket.on('close', () => at('closed'));
