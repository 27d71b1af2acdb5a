// chrome-remote-interface: a command and an event, of a small server
import assert from 'node:assert/strict';
import CDP from 'chrome-remote-interface';
import { done, jsonServer } from './support.mjs';

const { url } = await jsonServer((message, send) => {
  if (!message) return;
  send({ id: message.id, result: { product: 'small' } });
  send({ method: 'Page.loadEventFired', params: { timestamp: 1 } });
});
const client = await CDP({ target: url, local: true });
const fired = new Promise((resolve) => client.on('Page.loadEventFired', resolve));
assert.equal((await client.send('Browser.getVersion')).product, 'small');
assert.equal((await fired).timestamp, 1);
await client.close();
done();
