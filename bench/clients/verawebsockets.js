'use strict';

const { WebSocket, configure } = require('../..');

// For a comparison of the ways the engine can run.
if (process.env.BENCH_SERVICE) configure({ service: process.env.BENCH_SERVICE });

module.exports = {
  connect(url, { ca, deflate }, { open, message, fail }) {
    const socket = new WebSocket(url, { ca, perMessageDeflate: deflate });
    socket.on('open', open);
    socket.on('message', message);
    socket.on('error', fail);
    return socket;
  },
};
