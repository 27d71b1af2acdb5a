// @colyseus/core, @colyseus/ws-transport, colyseus.js: a room
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { done, require } from './support.mjs';

const { Room, Server } = require('@colyseus/core');
const { WebSocketTransport } = require('@colyseus/ws-transport');
const { Client } = require('colyseus.js');
class Echo extends Room {
  onCreate() {
    this.onMessage('echo', (client, data) => client.send('echo', data));
  }
}
const http = createServer();
const server = new Server({ transport: new WebSocketTransport({ server: http }), greet: false });
server.define('echo', Echo);
await server.listen(0, '127.0.0.1');
const client = new Client(`ws://127.0.0.1:${http.address().port}`);
const room = await client.joinOrCreate('echo');
const echoed = new Promise((resolve) => room.onMessage('echo', resolve));
room.send('echo', { a: 1 });
assert.deepEqual(await echoed, { a: 1 });
await room.leave();
done();
