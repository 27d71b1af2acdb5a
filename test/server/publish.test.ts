/** What a server publishes, read by ws's client: topics, broadcasts, compression, slow subscribers. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { WebSocket as WsClient, type ClientOptions } from 'ws';
import { WebSocket, WebSocketServer, type ServerOptions } from '../../lib';
import type { Environment } from '../../lib/addon/environment';
import { Topics } from '../../lib/server/topics';
import type { OpenSession } from '../../lib/session/open-session';
import { certificates } from '../support/certificates';
import { WAYS, type Running } from './support/ways';

/** Options of tls.connect(), which `@types/ws` does not have. */
const trusting = { ca: certificates().ca, servername: 'localhost' } as ClientOptions;

/** A client of ws's and the server's socket that belongs to it; what it gets is kept. */
interface Pair {
  client: WsClient;
  socket: WebSocket;
  got: string[];
}

class Scene {
  readonly #clients: WsClient[] = [];
  constructor(readonly running: Running) {}

  get server(): WebSocketServer {
    return this.running.server;
  }

  async join(options: ClientOptions = {}): Promise<Pair> {
    const connection = once(this.server, 'connection');
    const client = new WsClient(this.running.url, { ...trusting, ...options });
    this.#clients.push(client);
    const got: string[] = [];
    client.on('message', (data: Buffer, isBinary) => {
      got.push((isBinary ? 'binary ' : '') + data.toString());
    });
    const [[socket]] = (await Promise.all([connection, once(client, 'open')])) as [
      [WebSocket],
      unknown,
    ];
    return { client, socket, got };
  }

  async close(): Promise<void> {
    for (const client of this.#clients) client.terminate();
    await this.running.close();
  }
}

/** Everything sent to a client before has come when this has. */
async function settled({ client, socket }: Pair): Promise<void> {
  const pong = once(client, 'ping');
  socket.ping();
  await pong;
}

const TAKEOVERS = {
  'with context takeover': {},
  'without context takeover': { serverNoContextTakeover: true, clientNoContextTakeover: true },
  'with small windows': { serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
};

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: publishing, ${way}`, () => {
    let scene: Scene;
    const begin = async (options: ServerOptions = {}): Promise<Scene> =>
      (scene = new Scene(await start(options)));
    afterEach(() => scene.close());

    it('whoever subscribes gets it, in its place among what is sent', async () => {
      const { server } = await begin();
      const [a, b, c] = [await scene.join(), await scene.join(), await scene.join()];
      assert.equal(a.socket.subscribe('news'), true);
      assert.equal(a.socket.subscribe('news'), false);
      b.socket.subscribe('news');
      c.socket.subscribe('other');
      assert.equal(server.subscribers('news'), 2);
      assert.equal(server.subscribers("nobody's"), 0);
      a.socket.send('before');
      assert.equal(server.publish('news', 'one'), 2);
      a.socket.send('between');
      assert.equal(server.publish('news', Buffer.from('two')), 2);
      assert.equal(server.publish('news', Buffer.from('three'), { binary: false }), 2);
      assert.equal(server.publish('news', 'not to b', { except: b.socket }), 1);
      assert.equal(server.publish('news', 'to both', { except: c.socket }), 2);
      assert.equal(a.socket.publish('news', 'not to a'), 1);
      assert.equal(c.socket.publish('news', 'from c'), 2);
      assert.equal(server.publish("nobody's", 'x'), 0);
      assert.equal(b.socket.unsubscribe('news'), true);
      assert.equal(b.socket.unsubscribe('news'), false);
      server.publish('news', 'last');
      await Promise.all([a, b, c].map(settled));
      assert.deepEqual(a.got, [
        ...['before', 'one', 'between', 'binary two', 'three'],
        ...['not to b', 'to both', 'from c', 'last'],
      ]);
      assert.deepEqual(b.got, ['one', 'binary two', 'three', 'to both', 'not to a', 'from c']);
      assert.deepEqual(c.got, []);
    });

    it('a topic is known by its subscribers, to their ends', async () => {
      const { server } = await begin();
      const [a, b] = [await scene.join(), await scene.join()];
      a.socket.subscribe('one');
      a.socket.subscribe('');
      b.socket.subscribe('one');
      assert.deepEqual(a.socket.topics, ['one', '']);
      assert.equal(a.socket.isSubscribed(''), true);
      assert.equal(b.socket.isSubscribed(''), false);
      const closed = once(a.socket, 'close');
      a.client.terminate();
      await closed;
      assert.equal(server.subscribers('one'), 1);
      assert.equal(server.subscribers(''), 0);
      assert.deepEqual(a.socket.topics, []);
      assert.equal(a.socket.subscribe('one'), false);
      // Numbers of topics are used again: nobody gets what is not theirs.
      const c = await scene.join();
      c.socket.subscribe('new');
      server.publish('new', 'for c');
      server.publish('one', 'for b');
      await Promise.all([b, c].map(settled));
      assert.deepEqual([b.got, c.got], [['for b'], ['for c']]);
    });

    it('a broadcast goes to all, or to those of a filter', async () => {
      const { server } = await begin();
      const [a, b, c] = [await scene.join(), await scene.join(), await scene.join()];
      assert.equal(server.broadcast('all'), 3);
      assert.equal(server.broadcast('two', { except: a.socket }), 2);
      assert.equal(server.broadcast('one', { filter: (socket) => socket === c.socket }), 1);
      const closed = once(c.client, 'close');
      c.socket.close();
      assert.equal(server.broadcast('open ones'), 2);
      await closed;
      await Promise.all([a, b].map(settled));
      assert.deepEqual(a.got, ['all', 'open ones']);
      assert.deepEqual(b.got, ['all', 'two', 'open ones']);
      assert.deepEqual(c.got, ['all', 'two', 'one']);
    });

    for (const [name, parameters] of Object.entries(TAKEOVERS)) {
      it(`compressed ${name}, and not, at once`, async () => {
        const { server } = await begin({ perMessageDeflate: { threshold: 100, ...parameters } });
        const plain = await scene.join({ perMessageDeflate: false });
        const other = await scene.join({ perMessageDeflate: { serverMaxWindowBits: 10 } });
        const usual = await scene.join();
        const all = [plain, other, usual];
        const expected: string[] = [];
        for (const { socket } of all) socket.subscribe('all');
        for (let i = 0; i < 20; i++) {
          // What a context knows, and what it must not refer to.
          const own = `to one ${i} ${'abcdefgh'.repeat(i * 5)}`;
          const shared = `to all ${i} ${'abcdefgh'.repeat(i * 7)}`;
          for (const { socket } of all) socket.send(own);
          server.publish('all', shared, { compress: i % 5 !== 4 });
          expected.push(own, shared);
        }
        await Promise.all(all.map(settled));
        for (const { got } of all) assert.deepEqual(got, expected);
        assert.ok(usual.socket.stats.compressedBytesSent > 0);
        assert.equal(plain.socket.stats.compressedBytesSent, 0);
      });
    }

    it('of every size', async () => {
      const { server } = await begin();
      const pairs = [await scene.join(), await scene.join()];
      for (const { socket } of pairs) socket.subscribe('all');
      const sizes = [0, 1, 125, 126, 4081, 4082, 4096, 65_535, 65_536, 3_000_000];
      const texts = sizes.map((size) => 'é'.repeat(size / 2).padEnd(size, 'x'));
      for (const text of texts) server.publish('all', text);
      await Promise.all(pairs.map(settled));
      for (const { got } of pairs) assert.ok(got.every((text, i) => text === texts[i]));
      assert.deepEqual(
        pairs.map(({ got }) => got.length),
        [texts.length, texts.length],
      );
    });
  });
}

describe('server: publishing', () => {
  let scene: Scene;
  const begin = async (options: ServerOptions = {}): Promise<Scene> =>
    (scene = new Scene(await (WAYS['its own listener'] as (typeof WAYS)[string])(options)));
  afterEach(() => scene?.close());

  /** A client that does not read, and what has been published to it, numbered, and lost. */
  interface Flood {
    pair: Pair;
    count: number;
    lost: number;
  }

  /** Publishes messages of 10,000 bytes to a client that does not read, until some are lost. */
  async function flood(options: ServerOptions): Promise<Flood> {
    const { server } = await begin(options);
    const pair = await scene.join();
    const made: Flood = { pair, count: 0, lost: 0 };
    pair.socket.subscribe('all');
    pair.client.pause();
    pair.socket.on('dropped', (messages, bytes) => {
      assert.equal(bytes, messages * 10_000);
      made.lost += messages;
    });
    while (made.lost === 0) {
      for (let i = 0; i < 50; i++) server.publish('all', String(made.count++).padEnd(10_000));
      await new Promise(setImmediate);
    }
    return made;
  }

  for (const slowSubscriber of ['drop-new', 'drop-old'] as const) {
    it(`a client that does not read loses messages (${slowSubscriber}), and each is counted`, async () => {
      const made = await flood({ publishLimit: 256 * 1024, slowSubscriber });
      const { socket, client, got } = made.pair;
      client.resume();
      await settled(made.pair);
      await settled(made.pair);
      const numbers = got.map(Number);
      assert.equal(numbers.length + made.lost, made.count);
      assert.equal(scene.server.stats.overPublishLimit, made.lost);
      assert.equal(numbers[0], 0);
      if (slowSubscriber === 'drop-old') assert.equal(numbers.at(-1), made.count - 1);
      assert.deepEqual(
        numbers,
        [...numbers].sort((a, b) => a - b),
      );
      assert.equal(socket.bufferedAmount, 0);
    });
  }

  it('or is closed with 1013', async () => {
    const { pair } = await flood({ publishLimit: 256 * 1024, slowSubscriber: 'close' });
    const closed = once(pair.client, 'close');
    pair.client.resume();
    const [code] = (await closed) as [number];
    assert.equal(code, 1013);
  });

  it('refuses what it cannot publish, before anything goes out', async () => {
    const { server } = await begin();
    const pair = await scene.join();
    pair.socket.subscribe('all');
    const bad = Buffer.from([0xc3, 0x28]);
    assert.throws(() => server.publish('all', bad, { binary: false }), {
      code: 'ERR_INVALID_UTF8',
    });
    assert.throws(() => server.publish('all', new Blob(['x']) as never), TypeError);
    assert.throws(() => server.publish(1 as never, 'x'), TypeError);
    assert.throws(() => pair.socket.subscribe(undefined as never), TypeError);
    assert.throws(() => server.subscribers(null as never), TypeError);
    assert.throws(() => new WebSocketServer({ noServer: true, publishLimit: 0 }), RangeError);
    assert.throws(
      () => new WebSocketServer({ noServer: true, slowSubscriber: 'x' as never }),
      TypeError,
    );
    await settled(pair);
    assert.deepEqual(pair.got, []);
  });

  it('is for the sockets of a server alone', () => {
    const socket = new WebSocket(null);
    assert.throws(() => socket.subscribe('all'), { code: 'ERR_NO_SERVER' });
    assert.throws(() => socket.publish('all', 'x'), { code: 'ERR_NO_SERVER' });
    assert.throws(() => socket.topics, { code: 'ERR_NO_SERVER' });
  });

  it('loses nothing of a burst that the socket takes', async () => {
    const { server } = await begin({ publishLimit: 10_000 });
    const pair = await scene.join();
    pair.socket.subscribe('all');
    const sent = Array.from({ length: 100 }, (_, i) => String(i).padEnd(1000));
    for (const text of sent) server.publish('all', text);
    await settled(pair);
    assert.deepEqual(pair.got, sent);
  });

  it('counts the bytes of a burst, so that the engine is told of large ones while it lasts', () => {
    const queued: number[] = [];
    const environment = {
      addon: { publishTo: () => 0 },
      dispatcher: { queuedForMany: (bytes: number) => queued.push(bytes) },
    } as unknown as Environment;
    const member = { readyState: WebSocket.OPEN, connection: { id: 1 } } as unknown as OpenSession;
    const topics = new Topics(() => environment);
    topics.publishTo([member], 'x'.repeat(100), undefined);
    topics.publishTo([member], new Uint8Array(200), undefined);
    topics.publishTo([member], new ArrayBuffer(300), undefined);
    assert.deepEqual(queued, [100, 200, 300]);
  });

  it('says that a message got no memory', () => {
    const environment = { addon: { publishTo: () => -4 } } as unknown as Environment;
    const member = { readyState: WebSocket.OPEN, connection: { id: 1 } } as unknown as OpenSession;
    const topics = new Topics(() => environment);
    assert.throws(() => topics.publishTo([member], 'x', undefined), { code: 'ERR_NOT_SENT' });
  });

  it('lets nothing come between the fragments of a message', async () => {
    const { server } = await begin();
    const pair = await scene.join();
    pair.socket.subscribe('all');
    pair.socket.send('frag', { fin: false });
    server.publish('all', 'published');
    pair.socket.send('ment', { fin: true });
    await settled(pair);
    assert.deepEqual(pair.got, ['fragment', 'published']);
  });

  it('counts as lost what waits for the end of a message that never comes', async () => {
    const { server } = await begin();
    const pair = await scene.join();
    pair.socket.subscribe('all');
    pair.socket.send('frag', { fin: false });
    server.publish('all', 'one');
    server.publish('all', 'three');
    const dropped = once(pair.socket, 'dropped');
    const closed = once(pair.client, 'close');
    pair.socket.close();
    assert.deepEqual(await dropped, [2, 8]);
    await closed;
    assert.equal(server.stats.overPublishLimit, 2);
    assert.deepEqual(pair.got, []);
  });

  it('a listener may publish, unsubscribe and close while it is told', async () => {
    const { server } = await begin();
    const [a, b] = [await scene.join(), await scene.join()];
    for (const { socket } of [a, b]) {
      socket.subscribe('all');
      socket.on('message', (data) => {
        socket.publish('all', data as Buffer, { binary: false });
        socket.unsubscribe('all');
        socket.close();
      });
    }
    const closed = Promise.all([once(a.client, 'close'), once(b.client, 'close')]);
    a.client.send('from a');
    b.client.send('from b');
    await closed;
    assert.equal(server.subscribers('all'), 0);
    // Who was told first left before the other published.
    assert.equal(a.got.length + b.got.length, 1);
  });
});
