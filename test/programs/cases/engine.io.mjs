// engine.io, engine.io-client: wsEngine, compression, a ping of its own, binary
import assert from 'node:assert/strict';
import { Server } from 'engine.io';
import { Socket } from 'engine.io-client';
import { WebSocketServer } from 'ws';
import { done, event, httpServer } from './support.mjs';

const { server, url } = await httpServer();
const engine = new Server({
  wsEngine: WebSocketServer,
  perMessageDeflate: { threshold: 100 },
  pingInterval: 50,
});
engine.attach(server);
engine.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
const client = new Socket(url, { transports: ['websocket'] });
await event(client, 'open');
for (const data of ['text', 'z'.repeat(50_000), Buffer.alloc(50_000, 1)]) {
  client.send(data);
  const echoed = await event(client, 'message');
  if (typeof data === 'string') assert.equal(echoed, data);
  else assert.ok(data.equals(Buffer.from(echoed)));
}
await event(client, 'ping');
const closed = event(client, 'close');
client.close();
await closed;
done();
