// What the cases have in common.
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';

export const require = createRequire(import.meta.url);

/** Begins to listen; the port. */
export async function listen(server) {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
}

/** An HTTP server and where it is. */
export async function httpServer(handler) {
  const server = createServer(handler);
  const port = await listen(server);
  return { server, port, url: `ws://127.0.0.1:${port}` };
}

/** A WebSocketServer of whatever `ws` is here, that hands each socket to `serve`. */
export async function wsServer(serve, options = {}) {
  const { WebSocketServer } = require('ws');
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  wss.on('connection', serve);
  await once(wss, 'listening');
  const { port } = wss.address();
  return { wss, port, url: `ws://127.0.0.1:${port}` };
}

/** One that answers JSON by JSON. */
export const jsonServer = (answer, options) =>
  wsServer((socket, request) => {
    const send = (value) => socket.send(JSON.stringify(value));
    socket.on('message', (data) => {
      // Some put several into one message, line by line.
      for (const line of String(data).split('\n').filter(Boolean))
        answer(JSON.parse(line), send, socket, request);
    });
    answer(undefined, send, socket, request);
  }, options);

export const event = (target, name) =>
  new Promise((resolve) =>
    target.once
      ? target.once(name, resolve)
      : target.addEventListener(name, resolve, { once: true }),
  );

/** Everything is over; nothing of the program need end by itself. */
export const done = () => process.exit(0);
