// subscriptions-transport-ws: server and client, a subscription
import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { buildSchema, execute, subscribe } from 'graphql';
import { done, httpServer, require } from './support.mjs';

const { SubscriptionClient, SubscriptionServer } = require('subscriptions-transport-ws');
const schema = buildSchema('type Query { a: Int } type Subscription { count: Int }');
const rootValue = {
  async *count() {
    yield { count: 1 };
  },
};
const { server, url } = await httpServer();
SubscriptionServer.create({ schema, rootValue, execute, subscribe }, { server, path: '/' });
const client = new SubscriptionClient(url, {}, WebSocket);
const result = await new Promise((next, error) =>
  client.request({ query: 'subscription { count }' }).subscribe({ next, error }),
);
assert.equal(result.data.count, 1);
client.close();
done();
