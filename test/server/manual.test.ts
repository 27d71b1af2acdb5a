/** Each snippet of docs/server.md does what it says, as printed but for ports and files. */
import { strict as assert } from 'node:assert';
import { once, type EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as library from '../../lib';
import { WebSocket, type ClientOptions, type WebSocketServer } from '../../lib';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { makeLocalPath, type LocalPath } from '../support/local-path';
import { root } from '../support/root';

const snippets = [
  ...readFileSync(join(root, 'docs/server.md'), 'utf8').matchAll(/```js\n([^]*?)```/g),
].map(([, text]) => text as string);

const PIPE = String.raw`'\\\\.\\pipe\\feed'`;

const quiet = { log: () => undefined, error: () => undefined };

class Snippet {
  private constructor(
    private readonly port: number,
    private readonly place: LocalPath,
    private readonly made: { server?: WebSocketServer; web?: Server; shutDown?: () => void },
    private readonly timers: readonly NodeJS.Timeout[],
  ) {}

  /** The one that has these words. */
  static async run(words: string): Promise<Snippet> {
    const [text, ...others] = snippets.filter((one) => one.includes(words));
    assert.ok(text !== undefined && others.length === 0, words);
    const port = await freePort('::');
    const place = makeLocalPath();
    const { server, client, caPath } = certificates();
    const files: Record<string, string> = {
      'ca.pem': caPath,
      'server.pem': server.certPath,
      'server.key': server.keyPath,
      'example.pem': client.certPath,
      'example.key': client.keyPath,
    };
    const real = createRequire(__filename);
    const fs = {
      readFileSync: (name: string) => readFileSync(files[name] as string),
      watchFile: () => undefined,
    };
    const stubs: Record<string, unknown> = { verawebsockets: library, 'node:fs': fs };
    const body = new Function(
      'require',
      'console',
      'process',
      'setInterval',
      `${text.replace(/\b8(080|443)\b/g, String(port)).replace(PIPE, JSON.stringify(place.path))}
       return {
         server: typeof server === 'object' ? server : undefined,
         web: typeof web === 'object' ? web : undefined,
         shutDown: typeof shutDown === 'function' ? shutDown : undefined,
       };`,
    ) as (...args: unknown[]) => Snippet['made'];
    const timers: NodeJS.Timeout[] = [];
    // Sooner than printed: a second is long for a test.
    const soon = (callback: () => void, ms: number): unknown =>
      timers.push(setInterval(callback, ms / 100));
    const made = body(
      (name: string) => stubs[name] ?? (real(name) as unknown),
      quiet,
      { once: () => undefined },
      soon,
    );
    const listener = (made.web ?? made.server) as EventEmitter;
    await once(listener, 'listening');
    return new Snippet(port, place, made, timers);
  }

  get web(): Server | undefined {
    return this.made.web;
  }

  get server(): WebSocketServer {
    return this.made.server as WebSocketServer;
  }

  shutDown(): void {
    this.made.shutDown?.();
  }

  /** The first message that the server sends; what is sent to it goes first. */
  async hear(target = '/', options: ClientOptions = {}, send?: string): Promise<string> {
    const { server, web } = this.made;
    const secure = server?.options.cert !== undefined || (web && 'setSecureContext' in web);
    const scheme = secure ? 'wss' : 'ws';
    const socket = await WebSocket.connect(`${scheme}://localhost:${this.port}${target}`, {
      ca: certificates().ca,
      ...options,
    });
    if (send !== undefined) socket.send(send);
    const [data] = (await once(socket, 'message')) as [Buffer];
    socket.terminate();
    return data.toString();
  }

  async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    const { server, web } = this.made;
    const closed = [web, server].flatMap((one) => (one ? [once(one, 'close')] : []));
    server?.close();
    web?.close();
    await Promise.all(closed);
    this.place.remove();
  }
}

describe('docs/server.md', () => {
  let snippet: Snippet | undefined;
  afterEach(async () => {
    await snippet?.close();
    snippet = undefined;
  });

  const refused = (promise: Promise<unknown>, status: number): Promise<void> =>
    assert.rejects(promise, { message: `Unexpected server response: ${status}` });

  /** Words of a snippet, and what is to be seen of it. */
  const CASES: Record<string, (snippet: Snippet) => Promise<void>> = {
    'socket.subscribe(room)': async (one) => {
      assert.equal(await one.hear('/room'), '1 are here');
      assert.equal(await one.hear('/other'), '1 are here');
      assert.equal(one.server.publish('/nobody', 'x'), 0);
    },
    'prepare,': async (it) => assert.match(await it.hear(), /^{"time":\d+}$/),
    'connected to': async (it) => assert.equal(await it.hear('/', {}, 'echo'), 'echo'),
    "path: '/feed'": async (it) => {
      assert.equal(await it.hear('/feed?x'), 'welcome');
      await refused(it.hear('/'), 400);
    },
    pipe: async (it) => {
      const socketPath = it.server.address() as string;
      assert.equal(await it.hear('/', { socketPath }), 'welcome');
    },
    'http2.createSecureServer': async (it) => assert.equal(await it.hear(), 'over HTTP/1.1'),
    '/metrics': async (it) => {
      const { port } = it.server.address() as { port: number };
      const response = await fetch(`http://localhost:${port}/metrics`);
      assert.match(response.headers.get('content-type') ?? '', /^application\/openmetrics-text; /);
      assert.match(await response.text(), /^verawebsockets_connections\{server="feed"\} 0$/m);
      assert.equal(await it.hear(), 'welcome');
      // Its connections are kept open.
      (it.web as Server).closeAllConnections();
    },
    'users.enterWith': async (it) => {
      const heard = ['ann', 'bob'].map((name) => it.hear(`/?user=${name}`, {}, 'x'));
      assert.deepEqual(await Promise.all(heard), ['hello ann', 'hello bob']);
    },
    'noServer: true': async (it) => {
      assert.equal(await it.hear('/feed'), 'feed');
      assert.equal(await it.hear('/chat?user=ann'), 'hello ann');
      await refused(it.hear('/'), 404);
    },
    'completeUpgrade(': async (it) => {
      assert.equal(await it.hear('/', { headers: { Cookie: 'user=ann' } }), 'hello ann');
      await refused(it.hear(), 401);
    },
    'getProtocol()': async (it) => assert.equal(await it.hear(), 'TLSv1.3'),
    serverNames: async (it) => {
      assert.equal(await it.hear(), 'localhost');
      const options = { servername: 'www.example.com', rejectUnauthorized: false };
      assert.equal(await it.hear('/', options), 'www.example.com');
    },
    'requestCert: true': async (it) => {
      const { cert, key } = certificates().client;
      assert.match(await it.hear('/', { cert, key }), /^hello ./);
      await assert.rejects(it.hear());
    },
    'setSecureContext(load())': (it) => {
      const { cert, key } = certificates().server;
      it.server.setSecureContext({ cert, key });
      return Promise.resolve();
    },
    'origins: [': async (it) => {
      assert.equal(await it.hear('/', { origin: 'https://app.example.com' }), 'welcome');
      await refused(it.hear('/', { origin: 'https://evil-example.com' }), 403);
    },
    'Bearer (.+)': async (it) => {
      const headers = { Authorization: 'Bearer secret' };
      assert.equal(await it.hear('/', { headers }), 'hello alice');
      await refused(it.hear(), 401);
    },
    'trustedProxies:': async (it) => {
      const headers = { 'X-Forwarded-For': '1.1.1.1, 192.0.2.1' };
      assert.equal(await it.hear('/', { headers }), 'you are 192.0.2.1');
    },
    'heartbeat:': (it) => {
      assert.deepEqual(it.server.options.heartbeat, { interval: 30_000, timeout: 10_000 });
      return Promise.resolve();
    },
    'shutDown()': async (it) => {
      const { port } = it.server.address() as { port: number };
      const socket = await WebSocket.connect(`ws://localhost:${port}`);
      const closed = once(socket, 'close');
      if (it.server.clients.size === 0) await once(it.server, 'connection');
      it.shutDown();
      const [code] = (await closed) as [number];
      assert.equal(code, 1001);
    },
  };

  it('there are no others, but for that of a cluster, which cluster.test.ts runs', () => {
    const others = snippets.filter(
      (one) => !Object.keys(CASES).some((words) => one.includes(words)),
    );
    assert.equal(snippets.length - others.length, Object.keys(CASES).length);
    assert.equal(others.length, 1);
    assert.match(others[0] as string, /node:cluster/);
  });

  for (const [words, check] of Object.entries(CASES)) {
    it(`the snippet with ${words}`, async () => {
      snippet = await Snippet.run(words);
      await check(snippet);
    });
  }
});
