'use strict';

// A chat: what one says, all others hear. Only pages of our own may connect, and who does not read is not waited for.
//
//   node examples/chat-server.js

const { once } = require('node:events');
const { WebSocket, WebSocketServer } = require('verawebsockets');

const ORIGIN = 'https://chat.example.com';

const server = new WebSocketServer({
  port: 0,
  host: '127.0.0.1',
  maxPayload: 4096,
  sendLimit: 1024 * 1024,
  // A browser tells which page opened the connection.
  verifyClient: ({ origin }) => origin === ORIGIN,
});

server.on('connection', (socket, request) => {
  const name = new URL(request.url, ORIGIN).searchParams.get('name') ?? 'somebody';
  socket.on('message', (data) => say(`${name}: ${data}`, socket));
  socket.on('close', () => say(`${name} has left`));
  socket.on('error', () => {}); // `close` follows
  say(`${name} has joined`, socket);
});

function say(text, from) {
  for (const socket of server.clients) {
    if (socket === from || socket.readyState !== WebSocket.OPEN) continue;
    // Past sendLimit it fails: this one has not read for too long.
    socket.send(text, (error) => error && socket.terminate());
  }
}

const join = (name, origin = ORIGIN) =>
  WebSocket.connect(`ws://127.0.0.1:${server.address().port}/?name=${name}`, { origin });

async function main() {
  await once(server, 'listening');
  const ann = await join('Ann');
  const heard = ann[Symbol.asyncIterator]();
  const hear = async () => console.log(`Ann hears "${(await heard.next()).value}"`);
  const bob = await join('Bob');
  await hear();
  bob.send('hello');
  await hear();
  await join('Eve', 'https://evil.example.com').catch(({ message }) => console.log(message));
  bob.close(1000);
  await hear();
  ann.close(1000);
  server.close(() => console.log('all gone'));
}

main();
