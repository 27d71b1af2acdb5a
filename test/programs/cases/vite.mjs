// vite: a client of its HMR server, whose own ws is bundled
import assert from 'node:assert/strict';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'vite';
import WebSocket from 'ws';
import { done, event } from './support.mjs';

const root = mkdtempSync(join(tmpdir(), 'vite-'));
const server = await createServer({
  root,
  configFile: false,
  logLevel: 'silent',
  server: { host: '127.0.0.1', port: 0 },
});
await server.listen();
const { port } = server.httpServer.address();
const token = server.config.webSocketToken;
const socket = new WebSocket(`ws://127.0.0.1:${port}/?token=${token}`, 'vite-hmr');
assert.equal(JSON.parse(String(await event(socket, 'message'))).type, 'connected');
const custom = event(socket, 'message');
server.ws.send('my:event', { a: 1 });
assert.deepEqual(JSON.parse(String(await custom)).data, { a: 1 });
done();
