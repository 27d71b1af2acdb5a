'use strict';

// Another checkout can take this one's place, for a comparison of before and after.
const { WebSocketServer, configure } = require(process.env.BENCH_LIBRARY ?? '../..');
const { serve } = require('./ws-face');

// For a comparison of the ways the engine can run.
if (process.env.BENCH_SERVICE) configure({ service: process.env.BENCH_SERVICE });

module.exports = (p) => {
  const threads = Number(process.env.BENCH_THREADS ?? p.threads ?? 1);
  if (threads > 1) configure({ threads });
  const options = { handshakeTimeout: 60_000, maxHandshakes: 0 };
  // As ws and uWebSockets.js compress.
  return serve({ WebSocketServer }, { ...p, options });
};
