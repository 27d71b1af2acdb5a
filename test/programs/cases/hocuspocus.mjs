// @hocuspocus/server, @hocuspocus/provider: two documents meet at a server
import assert from 'node:assert/strict';
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider';
import { Server } from '@hocuspocus/server';
import WebSocket from 'ws';
import { done } from './support.mjs';

const server = new Server({ port: 0, address: '127.0.0.1', quiet: true });
await server.listen();
const url = `ws://127.0.0.1:${server.address.port}`;
const providers = [1, 2].map(() => {
  const websocketProvider = new HocuspocusProviderWebsocket({ url, WebSocketPolyfill: WebSocket });
  const provider = new HocuspocusProvider({ websocketProvider, name: 'doc' });
  provider.attach?.();
  return provider;
});
const [one, two] = providers.map(({ document }) => document);
one.getText('t').insert(0, 'hello');
await new Promise((resolve) =>
  two.on('update', () => String(two.getText('t')) === 'hello' && resolve()),
);
assert.equal(String(two.getText('t')), 'hello');
done();
