// graphql-ws: server and client, a query and a subscription
import assert from 'node:assert/strict';
import { buildSchema } from 'graphql';
import { createClient } from 'graphql-ws';
import { useServer } from 'graphql-ws/use/ws';
import WebSocket from 'ws';
import { done, wsServer } from './support.mjs';

const schema = buildSchema('type Query { hello: String } type Subscription { count: Int }');
const roots = {
  query: { hello: () => 'world' },
  subscription: {
    async *count() {
      for (let count = 1; count <= 3; count++) yield { count };
    },
  },
};
const { wss, url } = await wsServer(() => {});
useServer({ schema, roots }, wss);
const client = createClient({ url, webSocketImpl: WebSocket });
const results = [];
for (const query of ['{ hello }', 'subscription { count }']) {
  for await (const { data } of client.iterate({ query })) results.push({ ...data });
}
assert.deepEqual(results, [{ hello: 'world' }, { count: 1 }, { count: 2 }, { count: 3 }]);
await client.dispose();
done();
