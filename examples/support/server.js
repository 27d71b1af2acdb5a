'use strict';

// What the examples talk to: servers and a proxy on loopback.

const http = require('node:http');
const net = require('node:net');
const { WebSocketServer } = require('verawebsockets');

const listening = (server) =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** A WebSocket server; without a function it echoes. */
async function startServer(onConnection = echo, options = {}) {
  const server = http.createServer();
  const sockets = new WebSocketServer({ server, ...options });
  sockets.on('connection', onConnection);
  const port = await listening(server);
  return {
    url: `ws://localhost:${port}`,
    close() {
      for (const peer of sockets.clients) peer.terminate();
      server.close();
    },
  };
}

function echo(peer) {
  peer.on('message', (data, isBinary) => peer.send(data, { binary: isBinary }));
}

/** Accepts connections and never says anything. */
async function startSilence() {
  const open = new Set();
  const server = net.createServer((socket) => open.add(socket.on('error', () => {})));
  const port = await listening(server);
  return {
    url: `ws://localhost:${port}`,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** An HTTP proxy that knows CONNECT. */
async function startHttpProxy() {
  const tunnels = [];
  const server = http.createServer();
  server.on('connect', (request, client, head) => {
    const [, host, port] = /^(.+):(\d+)$/.exec(request.url);
    tunnels.push(request.url);
    const upstream = net.connect(port, host.replace(/^\[|\]$/g, ''), () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      client.pipe(upstream).pipe(client);
    });
    upstream.on('error', () => client.destroy());
    client.on('error', () => upstream.destroy());
  });
  const port = await listening(server);
  return {
    url: `http://localhost:${port}`,
    tunnels,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

module.exports = { startServer, startSilence, startHttpProxy };
