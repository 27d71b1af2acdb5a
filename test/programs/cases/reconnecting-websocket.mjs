// reconnecting-websocket: a loss, and a second connection
import assert from 'node:assert/strict';
import ReconnectingWebSocket from 'reconnecting-websocket';
import WebSocket from 'ws';
import { done, event, wsServer } from './support.mjs';

let connections = 0;
const { url } = await wsServer((socket) => {
  connections += 1;
  if (connections === 1) socket.terminate();
  else socket.send('hello');
});
const socket = new ReconnectingWebSocket(url, [], { WebSocket, minReconnectionDelay: 10 });
const { data } = await event(socket, 'message');
assert.equal(data, 'hello');
assert.equal(connections, 2);
done();
