// websocket-stream: server (a subclass of ws's) and client, as streams
import assert from 'node:assert/strict';
import { done, httpServer, require } from './support.mjs';

const websocket = require('websocket-stream');
const { server, url } = await httpServer();
websocket.createServer({ server }, (stream) => stream.pipe(stream));
const stream = websocket(url, { objectMode: false, binary: true, browserBufferSize: 1 });
let length = 0;
const all = new Promise((resolve, reject) => {
  stream.on('error', reject);
  stream.on('data', (data) => {
    length += data.length;
    if (length === 100_000) resolve();
  });
});
for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(1000));
await all;
assert.equal(length, 100_000);
done();
