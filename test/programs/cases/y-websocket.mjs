// y-websocket, @y/websocket-server: two documents meet at a server
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { setupWSConnection } from '@y/websocket-server/utils';
import { done, wsServer } from './support.mjs';

const { url } = await wsServer(setupWSConnection);
const [one, two] = [new Y.Doc(), new Y.Doc()];
const options = { WebSocketPolyfill: WebSocket, disableBc: true };
const providers = [one, two].map((doc) => new WebsocketProvider(url, 'room', doc, options));
one.getText('t').insert(0, 'hello');
await new Promise((resolve) =>
  two.on('update', () => String(two.getText('t')) === 'hello' && resolve()),
);
assert.equal(String(two.getText('t')), 'hello');
for (const provider of providers) provider.destroy();
done();
