'use strict';

// Through a proxy. Without arguments it starts a small HTTP proxy of its own and goes through that.
//
//   node examples/proxy.js [proxy's URL [server's URL]]
//   node examples/proxy.js socks5h://user:password@proxy.example:1080 wss://server.example
//   HTTPS_PROXY=http://proxy.example:3128 node examples/proxy.js env wss://server.example

const { WebSocket } = require('verawebsockets');
const { startServer, startHttpProxy } = require('./support/server');

async function main() {
  const server = await startServer();
  const proxy = await startHttpProxy();
  const [, , proxyUrl = proxy.url, url = server.url] = process.argv;

  const socket = await WebSocket.connect(url, { proxy: proxyUrl });
  console.log(`connected through a proxy; tunnels made by our own: ${proxy.tunnels.length}`);
  socket.send('hello');
  for await (const message of socket) {
    console.log(`received: ${message}`);
    break;
  }
  socket.close();
  server.close();
  proxy.close();
}

main();
