// websocket-as-promised: requests and answers
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import WebSocketAsPromised from 'websocket-as-promised';
import { done, jsonServer } from './support.mjs';

const { url } = await jsonServer((message, send) => message && send(message));
const socket = new WebSocketAsPromised(url, {
  createWebSocket: (address) => new WebSocket(address),
  extractMessageData: (data) => data,
  packMessage: (data) => JSON.stringify(data),
  unpackMessage: (data) => JSON.parse(data),
  attachRequestId: (data, id) => ({ id, ...data }),
  extractRequestId: (data) => data && data.id,
});
await socket.open();
assert.equal((await socket.sendRequest({ a: 1 })).a, 1);
await socket.close();
done();
