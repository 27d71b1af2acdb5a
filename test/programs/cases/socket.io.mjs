// socket.io, socket.io-client: websocket transport, upgrade from polling, autoUnref, binary, rooms
import assert from 'node:assert/strict';
import { Server } from 'socket.io';
import { io } from 'socket.io-client';
import { done, event, httpServer } from './support.mjs';

const { server, port } = await httpServer();
const sockets = new Server(server);
sockets.on('connection', (socket) => {
  socket.join('room');
  socket.on('echo', (data, callback) => callback(data));
});
const url = `http://127.0.0.1:${port}`;
for (const transports of [['websocket'], ['polling', 'websocket']]) {
  const client = io(url, { transports, autoUnref: true, forceNew: true });
  const upgraded =
    transports.length === 1
      ? undefined
      : new Promise((resolve) =>
          client.io.on('open', () => client.io.engine.once('upgrade', resolve)),
        );
  await event(client, 'connect');
  await upgraded;
  assert.equal(client.io.engine.transport.name, 'websocket');
  const data = Buffer.alloc(70_000, 'y');
  const echoed = await new Promise((resolve) => client.emit('echo', data, resolve));
  assert.ok(data.equals(echoed));
  const news = event(client, 'news');
  sockets.to('room').emit('news', 'all');
  assert.equal(await news, 'all');
  const reason = event(client, 'disconnect');
  client.disconnect();
  assert.equal(await reason, 'io client disconnect');
}
done();
