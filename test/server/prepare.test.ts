/** prepare(): a message that is made once, and sent, published and broadcast many times. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { WebSocket as WsClient, type ClientOptions } from 'ws';
import { prepare, WebSocket, type PreparedMessage, type ServerOptions } from '../../lib';
import { certificates } from '../support/certificates';
import { startWsServer } from '../support/ws-server';
import { WAYS, type Running } from './support/ways';

/** Options of tls.connect(), which `@types/ws` does not have. */
const trusting = { ca: certificates().ca, servername: 'localhost' } as ClientOptions;

interface Pair {
  client: WsClient;
  socket: WebSocket;
  got: string[];
}

/** Everything sent to a client before has come when this has. */
async function settled({ client, socket }: Pair): Promise<void> {
  const ping = once(client, 'ping');
  socket.ping();
  await ping;
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: prepare(), ${way}`, () => {
    let running: Running;
    const clients: WsClient[] = [];
    const begin = async (options: ServerOptions = {}): Promise<void> => {
      running = await start(options);
    };
    const join = async (options: ClientOptions = {}): Promise<Pair> => {
      const connection = once(running.server, 'connection') as Promise<[WebSocket]>;
      const client = new WsClient(running.url, { ...trusting, ...options });
      clients.push(client);
      const got: string[] = [];
      client.on('message', (data: Buffer, isBinary) => {
        got.push((isBinary ? 'binary ' : '') + data.toString());
      });
      const [[socket]] = await Promise.all([connection, once(client, 'open')]);
      return { client, socket, got };
    };
    afterEach(async () => {
      for (const client of clients.splice(0)) client.terminate();
      await running.close();
    });

    it('goes out in its place, as text or binary, by send(), publish() and broadcast()', async () => {
      await begin();
      const all = [await join(), await join()];
      const text = prepare('téxt');
      const bytes = Buffer.from('bytes');
      const binary = prepare(bytes);
      bytes.fill('x');
      const asText = prepare(Buffer.from('as text'), { binary: false });
      assert.deepEqual([text.byteLength, text.isBinary], [5, false]);
      assert.deepEqual([binary.byteLength, binary.isBinary], [5, true]);
      for (const { socket } of all) {
        socket.subscribe('all');
        socket.send('first');
        assert.equal(socket.send(text), true);
        await new Promise<void>((resolve, reject) => {
          socket.send(binary, (error) => (error ? reject(error) : resolve()));
        });
        socket.send('between');
        socket.send(asText);
        socket.send(prepare(''));
      }
      assert.equal(running.server.publish('all', text), 2);
      assert.equal(running.server.broadcast(binary), 2);
      const [{ socket }] = all as [Pair, Pair];
      assert.equal(socket.publish('all', asText), 1);
      await Promise.all(all.map(settled));
      const expected = ['first', 'téxt', 'binary bytes', 'between', 'as text', '', 'téxt'];
      expected.push('binary bytes');
      assert.deepEqual(
        all.map(({ got }) => got),
        [expected, [...expected, 'as text']],
      );
      assert.equal(socket.stats.messagesSent, 8);
      assert.equal(socket.bufferedAmount, 0);
    });

    it('of every size', async () => {
      await begin();
      const pair = await join();
      const texts = [0, 1, 125, 126, 600, 4096, 65_535, 65_536, 3_000_000].map((size) =>
        'é'.repeat(size / 2).padEnd(size, 'x'),
      );
      const messages = texts.map((text) => prepare(text));
      for (const message of messages) pair.socket.send(message);
      for (const message of messages) pair.socket.send(message);
      await settled(pair);
      assert.equal(pair.got.length, 2 * texts.length);
      assert.ok(pair.got.every((text, i) => text === texts[i % texts.length]));
    });

    for (const [name, parameters] of Object.entries({
      'with context takeover': {},
      'without context takeover': { serverNoContextTakeover: true, clientNoContextTakeover: true },
    })) {
      it(`is compressed ${name}, and not, for whom it has to be`, async () => {
        await begin({ perMessageDeflate: { threshold: 100, ...parameters } });
        const all = [await join({ perMessageDeflate: false }), await join(), await join()];
        const expected: string[] = [];
        for (let i = 0; i < 20; i++) {
          const own = `to one ${i} ${'abcdefgh'.repeat(i * 5)}`;
          const shared = `to all ${i} ${'abcdefgh'.repeat(i * 7)}`;
          const message = prepare(shared, { compress: i % 5 !== 4 });
          for (const { socket } of all) {
            socket.send(own);
            socket.send(message);
          }
          expected.push(own, shared);
        }
        await Promise.all(all.map(settled));
        for (const { got } of all) assert.deepEqual(got, expected);
        const [plain, one, other] = all.map(({ socket }) => socket.stats.compressedBytesSent);
        assert.equal(plain, 0);
        assert.ok(Number(one) > 0);
        assert.equal(one, other);
      });
    }
  });
}

describe('server: prepare()', () => {
  let running: Running;
  const begin = async (options: ServerOptions = {}): Promise<[WsClient, WebSocket]> => {
    running = await (WAYS['its own listener'] as (typeof WAYS)[string])(options);
    const connection = once(running.server, 'connection') as Promise<[WebSocket]>;
    const client = new WsClient(running.url);
    const [[socket]] = await Promise.all([connection, once(client, 'open')]);
    return [client, socket];
  };
  afterEach(() => running?.close());

  it('counts as what is sent: bufferedAmount, highWaterMark and sendLimit', async () => {
    const [client, socket] = await begin({ highWaterMark: 1_000_000, sendLimit: 8_000_000 });
    client.pause();
    const message = prepare(Buffer.alloc(100_000));
    let sent = 0;
    while (socket.send(message)) sent += 1;
    assert.ok(socket.writableNeedDrain);
    assert.throws(
      () => {
        for (;;) {
          socket.send(message);
          sent += 1;
        }
      },
      { code: 'ERR_SEND_LIMIT' },
    );
    // How much of it the system has taken meanwhile depends on when the engine writes.
    assert.ok(socket.bufferedAmount <= 8_000_000);
    assert.equal(running.server.stats.overSendLimit, 1);
    const drained = once(socket, 'drain');
    client.resume();
    await drained;
    client.terminate();
    assert.ok(sent >= 79); // and one that has answered false
  });

  it('ends a message in fragments, as any other, and waits for a Blob that was sent before', async () => {
    const [client, socket] = await begin();
    const got: string[] = [];
    client.on('message', (data: Buffer) => got.push(data.toString()));
    const message = prepare('prepared');
    socket.send('frag ', { fin: false });
    socket.send(message);
    socket.send(new Blob(['blob']));
    socket.send(message);
    while (got.length < 3) await once(client, 'message');
    assert.deepEqual(got, ['frag prepared', 'blob', 'prepared']);
    client.terminate();
  });

  it('has its options already, and refuses what cannot be sent', async () => {
    const [client, socket] = await begin();
    const message = prepare('x');
    for (const options of [{ binary: true }, { compress: false }, { fin: false }, { mask: true }]) {
      assert.throws(() => socket.send(message, options), { code: 'ERR_INVALID_ARG_VALUE' });
    }
    assert.throws(() => running.server.publish('all', message, { binary: true }), TypeError);
    assert.throws(() => running.server.broadcast(message, { compress: true }), TypeError);
    socket.send(message, {});
    assert.equal(String((await once(client, 'message'))[0]), 'x');
    const bad = Buffer.from([0xc3, 0x28]);
    assert.throws(() => prepare(bad, { binary: false }), { code: 'ERR_INVALID_UTF8' });
    assert.throws(() => prepare(new Blob(['x']) as never), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => prepare(message as never), { code: 'ERR_INVALID_ARG_TYPE' });
    const closed = once(socket, 'close');
    client.terminate();
    await closed;
    assert.equal(socket.send(message), false);
    assert.equal(socket.bufferedAmount, 1);
  });
});

describe('client: prepare()', () => {
  for (const perMessageDeflate of [false, true]) {
    it(`is masked anew for each${perMessageDeflate ? ', and compressed' : ''}`, async () => {
      const server = await startWsServer({ ws: { perMessageDeflate } });
      const socket = await WebSocket.connect(server.url, { perMessageDeflate });
      const texts = ['short', 'x'.repeat(5000)];
      const messages: PreparedMessage[] = texts.map((text) => prepare(text));
      const got: string[] = [];
      socket.on('message', (data) => got.push(String(data)));
      for (let i = 0; i < 3; ++i) for (const message of messages) socket.send(message);
      while (got.length < 6) await once(socket, 'message');
      assert.deepEqual(got, [...texts, ...texts, ...texts]);
      socket.terminate();
      await server.close();
    });
  }

  it('is kept for the next connection', async () => {
    const server = await startWsServer();
    const socket = new WebSocket(server.url, { reconnect: { unsent: 'keep' } });
    socket.send(prepare('kept'));
    const [data] = await once(socket, 'message');
    assert.equal(String(data), 'kept');
    socket.terminate();
    await server.close();
  });
});
