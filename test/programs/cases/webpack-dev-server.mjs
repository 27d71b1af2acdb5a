// webpack-dev-server, webpack: what its server says to a page's client
import assert from 'node:assert/strict';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import webpack from 'webpack';
import WebpackDevServer from 'webpack-dev-server';
import WebSocket from 'ws';
import { done } from './support.mjs';

const context = mkdtempSync(join(tmpdir(), 'wds-'));
writeFileSync(join(context, 'a.js'), 'console.log(1)');
const compiler = webpack({
  mode: 'development',
  context,
  entry: './a.js',
  stats: 'none',
  infrastructureLogging: { level: 'none' },
});
const server = new WebpackDevServer({ host: '127.0.0.1', port: 0, hot: true }, compiler);
await server.start();
const { port } = server.server.address();
const headers = { Origin: `http://127.0.0.1:${port}` };
const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, { headers });
const types = [];
await new Promise((resolve) =>
  socket.on('message', (data) => {
    const { type } = JSON.parse(String(data));
    types.push(type);
    if (type === 'ok') resolve();
  }),
);
assert.ok(types.includes('hot') && types.includes('hash'), String(types));
done();
