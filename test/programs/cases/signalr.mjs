// @microsoft/signalr: a call, of a small hub
import assert from 'node:assert/strict';
import { HttpTransportType, HubConnectionBuilder } from '@microsoft/signalr';
import { done, wsServer } from './support.mjs';

const { port } = await wsServer((socket) =>
  socket.on('message', (data) => {
    for (const text of String(data).split('\x1e').filter(Boolean)) {
      const message = JSON.parse(text);
      if (message.protocol) socket.send('{}\x1e');
      if (message.type === 1) {
        const {
          invocationId,
          arguments: [result],
        } = message;
        socket.send(`${JSON.stringify({ type: 3, invocationId, result })}\x1e`);
      }
    }
  }),
);
const options = { skipNegotiation: true, transport: HttpTransportType.WebSockets };
const hub = new HubConnectionBuilder()
  .withUrl(`http://127.0.0.1:${port}/hub`, options)
  .configureLogging(6)
  .build();
await hub.start();
assert.equal(await hub.invoke('echo', 'hello'), 'hello');
await hub.stop();
done();
