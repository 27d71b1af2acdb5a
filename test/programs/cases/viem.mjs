// viem: its WebSocket transport (isows)
import assert from 'node:assert/strict';
import { createPublicClient, webSocket } from 'viem';
import { done, jsonServer } from './support.mjs';

const { url } = await jsonServer((message, send) => {
  if (message) send({ jsonrpc: '2.0', id: message.id, result: '0x2a' });
});
const client = createPublicClient({ transport: webSocket(url) });
assert.equal(await client.getBlockNumber(), 42n);
done();
