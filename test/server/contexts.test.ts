/**
 * AsyncLocalStorage on a server: what a socket's handler sees is the context in which the server decided about its
 * request, and of no other; what a callback sees is that of the call it was given to. Each test runs in a process of
 * its own, in each way that the engine can run.
 */
import { strict as assert } from 'node:assert';
import { expectExit } from '../support/child';

const prelude = `
const { AsyncLocalStorage } = require('node:async_hooks');
const http = require('node:http');
const als = new AsyncLocalStorage();
lib.configure({ service: args.service });
/** What was seen by whom, without repetitions. */
const seen = {};
const note = (name) => {
  const list = (seen[name] ??= []);
  const store = als.getStore() ?? 'nothing';
  if (!list.includes(store)) list.push(store);
};
const once = (emitter, event) => new Promise((resolve) => emitter.once(event, resolve));
const closed = [];
const listen = (id, socket) => {
  for (const event of ['message', 'ping', 'pong', 'close']) socket.on(event, () => note(event + id));
  socket.on('message', (data) => als.run('inner' + id, () => socket.send(data, () => note('sent' + id))));
  socket.ping();
  closed.push(once(socket, 'close'));
};
/** A client that has a message echoed, pings, and goes. */
const visit = async (url) => {
  const socket = new lib.WebSocket(url);
  const echoed = once(socket, 'message');
  const ponged = once(socket, 'pong');
  await once(socket, 'open');
  socket.ping();
  socket.send('x');
  await Promise.all([echoed, ponged]);
  socket.close();
  await once(socket, 'close');
};
/** Two at once, and one behind them. */
const visits = async (port) => {
  const base = 'ws://127.0.0.1:' + port;
  await Promise.all([visit(base + '/a'), visit(base + '/b')]);
  await visit(base + '/c');
};
const run = (body) => body().then(() => process.exit(), (error) => { console.error(error); process.exit(1); });
`;

/** What each connection's handlers must have seen. */
function expected(ids: string[], context: (id: string) => string): Record<string, string[]> {
  return Object.fromEntries(
    ids.flatMap((id) => [
      ...['message', 'ping', 'pong', 'close'].map((event): [string, string[]] => [
        event + id,
        [context(id)],
      ]),
      [`sent${id}`, [`inner${id}`]],
    ]),
  );
}

describe('contexts (AsyncLocalStorage) on a server', () => {
  const run = async (service: string, body: string): Promise<Record<string, string[]>> => {
    const snippet = `${prelude} run(async () => { ${body} await Promise.all(closed); console.log(JSON.stringify(seen)); });`;
    const { stdout } = await expectExit(snippet, { args: { service } });
    return JSON.parse(stdout) as Record<string, string[]>;
  };

  for (const service of ['adaptive', 'thread', 'loop']) {
    it(`${service}: the engine's own listener, decided in verifyClient's callback`, async () => {
      const seen = await run(
        service,
        `
        const server = new lib.WebSocketServer({
          port: 0,
          host: '127.0.0.1',
          verifyClient: ({ req }, done) => als.run('decided' + req.url, () => setImmediate(done, true)),
        });
        server.on('connection', (socket, { url }) => listen(url, socket));
        await once(server, 'listening');
        await visits(server.address().port);
        `,
      );
      assert.deepEqual(
        seen,
        expected(['/a', '/b', '/c'], (id) => `decided${id}`),
      );
    });

    it(`${service}: sockets of Node's server, in the context of handleUpgrade()`, async () => {
      const seen = await run(
        service,
        `
        const server = new lib.WebSocketServer({ noServer: true });
        const own = http.createServer();
        own.on('upgrade', (request, raw, head) => als.run('request' + request.url, () => {
          server.handleUpgrade(request, raw, head, (socket) => listen(request.url, socket));
        }));
        await new Promise((resolve) => own.listen(0, '127.0.0.1', resolve));
        await visits(own.address().port);
        `,
      );
      assert.deepEqual(
        seen,
        expected(['/a', '/b', '/c'], (id) => `request${id}`),
      );
    });

    it(`${service}: nothing where nothing was in force, whatever listeners run in`, async () => {
      const seen = await run(
        service,
        `
        const server = new lib.WebSocketServer({ port: 0, host: '127.0.0.1' });
        server.on('connection', (socket, { url }) => als.run('listening', () => listen(url, socket)));
        await once(server, 'listening');
        await als.run('client', () => visits(server.address().port));
        `,
      );
      assert.deepEqual(
        seen,
        expected(['/a', '/b', '/c'], () => 'nothing'),
      );
    });
  }
});
