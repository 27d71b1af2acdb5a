// obs-websocket-js, isomorphic-ws: identification and a request, of a small server
import assert from 'node:assert/strict';
import { OBSWebSocket } from 'obs-websocket-js';
import { done, wsServer } from './support.mjs';

const { url } = await wsServer(
  (socket) => {
    const send = (value) => socket.send(JSON.stringify(value));
    send({ op: 0, d: { obsWebSocketVersion: '5', rpcVersion: 1 } });
    socket.on('message', (data) => {
      const { op, d } = JSON.parse(String(data));
      if (op === 1) send({ op: 2, d: { negotiatedRpcVersion: 1 } });
      if (op === 6) {
        const { requestId, requestType } = d;
        send({
          op: 7,
          d: {
            requestType,
            requestId,
            requestStatus: { result: true, code: 100 },
            responseData: { a: 1 },
          },
        });
      }
    });
  },
  {
    handleProtocols: (protocols) =>
      [...protocols].find((name) => name.endsWith('json')) ?? [...protocols][0],
  },
);
const { OBSWebSocket: Json } = await import('obs-websocket-js/json').catch(() => ({
  OBSWebSocket,
}));
const client = new Json();
await client.connect(url);
assert.deepEqual(await client.call('GetVersion'), { a: 1 });
await client.disconnect();
done();
