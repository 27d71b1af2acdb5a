'use strict';

// A server that is replaced without a rush: told to end (SIGTERM), it accepts no more, says goodbye to its clients one
// after the other, and cuts off who has not gone at the deadline.
//
//   node examples/graceful-server.js          has three clients, tells itself to end, and ends
//   node examples/graceful-server.js 8080     serves on that port until it gets SIGTERM or SIGINT

const { once } = require('node:events');
const { WebSocket, WebSocketServer } = require('verawebsockets');

const [port] = process.argv.slice(2);
const server = new WebSocketServer({ port: port ?? 0, host: '127.0.0.1' });

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', (error) => console.error(error.message));
});
server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});

async function end(signal) {
  console.log(`${signal}: ${server.clients.size} clients`);
  // Less than what the process is given before it is killed: 30 s in Kubernetes, 90 s by systemd, 10 s by Docker.
  const times =
    port === undefined ? { spread: 60, deadline: 500 } : { spread: 5000, deadline: 9000 };
  const { closed, left, terminated } = await server.drain({ reason: 'restarting', ...times });
  console.log(`closed: ${closed}, left by themselves: ${left}, cut off: ${terminated}`);
}
process.once('SIGTERM', end);
process.once('SIGINT', end);

server.on('listening', () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  if (port === undefined) attempt(url);
  else console.log(`listening at ${url}`);
});

async function attempt(url) {
  for (const name of ['Ann', 'Bob', 'Eve']) {
    const socket = await WebSocket.connect(url);
    if (name === 'Eve') {
      // Does not read, and so does not answer.
      socket.pause();
      server.on('close', () => socket.terminate());
    } else socket.on('close', (code, reason) => console.log(`${name}: ${code} ${reason}`));
  }
  while (server.clients.size < 3) await once(server, 'connection');
  process.kill(process.pid, 'SIGTERM');
}
