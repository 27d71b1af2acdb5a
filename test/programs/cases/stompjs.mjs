// @stomp/stompjs: frames as text and as binary, of a small broker
import assert from 'node:assert/strict';
import { Client } from '@stomp/stompjs';
import WebSocket from 'ws';
import { done, wsServer } from './support.mjs';

const { url } = await wsServer(
  (socket) =>
    socket.on('message', (data) => {
      const text = String(data);
      if (text.startsWith('CONNECT')) socket.send('CONNECTED\nversion:1.2\n\n\0');
      if (text.startsWith('SEND'))
        socket.send(
          Buffer.from('MESSAGE\nsubscription:s\nmessage-id:1\ndestination:/q\n\nhello\0'),
        );
    }),
  { handleProtocols: () => 'v12.stomp' },
);
const client = new Client({ webSocketFactory: () => new WebSocket(url, ['v12.stomp']) });
await new Promise((resolve) => {
  client.onConnect = resolve;
  client.activate();
});
const message = new Promise((resolve) => client.subscribe('/q', resolve, { id: 's' }));
client.publish({ destination: '/q', body: 'x' });
assert.equal((await message).body, 'hello');
await client.deactivate({ force: true });
done();
