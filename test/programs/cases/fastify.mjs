// @fastify/websocket, fastify: a route, and what is no route
import assert from 'node:assert/strict';
import websocket from '@fastify/websocket';
import Fastify from 'fastify';
import WebSocket from 'ws';
import { done, event } from './support.mjs';

const fastify = Fastify();
await fastify.register(websocket, {
  options: { maxPayload: 1048576, verifyClient: (info, next) => next(true) },
});
fastify.get('/echo', { websocket: true }, (socket) =>
  socket.on('message', (data) => socket.send(String(data))),
);
await fastify.listen({ port: 0, host: '127.0.0.1' });
const url = `ws://127.0.0.1:${fastify.server.address().port}`;
const socket = new WebSocket(`${url}/echo`);
await event(socket, 'open');
socket.send('hello');
assert.equal(String(await event(socket, 'message')), 'hello');
const refused = new WebSocket(`${url}/nothing`);
assert.equal((await event(refused, 'error')).message, 'Unexpected server response: 404');
const closed = event(socket, 'close');
await fastify.close();
await closed;
done();
