/** WebSocketStream: its promises, both streams, back-pressure, and how it ends. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { ReadableStream, WritableStream, type ReadableStreamDefaultReader } from 'node:stream/web';
import { freePort } from '../support/free-port';
import { RawServer, type RawConnection } from '../support/raw-server';
import { startWsServer, type WsServer, type WsSocket } from '../support/ws-server';
import { until } from './support/sockets';
import {
  WebSocketStream,
  WebSocketStreamError,
  type WebSocketCloseInfo,
  type WebSocketConnection,
  type WebSocketStreamInit,
} from '../../lib';

const MIB = 1024 * 1024;

type Reader = ReadableStreamDefaultReader<string | Uint8Array>;

async function read(reader: Reader): Promise<string | Uint8Array> {
  const { value, done } = await reader.read();
  assert.equal(done, false);
  return value as string | Uint8Array;
}

/** What a promise rejects with. */
async function rejection(promise: Promise<unknown>): Promise<WebSocketStreamError> {
  return promise.then(
    () => assert.fail('it resolved'),
    (error) => error as WebSocketStreamError,
  );
}

describe('WebSocketStream', () => {
  let server: WsServer;
  const streams: WebSocketStream[] = [];
  before(async () => (server = await startWsServer({ ws: { perMessageDeflate: true } })));
  after(() => server.close());
  afterEach(async () => {
    for (const stream of streams.splice(0)) {
      stream.close();
      for (const client of server.wss.clients) client.terminate();
      await stream.closed.catch(() => undefined);
    }
  });

  function make(url = server.url, options?: WebSocketStreamInit): WebSocketStream {
    const stream = new WebSocketStream(url, options);
    streams.push(stream);
    return stream;
  }

  /** An open stream and the server's end of it. */
  async function pair(): Promise<[WebSocketConnection, WsSocket, WebSocketStream]> {
    const connection = once(server.wss, 'connection') as Promise<[WsSocket]>;
    const stream = make();
    return [await stream.opened, (await connection)[0], stream];
  }

  describe('constructor', () => {
    const Any = WebSocketStream as unknown as new (...args: unknown[]) => WebSocketStream;

    it('wants a URL', () => {
      assert.throws(() => new Any(), TypeError);
      for (const url of ['relative', 'invalid:', 'ws://x/#f']) {
        assert.throws(() => new Any(url), { name: 'SyntaxError', code: 12 });
      }
    });

    it('wants an object, a list of subprotocols and a signal', () => {
      for (const options of [true, 1, 'x', { protocols: 'chat' }, { protocols: 5 }, { signal: {} }])
        assert.throws(() => new Any(server.url, options), TypeError);
      for (const protocols of [['a b'], ['a', 'a'], ['a', 'A'], ['']])
        assert.throws(() => new Any(server.url, { protocols }), { name: 'SyntaxError' });
    });

    it('refuses what a stream cannot have', () => {
      for (const options of [{ reconnect: true }, { finishRequest: () => undefined }])
        assert.throws(() => new Any(server.url, options), { code: 'ERR_UNSUPPORTED_OPTION' });
      assert.throws(() => new Any(server.url, { noSuch: 1 }), { code: 'ERR_UNKNOWN_OPTION' });
    });

    it('is an interface of the standard', () => {
      const { length, name, prototype } = WebSocketStream;
      assert.deepEqual([length, name, prototype.close.length], [1, 'WebSocketStream', 0]);
      assert.deepEqual(Object.keys(prototype).sort(), ['close', 'closed', 'opened', 'url']);
      assert.equal(String(prototype), '[object WebSocketStream]');
    });

    it('has a URL', () => {
      assert.equal(make('http://127.0.0.1:1/a b').url, 'ws://127.0.0.1:1/a%20b');
    });
  });

  it('opens with the subprotocol, the extensions and both streams', async () => {
    const { protocol, extensions, readable, writable } = await make(server.url, {
      protocols: ['chat'],
    }).opened;
    assert.equal(protocol, 'chat');
    assert.match(extensions, /^permessage-deflate/);
    assert.ok(readable instanceof ReadableStream && writable instanceof WritableStream);
  });

  it('takes the options of a socket', async () => {
    const connection = once(server.wss, 'connection') as Promise<
      [WsSocket, { headers: Record<string, string> }]
    >;
    const { extensions } = await make(server.url, {
      headers: { 'x-test': 'yes' },
      perMessageDeflate: false,
    }).opened;
    assert.equal((await connection)[1].headers['x-test'], 'yes');
    assert.equal(extensions, '');
  });

  describe('messages', () => {
    it('text is a string, binary a Uint8Array with memory of its own', async () => {
      const { readable, writable } = await make().opened;
      const [reader, writer] = [readable.getReader(), writable.getWriter()];
      await writer.write('Grüße');
      assert.equal(await read(reader), 'Grüße');
      for (const bytes of [
        new Uint8Array([1, 2]),
        new Uint8Array([1, 2]).buffer,
        new DataView(new Uint8Array([0, 1, 2]).buffer, 1),
      ]) {
        await writer.write(bytes);
        const chunk = (await read(reader)) as Uint8Array;
        assert.deepEqual(chunk, new Uint8Array([1, 2]));
        assert.equal(chunk.buffer.byteLength, 2);
      }
    });

    it('what is neither is the string that it becomes', async () => {
      const { readable, writable } = await make().opened;
      const [reader, writer] = [readable.getReader(), writable.getWriter()];
      for (const [value, expected] of [
        [12, '12'],
        [null, 'null'],
        [{}, '[object Object]'],
        ['\ud800', '\ufffd'],
      ]) {
        await writer.write(value as string);
        assert.equal(await read(reader), expected);
      }
    });

    it('a symbol, and memory that is shared, is a TypeError', async () => {
      for (const value of [Symbol('x'), new Uint8Array(new SharedArrayBuffer(1))]) {
        const { writable } = await make().opened;
        await assert.rejects(writable.getWriter().write(value as never), TypeError);
      }
    });

    it('the order stays, and nothing is lost, with a reader that comes late', async () => {
      const [{ readable }, peer] = await pair();
      for (let i = 0; i < 3000; i++) peer.send(`${i} ${'x'.repeat(100)}`);
      peer.close(1000);
      let next = 0;
      for await (const message of readable) {
        assert.equal(parseInt(message as string, 10), next++);
      }
      assert.equal(next, 3000);
    });
  });

  describe('back-pressure', () => {
    it('a reader that does not read stops the server', async () => {
      const [{ readable }, peer] = await pair();
      const chunk = Buffer.alloc(MIB, 'x');
      for (let i = 0; i < 64; i++) peer.send(chunk);
      let before = -1;
      // Until nothing moves any more: what waits at the server does not fall.
      await until(() => {
        const { bufferedAmount } = peer;
        const stands = bufferedAmount === before;
        before = bufferedAmount;
        return stands && bufferedAmount > 0;
      });
      assert.ok(peer.bufferedAmount > 16 * MIB, `${peer.bufferedAmount}`);
      const reader = readable.getReader();
      for (let i = 0; i < 64; i++) assert.equal((await read(reader)).length, MIB);
      assert.equal(peer.bufferedAmount, 0);
    });

    it('a write waits while the server does not read', async () => {
      let accepted: (connection: RawConnection) => void;
      const connection = new Promise<RawConnection>((resolve) => (accepted = resolve));
      const slow = await RawServer.listen(async (raw) => {
        await raw.accept();
        raw.socket.pause();
        accepted(raw);
        await raw.closed;
      });
      try {
        const stream = make(slow.url);
        const writer = (await stream.opened).writable.getWriter();
        const raw = await connection;
        let written = false;
        const writing = writer.write(new Uint8Array(32 * MIB)).then(() => (written = true));
        for (let turn = 0; turn < 50; turn++) await new Promise((done) => setImmediate(done));
        assert.equal(written, false);
        raw.socket.resume();
        await writing;
        raw.socket.destroy();
        assert.equal((await rejection(stream.closed)).closeCode, 1006);
      } finally {
        await slow.close();
      }
    });
  });

  describe('the end', () => {
    it('close(): code and reason go to the server and come back', async () => {
      for (const [info, expected] of [
        [undefined, { closeCode: 1005, reason: '' }],
        [{}, { closeCode: 1005, reason: '' }],
        [{ reason: '' }, { closeCode: 1005, reason: '' }],
        [
          { closeCode: 3456, reason: 'pizza' },
          { closeCode: 3456, reason: 'pizza' },
        ],
        [{ reason: 'only' }, { closeCode: 1000, reason: 'only' }],
      ] as [object | undefined, WebSocketCloseInfo][]) {
        const [{ readable, writable }, , stream] = await pair();
        stream.close(info);
        assert.deepEqual(await stream.closed, expected);
        assert.deepEqual(await readable.getReader().read(), { value: undefined, done: true });
        await assert.rejects(writable.getWriter().write('x'), { name: 'InvalidStateError' });
      }
    });

    it('close() checks what it is given, in any state', async () => {
      const [, , stream] = await pair();
      const close = stream.close.bind(stream) as (info: unknown) => void;
      for (const closeCode of [0, 999, 1001, 2999, 5000])
        assert.throws(() => close({ closeCode }), { name: 'InvalidAccessError' });
      for (const closeCode of [-1, 65_536, NaN, 'x'])
        assert.throws(() => close({ closeCode }), TypeError);
      assert.throws(() => close(true), TypeError);
      assert.throws(() => close({ reason: 'ä'.repeat(62) }), { name: 'SyntaxError' });
      stream.close({ closeCode: 4000 });
      await stream.closed;
      assert.throws(() => close({ closeCode: 1 }), { name: 'InvalidAccessError' });
    });

    it('close() while connecting rejects both promises', async () => {
      const stream = make();
      stream.close();
      const error = await rejection(stream.opened);
      assert.ok(error instanceof WebSocketStreamError);
      assert.equal(await rejection(stream.closed), error);
      assert.equal(error.closeCode, 1006);
    });

    it('the server closes: its code and reason, the readable ends, the writable fails', async () => {
      const [{ readable, writable }, peer, stream] = await pair();
      peer.send('last');
      peer.close(4222, 'ロボット');
      assert.deepEqual(await stream.closed, { closeCode: 4222, reason: 'ロボット' });
      const reader = readable.getReader();
      assert.equal(await read(reader), 'last');
      assert.equal((await reader.read()).done, true);
      await assert.rejects(writable.getWriter().ready, { name: 'InvalidStateError' });
    });

    it('what the server closes on is not said to be written', async () => {
      const closing = await RawServer.listen(async (raw) => {
        await raw.accept();
        raw.write(Buffer.from([0x88, 2, 4567 >> 8, 4567 & 0xff]));
        await raw.readFrame();
        raw.end();
      });
      try {
        const stream = make(closing.url);
        const { writable, readable } = await stream.opened;
        const write = writable.getWriter().write(new Uint8Array(4 * MIB));
        const error = await rejection(stream.closed);
        assert.equal(error.closeCode, 4567);
        assert.equal(await rejection(write), error);
        assert.equal(await rejection(readable.getReader().read()), error);
      } finally {
        await closing.close();
      }
    });

    it('a connection that breaks: one error for both streams and closed', async () => {
      const [{ readable, writable }, peer, stream] = await pair();
      peer.terminate();
      const error = await rejection(stream.closed);
      assert.ok(error instanceof WebSocketStreamError && error instanceof DOMException);
      assert.deepEqual([error.name, error.closeCode, error.reason], ['WebSocketError', 1006, '']);
      assert.equal(await rejection(readable.getReader().read()), error);
      assert.equal(await rejection(writable.getWriter().ready), error);
    });

    it('a breach of the protocol: the cause says which', async () => {
      const raw = await RawServer.listen(async (connection) => {
        await connection.accept();
        connection.write(Buffer.from([0x81, 2, 0xff, 0xfe]));
        await connection.readFrame();
        connection.end();
      });
      try {
        const { cause } = (await rejection(make(raw.url).closed)) as { cause?: { code: string } };
        assert.equal(cause?.code, 'WS_ERR_INVALID_UTF8');
      } finally {
        await raw.close();
      }
    });

    it('a connection that cannot be made: the cause says why', async () => {
      const stream = make(`ws://127.0.0.1:${await freePort()}`);
      const error = (await rejection(stream.opened)) as { cause?: { code: string } };
      assert.equal(error.cause?.code, 'ECONNREFUSED');
      assert.equal(await rejection(stream.closed), error);
    });

    it('closing the writable closes, and waits for the server', async () => {
      const [{ writable }, peer, stream] = await pair();
      const writer = writable.getWriter();
      void writer.write('before');
      const [data] = (await Promise.all([once(peer, 'message'), writer.close()]))[0] as [Buffer];
      assert.equal(data.toString(), 'before');
      assert.equal((await stream.closed).closeCode, 1005);
    });

    for (const [side, end] of [
      ['abort', (streams: WebSocketConnection, why: unknown) => streams.writable.abort(why)],
      ['cancel', (streams: WebSocketConnection, why: unknown) => streams.readable.cancel(why)],
    ] as [string, (streams: WebSocketConnection, why: unknown) => Promise<void>][]) {
      it(`${side}() closes; a WebSocketStreamError says with what`, async () => {
        for (const [why, expected] of [
          [undefined, 1005],
          [new DOMException('x', 'DataCloneError'), 1005],
          [{ closeCode: 3333, reason: 'not of the class' }, 1005],
          [new WebSocketStreamError('x', { closeCode: 3333 }), 3333],
          [new WebSocketStreamError('x', { reason: 'only' }), 1000],
        ] as [unknown, number][]) {
          const [connection, , stream] = await pair();
          await end(connection, why);
          assert.equal((await stream.closed).closeCode, expected);
        }
      });
    }

    it('cancel() with messages that nobody has read still hears the server close', async () => {
      const [{ readable }, peer, stream] = await pair();
      for (let i = 0; i < 100; i++) peer.send(Buffer.alloc(64 * 1024));
      const reader = readable.getReader();
      await read(reader);
      await reader.cancel();
      assert.equal((await stream.closed).closeCode, 1005);
    });
  });

  describe('signal', () => {
    it('aborted before: rejects with its reason, and does not connect', async () => {
      const reason = new Error('never mind');
      const stream = make(server.url, { signal: AbortSignal.abort(reason) });
      assert.equal(await rejection(stream.opened), reason);
      assert.equal(await rejection(stream.closed), reason);
      assert.equal(server.wss.clients.size, 0);
      stream.close();
    });

    it('aborted while connecting: rejects with its reason', async () => {
      const silent = await RawServer.listen((connection) => connection.closed);
      try {
        const controller = new AbortController();
        const stream = make(silent.url, { signal: controller.signal });
        setImmediate(() => controller.abort());
        const error = await rejection(stream.opened);
        assert.equal(error.name, 'AbortError');
        assert.equal(await rejection(stream.closed), error);
      } finally {
        await silent.close();
      }
    });

    it('aborted once open: nothing happens', async () => {
      const controller = new AbortController();
      const { readable, writable } = await make(server.url, { signal: controller.signal }).opened;
      controller.abort();
      await writable.getWriter().write('still here');
      assert.equal(await read(readable.getReader()), 'still here');
    });
  });

  describe('WebSocketStreamError', () => {
    it('is a DOMException with a code and a reason', () => {
      const error = new WebSocketStreamError('words', { closeCode: 3456, reason: 'why' });
      assert.ok(error instanceof DOMException && error instanceof WebSocketStreamError);
      assert.deepEqual([error.name, error.code, error.message], ['WebSocketError', 0, 'words']);
      assert.deepEqual([error.closeCode, error.reason], [3456, 'why']);
      const bare = new WebSocketStreamError();
      assert.deepEqual([bare.message, bare.closeCode, bare.reason], ['', null, '']);
      assert.equal(new WebSocketStreamError('', { reason: 'x' }).closeCode, 1000);
    });

    it('checks what it is given', () => {
      for (const closeCode of [999, 1001, 2999, 5000])
        assert.throws(() => new WebSocketStreamError('', { closeCode }), {
          name: 'InvalidAccessError',
        });
      assert.throws(() => new WebSocketStreamError('', { reason: '🔌'.repeat(32) }), {
        name: 'SyntaxError',
      });
      assert.throws(() => new WebSocketStreamError('', 5 as never), TypeError);
    });
  });
});
