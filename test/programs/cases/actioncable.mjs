// @rails/actioncable: a subscription, of a small server
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { done, jsonServer } from './support.mjs';

globalThis.addEventListener = () => {};
globalThis.removeEventListener = () => {};
globalThis.document = { visibilityState: 'visible', head: {}, createElement: () => ({}) };
const { adapters, createConsumer } = await import('@rails/actioncable');
adapters.WebSocket = WebSocket;
const { url } = await jsonServer(
  (message, send) => {
    if (!message) send({ type: 'welcome' });
    if (message?.command === 'subscribe') {
      const { identifier } = message;
      send({ type: 'confirm_subscription', identifier });
      send({ identifier, message: { n: 1 } });
    }
  },
  { handleProtocols: (protocols) => [...protocols][0] },
);
const consumer = createConsumer(url);
const message = await new Promise((received) =>
  consumer.subscriptions.create('Room', { received }),
);
assert.deepEqual(message, { n: 1 });
done();
