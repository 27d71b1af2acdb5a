'use strict';

const { once } = require('node:events');
const net = require('node:net');

/**
 * A port that nobody listens on at the moment, by address or by any: for programs that take one by number. Below those
 * that systems give to clients, so that no connection has it the next moment either.
 */
async function freePort() {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = net.createServer();
    try {
      await once(server.listen(port), 'listening');
    } catch {
      continue;
    }
    server.close();
    await once(server, 'close');
    return port;
  }
}

module.exports = { freePort };
