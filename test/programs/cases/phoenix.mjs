// phoenix: a channel of a small server
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { done, jsonServer, require } from './support.mjs';

const { Socket } = require('phoenix');
const { url } = await jsonServer((message, send) => {
  if (!message) return;
  const [join, ref, topic, , payload] = message;
  send([join, ref, topic, 'phx_reply', { status: 'ok', response: payload }]);
});
const socket = new Socket(`${url}/socket`, { transport: WebSocket });
socket.connect();
const channel = socket.channel('room:1', { a: 1 });
const answer = await new Promise((resolve, reject) =>
  channel.join().receive('ok', resolve).receive('error', reject),
);
assert.deepEqual(answer, { a: 1 });
done();
