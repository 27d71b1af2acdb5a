/**
 * A context that is entered while a request is decided is that of its socket's handlers, of no other's: with
 * AsyncLocalStorage, and with OpenTelemetry's context manager on it.
 */
import { strict as assert } from 'node:assert';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { context, createContextKey } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { WebSocket, WebSocketServer, type ServerOptions, type VerifyInfo } from '../../lib';
import { certificates } from '../support/certificates';
import { WAYS, type Running } from './support/ways';

describe('contexts that are entered while a request is decided', () => {
  const storage = new AsyncLocalStorage<string>();
  const enter = ({ url }: IncomingMessage): void => {
    // Of one request in two.
    if (url !== '/nothing') storage.enterWith(`entered${url}`);
  };
  let running: Running;
  afterEach(() => running.close());

  /** Where it can be entered, by name: options, and what is to be listened for. */
  const PLACES: Record<string, { options?: ServerOptions; event?: 'headers' | 'connection' }> = {
    'verifyClient, at once': {
      options: {
        verifyClient: ({ req }: VerifyInfo) => {
          enter(req);
          return true;
        },
      },
    },
    'verifyClient, later': {
      options: {
        verifyClient: ({ req }, callback) => {
          setImmediate(() => {
            enter(req);
            callback(true);
          });
        },
      },
    },
    handleProtocols: {
      options: {
        handleProtocols: (_, request) => {
          enter(request);
          return 'x';
        },
      },
    },
    'a listener of headers': { event: 'headers' },
    'a listener of connection': { event: 'connection' },
  };

  for (const [way, make] of Object.entries(WAYS)) {
    for (const [place, { options = {}, event }] of Object.entries(PLACES)) {
      it(`${place}: ${way}`, async () => {
        running = await make(options);
        const { server } = running;
        const seen = new Map<string, Set<string>>();
        if (event) {
          server.on(event, (_: unknown, request: IncomingMessage) => enter(request));
        }
        server.on('connection', (socket: WebSocket, { url }: IncomingMessage) => {
          const stores = new Set<string>();
          seen.set(String(url), stores);
          const note = (): void => void stores.add(storage.getStore() ?? 'nothing');
          for (const name of ['message', 'ping', 'close']) socket.on(name, note);
          socket.on('message', (data: Buffer) => socket.send(data));
          server.once('close', note);
        });
        const urls = ['/a', '/nothing', '/b', '/nothing', '/c'];
        await Promise.all(
          urls.map(async (url) => {
            const client = new WebSocket(running.url + url, ['x'], {
              ca: certificates().ca,
              servername: 'localhost',
            });
            await once(client, 'open');
            client.ping();
            client.send('x');
            await once(client, 'message');
            client.close();
            await once(client, 'close');
          }),
        );
        server.removeAllListeners('close');
        for (const url of new Set(urls)) {
          const expected = url === '/nothing' ? 'nothing' : `entered${url}`;
          assert.deepEqual([...(seen.get(url) ?? [])], [expected], url);
        }
        assert.equal(storage.getStore(), undefined);
      });
    }
  }
});

describe("OpenTelemetry's context", () => {
  const key = createContextKey('user');
  const manager = new AsyncLocalStorageContextManager().enable();
  before(() => context.setGlobalContextManager(manager));
  after(() => context.disable());

  const user = (): unknown => context.active().getValue(key);
  const as = (name: string | undefined, act: () => void): void =>
    context.with(context.active().setValue(key, name), act);

  async function greet(url: string): Promise<string> {
    const client = new WebSocket(url);
    await once(client, 'open');
    client.send('who am I');
    const [data] = (await once(client, 'message')) as [Buffer];
    client.close();
    await once(client, 'close');
    return data.toString();
  }

  const answer = (socket: WebSocket): void => {
    socket.on('message', () => socket.send(String(user())));
  };

  it("of the listener of upgrade, on Node's server", async () => {
    const server = new WebSocketServer({ noServer: true });
    const web = createServer();
    web.on('upgrade', (request, socket, head) =>
      as(request.url, () => server.handleUpgrade(request, socket, head, answer)),
    );
    await once(web.listen(0, '127.0.0.1'), 'listening');
    const { port } = web.address() as AddressInfo;
    const heard = ['/ann', '/bob'].map((path) => greet(`ws://127.0.0.1:${port}${path}`));
    assert.deepEqual(await Promise.all(heard), ['/ann', '/bob']);
    web.close();
  });

  it("of verifyClient's callback, on a listener of the engine's", async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      verifyClient: ({ req }, callback) => as(req.url, () => callback(true)),
    });
    server.on('connection', answer);
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const heard = ['/ann', '/bob'].map((path) => greet(`ws://127.0.0.1:${port}${path}`));
    assert.deepEqual(await Promise.all(heard), ['/ann', '/bob']);
    await new Promise((resolve) => server.close(resolve));
  });
});
