// rpc-websockets: server and client, a call, a loss and a second connection
import assert from 'node:assert/strict';
import { Client, Server } from 'rpc-websockets';
import { done, event } from './support.mjs';

const server = new Server({ port: 0, host: '127.0.0.1' });
await event(server, 'listening');
server.register('sum', ([a, b]) => a + b);
const { port } = server.wss.address();
const client = new Client(`ws://127.0.0.1:${port}`, {
  reconnect: true,
  reconnect_interval: 10,
  max_reconnects: 5,
});
await event(client, 'open');
assert.equal(await client.call('sum', [1, 2]), 3);
const again = event(client, 'open');
for (const socket of server.wss.clients) socket.terminate();
await again;
assert.equal(await client.call('sum', [3, 4]), 7);
client.close();
done();
