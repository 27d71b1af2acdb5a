// mqtt, aedes: a broker over ws's stream, a client with wsOptions (agent, timeout)
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import aedes from 'aedes';
import mqtt from 'mqtt';
import { createWebSocketStream } from 'ws';
import { done, event, wsServer } from './support.mjs';

const broker = aedes();
const { url } = await wsServer(
  (socket, request) => broker.handle(createWebSocketStream(socket), request),
  {
    handleProtocols: (protocols) => [...protocols][0],
  },
);
const client = mqtt.connect(url, {
  wsOptions: { agent: new Agent({ keepAlive: true }), timeout: 5000 },
});
await event(client, 'connect');
const message = new Promise((resolve) =>
  client.on('message', (topic, data) => resolve([topic, data])),
);
await client.subscribeAsync('a/b');
const payload = Buffer.alloc(300_000, 'x');
await client.publishAsync('a/b', payload);
const [topic, data] = await message;
assert.equal(topic, 'a/b');
assert.ok(payload.equals(data));
await client.endAsync();
done();
