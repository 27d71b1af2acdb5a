'use strict';

// One of a row of servers on the same listening socket. It says "ready PID PORT" when it accepts. Told to be replaced
// (SIGUSR2) it starts the next one with its listening socket, and when that accepts, drains and ends.

const { spawn } = require('node:child_process');
const { WebSocketServer } = require('../..');

const [inherited] = process.argv.slice(2);
const server = new WebSocketServer(
  inherited === undefined
    ? { port: 0, host: '127.0.0.1', backlog: 4096 }
    : { fd: Number(inherited), backlog: 4096 },
);
let accepted = 0;
server.on('connection', (socket) => {
  accepted += 1;
  socket.on('error', () => {});
});
server.on('error', (error) => {
  console.log(`failed ${error.message}`);
  process.exitCode = 1;
});
server.on('listening', () => {
  console.log(`ready ${process.pid} ${server.address().port}`);
  // For who has started it.
  if (process.send) process.send('ready', () => process.disconnect());
});

function replace() {
  const next = spawn(process.execPath, [__filename, '4'], {
    // The fourth is IPC's, the fifth the listening socket.
    stdio: ['ignore', 'inherit', 'inherit', 'ipc', server.fd],
    detached: true,
  });
  next.unref();
  next.once('message', () => end());
}
process.once('SIGUSR2', replace);

async function end() {
  const result = await server.drain({ spread: 100, deadline: 10_000 });
  console.log(`drained ${JSON.stringify({ ...result, accepted })}`);
}
process.once('SIGTERM', end);
