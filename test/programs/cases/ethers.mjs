// ethers: WebSocketProvider, a block number and a subscription
import assert from 'node:assert/strict';
import { WebSocketProvider } from 'ethers';
import { done, jsonServer } from './support.mjs';

const answers = { eth_chainId: '0x1', eth_blockNumber: '0x10', eth_subscribe: '0xs' };
const { url } = await jsonServer((message, send) => {
  for (const { id, method } of message ? [message].flat() : []) {
    send({ jsonrpc: '2.0', id, result: answers[method] ?? null });
    if (method === 'eth_subscribe') {
      const params = { subscription: '0xs', result: { number: '0x11' } };
      send({ jsonrpc: '2.0', method: 'eth_subscription', params });
    }
  }
});
const provider = new WebSocketProvider(url);
assert.equal(await provider.getBlockNumber(), 16);
const block = await new Promise((resolve) => provider.on('block', resolve));
assert.equal(block, 17);
done();
