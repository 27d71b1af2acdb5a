'use strict';

// Pages by Fastify, and WebSockets on the same port. Needs Fastify: npm install fastify
// (@fastify/websocket takes this library in the place of ws, too: see verawebsockets/register.)
//
//   node examples/fastify-server.js          tries it and ends
//   node examples/fastify-server.js 8080     serves on that port until it is told to stop

const { once } = require('node:events');
const fastify = require('fastify');
const { WebSocket, WebSocketServer } = require('verawebsockets');

const [port] = process.argv.slice(2);
const app = fastify();
app.get('/', () => ({ clients: server.clients.size }));

// On the HTTP server that Fastify has made.
const server = new WebSocketServer({ server: app.server, path: '/echo' });
server.on('connection', (socket) => {
  socket.on('error', (error) => console.error(error.message));
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
});
// Fastify waits for every connection when it closes.
app.addHook('preClose', (done) => {
  for (const client of server.clients) client.close(1001);
  server.close();
  done();
});

async function main() {
  await app.listen({ port: Number(port ?? 0), host: '127.0.0.1' });
  const url = `127.0.0.1:${app.server.address().port}`;
  if (port === undefined) await attempt(url);
  else console.log(`listening at http://${url} and ws://${url}/echo`);
}

async function attempt(url) {
  const socket = await WebSocket.connect(`ws://${url}/echo`);
  const page = await fetch(`http://${url}/`);
  console.log(`the page: ${await page.text()}`);
  socket.send('hello');
  for await (const message of socket) {
    console.log(`came back: ${message}`);
    break;
  }
  const closed = once(socket, 'close');
  socket.resume();
  await app.close();
  const [code] = await closed;
  console.log(`closed with ${code}`);
  console.log('the server has closed');
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
