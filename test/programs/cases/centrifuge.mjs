// centrifuge: connect and a publication, of a small server
import assert from 'node:assert/strict';
import { Centrifuge } from 'centrifuge';
import WebSocket from 'ws';
import { done, jsonServer } from './support.mjs';

const { url } = await jsonServer((command, send) => {
  if (command?.connect) send({ id: command.id, connect: { client: 'c', version: '1' } });
  if (command?.subscribe) {
    send({ id: command.id, subscribe: {} });
    send({ push: { channel: 'news', pub: { data: { n: 1 } } } });
  }
});
const client = new Centrifuge(url, { websocket: WebSocket });
const subscription = client.newSubscription('news');
const publication = new Promise((resolve) => subscription.on('publication', resolve));
subscription.subscribe();
client.connect();
assert.deepEqual((await publication).data, { n: 1 });
done();
