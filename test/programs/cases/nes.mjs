// @hapi/nes, @hapi/hapi: routes over a WebSocket, publications
import assert from 'node:assert/strict';
import { done, require } from './support.mjs';

const Hapi = require('@hapi/hapi');
const Nes = require('@hapi/nes');
const server = Hapi.server({ host: '127.0.0.1', port: 0 });
await server.register(Nes);
server.route({ method: 'GET', path: '/h', handler: () => 'world' });
server.subscription('/item/{id}');
await server.start();
const client = new Nes.Client(`ws://127.0.0.1:${server.info.port}`);
await client.connect();
assert.equal((await client.request('/h')).payload, 'world');
const update = new Promise((resolve) =>
  client.subscribe('/item/5', resolve).then(() => server.publish('/item/5', { id: 5 })),
);
assert.deepEqual(await update, { id: 5 });
await client.disconnect();
await server.stop();
done();
