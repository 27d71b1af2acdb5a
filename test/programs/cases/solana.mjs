// @solana/web3.js: a subscription to slots (rpc-websockets), of a small server
import assert from 'node:assert/strict';
import { Connection } from '@solana/web3.js';
import { done, jsonServer } from './support.mjs';

const { port, url } = await jsonServer((message, send) => {
  if (message?.method !== 'slotSubscribe') return;
  send({ jsonrpc: '2.0', id: message.id, result: 7 });
  const params = { subscription: 7, result: { slot: 5, parent: 4, root: 3 } };
  setTimeout(() => send({ jsonrpc: '2.0', method: 'slotNotification', params }), 20);
});
const connection = new Connection(`http://127.0.0.1:${port}`, { wsEndpoint: url });
const { slot } = await new Promise((resolve) => connection.onSlotChange(resolve));
assert.equal(slot, 5);
done();
