'use strict';

// Another checkout can take this one's place, for a comparison of before and after.
const { WebSocket, configure, createWebSocketStream } = require(
  process.env.BENCH_LIBRARY ?? '../..',
);

// For a comparison of the ways the engine can run.
if (process.env.BENCH_SERVICE) configure({ service: process.env.BENCH_SERVICE });

// zlib's level, to compress as hard as a peer does.
const zlibDeflateOptions = process.env.BENCH_LEVEL && { level: Number(process.env.BENCH_LEVEL) };

module.exports = {
  createWebSocketStream,
  connect(url, { ca, deflate }, { open, message, fail }) {
    const perMessageDeflate = deflate && zlibDeflateOptions ? { zlibDeflateOptions } : deflate;
    const socket = new WebSocket(url, { ca, perMessageDeflate });
    socket.on('open', open);
    if (message) socket.on('message', message);
    socket.on('error', fail);
    return socket;
  },
};
