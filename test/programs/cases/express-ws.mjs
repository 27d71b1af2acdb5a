// express-ws, express: a route behind middleware
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { done, event, require } from './support.mjs';

const express = require('express');
const { app } = require('express-ws')(express());
app.use((request, _, next) => {
  request.seen = true;
  next();
});
app.ws('/echo', (socket, request) =>
  socket.on('message', (data) => socket.send(`${data} ${request.seen}`)),
);
const server = app.listen(0, '127.0.0.1');
await event(server, 'listening');
const url = `ws://127.0.0.1:${server.address().port}`;
const socket = new WebSocket(`${url}/echo`);
await event(socket, 'open');
socket.send('hello');
assert.equal(String(await event(socket, 'message')), 'hello true');
done();
