// ccxt: watch() over ws://, for which it gives an agent
import assert from 'node:assert/strict';
import ccxt from 'ccxt';
import { done, jsonServer } from './support.mjs';

const { url } = await jsonServer((message, send) => message && send(message));
class Small extends ccxt.pro.binance {
  handleMessage(client, message) {
    client.resolve(message, 'echo');
  }
}
const exchange = new Small({ enableRateLimit: false });
await exchange.loadHttpProxyAgent(); // it wants one for ws://
assert.deepEqual(await exchange.watch(url, 'echo', { a: 1 }, 'echo'), { a: 1 });
await exchange.close();
done();
