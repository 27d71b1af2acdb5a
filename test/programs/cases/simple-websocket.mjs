// simple-websocket: server and client, as streams
import assert from 'node:assert/strict';
import { done, event, httpServer, require } from './support.mjs';

const Socket = require('simple-websocket');
const Server = require('simple-websocket/server');
const { server, url } = await httpServer();
const sockets = new Server({ server });
sockets.on('connection', (socket) => socket.on('data', (data) => socket.write(data)));
const client = new Socket({ url, allowHalfOpen: false });
await event(client, 'connect');
client.write('hello');
assert.equal(String(await event(client, 'data')), 'hello');
const closed = event(client, 'close');
client.destroy();
await closed;
done();
