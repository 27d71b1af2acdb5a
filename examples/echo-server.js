'use strict';

// A server that sends back what it gets, and a client that tries it.
//
//   node examples/echo-server.js          tries it and ends
//   node examples/echo-server.js 8080     serves on that port until it is told to stop

const { WebSocket, WebSocketServer } = require('verawebsockets');

const [port] = process.argv.slice(2);
const server = new WebSocketServer({
  port: port ?? 0,
  host: '127.0.0.1',
  maxPayload: 1024 * 1024,
  heartbeat: { interval: 30_000 },
});

server.on('connection', (socket) => {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('error', (error) => console.error(error.message));
});
server.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
server.on('listening', () => {
  const url = `ws://127.0.0.1:${server.address().port}`;
  if (port === undefined) attempt(url);
  else console.log(`listening at ${url}`);
});

async function attempt(url) {
  const socket = await WebSocket.connect(url);
  socket.send('hello');
  socket.on('message', (data) => {
    console.log(`came back: ${data}`);
    socket.close(1000);
  });
  socket.on('close', (code) => {
    console.log(`closed with ${code}`);
    server.close(() => console.log('the server has closed'));
  });
}
