// @trpc/server, @trpc/client: applyWSSHandler and wsLink
import assert from 'node:assert/strict';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { initTRPC } from '@trpc/server';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import WebSocket from 'ws';
import { done, wsServer } from './support.mjs';

const t = initTRPC.create();
const router = t.router({
  hello: t.procedure.query(() => 'world'),
  count: t.procedure.subscription(async function* () {
    yield 1;
    yield 2;
  }),
});
const { wss, url } = await wsServer(() => {});
applyWSSHandler({ wss, router, keepAlive: { enabled: true, pingMs: 20, pongWaitMs: 5000 } });
const ws = createWSClient({ url, WebSocket });
const client = createTRPCClient({ links: [wsLink({ client: ws })] });
assert.equal(await client.hello.query(), 'world');
const got = [];
await new Promise((onComplete, onError) =>
  client.count.subscribe(undefined, { onData: (data) => got.push(data), onComplete, onError }),
);
assert.deepEqual(got, [1, 2]);
await ws.close();
done();
