// partysocket: a loss, and a second connection
import assert from 'node:assert/strict';
import { WebSocket as PartyWebSocket } from 'partysocket';
import WebSocket from 'ws';
import { done, event, wsServer } from './support.mjs';

let connections = 0;
const { url } = await wsServer((socket) => {
  connections += 1;
  if (connections === 1) socket.close(1012);
  else socket.on('message', (data) => socket.send(String(data)));
});
const socket = new PartyWebSocket(url, [], { WebSocket, minReconnectionDelay: 10 });
socket.addEventListener('open', () => connections === 2 && socket.send('hello'));
const { data } = await event(socket, 'message');
assert.equal(data, 'hello');
done();
