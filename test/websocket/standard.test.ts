/** The standard's face: defaults, errors, URL rules, events. Source: WHATWG WebSockets. */
import { strict as assert } from 'node:assert';
import { once, on } from 'node:events';
import { closed, endSockets, opening, track } from './support/sockets';
import { runInNewContext } from 'node:vm';
import { freePort } from '../support/free-port';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { CloseEvent, ErrorEvent, MessageEvent, StandardWebSocket, WebSocket } from '../../lib';

/** The next event of a type. */
function next<E extends Event>(socket: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) =>
    socket.addEventListener(type, (event) => resolve(event as E), { once: true }),
  );
}

describe('StandardWebSocket', () => {
  let server: WsServer;
  before(
    async () =>
      (server = await startWsServer({
        ws: { perMessageDeflate: { serverNoContextTakeover: true } },
      })),
  );
  afterEach(endSockets);
  after(() => server.close());

  const connect = async (url = server.url): Promise<StandardWebSocket> => {
    const socket = track(new StandardWebSocket(url));
    await next(socket, 'open');
    return socket;
  };

  it('is the interface WebSocket, right above EventTarget, and no emitter', async () => {
    const socket = await connect();
    assert.ok(socket instanceof EventTarget && !(socket instanceof WebSocket));
    assert.equal(Object.getPrototypeOf(StandardWebSocket), EventTarget);
    assert.equal(StandardWebSocket.name, 'WebSocket');
    assert.equal(Object.prototype.toString.call(socket), '[object WebSocket]');
    assert.ok(!('on' in socket) && !('emit' in socket));
  });

  it('events.once() and events.on() give events', async () => {
    const socket = track(new StandardWebSocket(server.url));
    const [open] = (await once(socket, 'open')) as [Event];
    assert.equal(open.type, 'open');
    socket.send('one');
    const [message] = (await once(socket, 'message')) as [MessageEvent];
    assert.ok(message instanceof MessageEvent);
    assert.equal(message.data, 'one');
    socket.send('two');
    for await (const [event] of on(socket, 'message') as AsyncIterable<[MessageEvent]>) {
      assert.equal(event.data, 'two');
      break;
    }
  });

  it('has the constants on class and object, read-only', async () => {
    const socket = await connect();
    for (const [value, name] of (['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const).entries()) {
      assert.equal(StandardWebSocket[name], value);
      assert.equal(socket[name], value);
      assert.throws(() => {
        (socket as unknown as Record<string, number>)[name] = 9;
      }, TypeError);
    }
  });

  describe('constructor', () => {
    for (const [url, expected] of [
      ['ws://h.example', 'ws://h.example/'],
      ['WSS://H.Example:443/a b?c', 'wss://h.example/a%20b?c'],
      ['http://h.example:80/', 'ws://h.example/'],
      ['https://h.example/x', 'wss://h.example/x'],
      ['ws://u:p@h.example/', 'ws://u:p@h.example/'],
      ['ws://[::1]:81/', 'ws://[::1]:81/'],
    ] as const) {
      it(`${url} is ${expected}`, () => {
        const socket = track(new StandardWebSocket(url));
        assert.equal(socket.url, expected);
        assert.equal(socket.readyState, 0);
        assert.equal(socket.protocol, '');
        assert.equal(socket.extensions, '');
        assert.equal(socket.bufferedAmount, 0);
        assert.equal(socket.binaryType, 'blob');
      });
    }

    const bad = [
      'ftp://x/',
      'ws://x/#f',
      'ws://x/#',
      'relative',
      '',
      'ws://',
      'ws:// x',
      'mailto:a@b',
      'ws://x:99999',
    ];
    for (const url of bad) {
      it(`refuses ${JSON.stringify(url)}`, () => {
        assert.throws(
          () => new StandardWebSocket(url),
          (error) =>
            error instanceof DOMException && error.name === 'SyntaxError' && error.code === 12,
        );
      });
    }

    it('resolves relative URLs against baseUrl, or location', () => {
      const options = { baseUrl: 'https://h.example/a/b' };
      assert.equal(track(new StandardWebSocket('../c', options)).url, 'wss://h.example/c');
      assert.equal(
        track(new StandardWebSocket('//other.example/', options)).url,
        'wss://other.example/',
      );
      const scope = globalThis as { location?: { href: string } };
      const before = Object.getOwnPropertyDescriptor(scope, 'location');
      Object.defineProperty(scope, 'location', {
        value: { href: 'http://here.example/x/' },
        configurable: true,
      });
      try {
        assert.equal(track(new StandardWebSocket('y')).url, 'ws://here.example/x/y');
      } finally {
        if (before) Object.defineProperty(scope, 'location', before);
        else delete scope.location;
      }
    });

    it('takes port 0, to which no connection can be made', async () => {
      const socket = track(new StandardWebSocket('ws://127.0.0.1:0'));
      const { error } = await next<ErrorEvent>(socket, 'error');
      assert.equal((error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    });

    it('ignores further arguments that are no objects', () => {
      const Any = StandardWebSocket as unknown as new (...args: unknown[]) => StandardWebSocket;
      for (const stray of ['stray', 1, true, null, undefined, () => {}]) {
        assert.equal(track(new Any(server.url, [], stray, stray)).readyState, 0);
      }
    });

    it('null is a subprotocol of that name, as any value is the string that it becomes', async () => {
      const socket = track(new StandardWebSocket(server.url, null as never));
      await next(socket, 'open');
      assert.equal(socket.protocol, 'null');
    });

    it('takes subprotocols among the options, as Node.js does; the second argument goes first', async () => {
      const answers = await Promise.all(
        [
          new StandardWebSocket(server.url, { protocols: ['one', 'two'] }),
          new StandardWebSocket(server.url, { protocols: 'two' }),
          new StandardWebSocket(server.url, undefined, { protocols: ['one'] }),
          new StandardWebSocket(server.url, ['two'], { protocols: ['one'] }),
          new StandardWebSocket(server.url, [], { protocols: ['one'] }),
          new StandardWebSocket(server.url, { protocols: undefined }),
        ].map(async (socket) => {
          await next(track(socket), 'open');
          return socket.protocol;
        }),
      );
      assert.deepEqual(answers, ['one', 'two', 'one', 'two', '', '']);
      assert.throws(
        () => new StandardWebSocket(server.url, { protocols: ['a', 'A'] }),
        (error) => error instanceof DOMException && error.name === 'SyntaxError',
      );
    });

    it('takes a URL object', () => {
      assert.equal(
        track(new StandardWebSocket(new URL('ws://h.example/u'))).url,
        'ws://h.example/u',
      );
    });

    it('refuses subprotocols that are no tokens or doubled', () => {
      for (const protocols of ['', 'a b', ['a', 'a'], ['ok', 'ö'], 'a,b', '\u0000']) {
        assert.throws(
          () => new StandardWebSocket(server.url, protocols),
          (error) => error instanceof DOMException && error.name === 'SyntaxError',
        );
      }
    });
  });

  describe('events', () => {
    it('open: an Event of this socket', async () => {
      const socket = track(new StandardWebSocket(server.url));
      const event = await next(socket, 'open');
      assert.equal(event.target, socket);
      assert.equal(event.type, 'open');
    });

    it('message: text is a string, binary a Blob or an ArrayBuffer; origin is the server’s', async () => {
      const socket = await connect();
      socket.send('Grüße');
      const text = await next<MessageEvent>(socket, 'message');
      assert.ok(text instanceof MessageEvent);
      assert.equal(text.data, 'Grüße');
      assert.equal(text.origin, server.url);
      socket.send(new Uint8Array([1, 2]));
      const blob = (await next<MessageEvent>(socket, 'message')).data as Blob;
      assert.ok(blob instanceof Blob);
      assert.deepEqual(new Uint8Array(await blob.arrayBuffer()), new Uint8Array([1, 2]));
      socket.binaryType = 'arraybuffer';
      socket.send(new Uint8Array([3]));
      assert.deepEqual(
        (await next<MessageEvent>(socket, 'message')).data,
        new Uint8Array([3]).buffer,
      );
      (socket as { binaryType: string }).binaryType = 'nodebuffer';
      assert.equal(socket.binaryType, 'arraybuffer');
    });

    it('close: code, reason, wasClean', async () => {
      const socket = await connect();
      socket.close(3456, 'done');
      assert.equal(socket.readyState, 2);
      const event = await next<CloseEvent>(socket, 'close');
      assert.ok(event instanceof CloseEvent);
      assert.deepEqual([event.code, event.reason, event.wasClean], [3456, 'done', true]);
      assert.equal(socket.readyState, 3);
    });

    it('close without a Close frame: an error, then 1006, not clean', async () => {
      const dropping = await RawServer.listen(async (connection) => {
        await connection.accept();
        connection.end();
        await connection.closed;
      });
      const socket = track(new StandardWebSocket(dropping.url));
      const errors: unknown[] = [];
      socket.onerror = ({ error, message }) =>
        errors.push(socket.readyState, message, (error as { code?: string }).code);
      const event = await next<CloseEvent>(socket, 'close');
      assert.deepEqual([event.code, event.reason, event.wasClean], [1006, '', false]);
      assert.deepEqual(errors, [3, 'socket hang up', 'ECONNRESET']);
      await dropping.close();
    });

    it('a failure: CLOSED already in error, then close; nothing is thrown without a listener', async () => {
      const url = `ws://127.0.0.1:${await freePort()}`;
      const socket = track(new StandardWebSocket(url));
      const error = await next<ErrorEvent>(socket, 'error');
      assert.ok(error instanceof ErrorEvent);
      assert.equal((error.error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      assert.equal(socket.readyState, 3);
      const silent = track(new StandardWebSocket(url));
      const event = await next<CloseEvent>(silent, 'close');
      assert.deepEqual([event.code, event.wasClean], [1006, false]);
    });

    it('close() while connecting: error, then close with 1006', async () => {
      const socket = track(new StandardWebSocket(server.url));
      const error = next(socket, 'error');
      const close = next<CloseEvent>(socket, 'close');
      socket.close();
      assert.equal(socket.readyState, 2);
      await error;
      assert.equal((await close).code, 1006);
    });
  });

  describe('on… attributes', () => {
    it('are null at first, and hold functions only', async () => {
      const socket = await connect();
      for (const name of ['onopen', 'onmessage', 'onclose', 'onerror'] as const) {
        assert.equal(socket[name], null);
        const handler = (): void => undefined;
        socket[name] = handler;
        assert.equal(socket[name], handler);
        (socket as unknown as Record<string, unknown>)[name] = 7;
        assert.equal(socket[name], null);
      }
    });

    it('keep their place when replaced, and take the last after null', async () => {
      const socket = await connect();
      const seen: string[] = [];
      socket.onmessage = () => seen.push('first');
      socket.addEventListener('message', () => seen.push('listener'));
      socket.onmessage = () => seen.push('second');
      socket.send('x');
      await next(socket, 'message');
      socket.onmessage = null;
      socket.onmessage = () => seen.push('third');
      socket.send('x');
      await next(socket, 'message');
      assert.deepEqual(seen, ['second', 'listener', 'listener', 'third']);
    });

    it('are called with the socket as this', async () => {
      const socket = await connect();
      const self = await new Promise((resolve) => {
        socket.onmessage = function (this: unknown) {
          resolve(this);
        };
        socket.send('x');
      });
      assert.equal(self, socket);
    });
  });

  describe('send()', () => {
    it('throws InvalidStateError while connecting', () => {
      const socket = track(new StandardWebSocket(server.url));
      assert.throws(
        () => socket.send('x'),
        (error) =>
          error instanceof DOMException && error.name === 'InvalidStateError' && error.code === 11,
      );
    });

    it('needs an argument', async () => {
      const socket = await connect();
      assert.throws(() => (socket.send as unknown as () => void)(), TypeError);
    });

    it('makes strings of what is neither bytes nor a Blob', async () => {
      const socket = await connect();
      for (const [value, expected] of [
        [null, 'null'],
        [undefined, 'undefined'],
        [12, '12'],
        [true, 'true'],
        [{}, '[object Object]'],
        ['\ud800', '\ufffd'],
      ] as const) {
        socket.send(value as unknown as string);
        assert.equal((await next<MessageEvent>(socket, 'message')).data, expected);
      }
    });

    it('returns nothing; writableNeedDrain says whether a drain event follows', async () => {
      const socket = track(new StandardWebSocket(server.url, { highWaterMark: 1000 }));
      await next(socket, 'open');
      const send = socket.send.bind(socket) as (data: unknown) => unknown;
      assert.equal(send('x'), undefined);
      assert.equal(socket.writableNeedDrain, false);
      const drained = next(socket, 'drain');
      assert.equal(send(new Uint8Array(1_000_000)), undefined);
      assert.equal(socket.writableNeedDrain, true);
      await drained;
      assert.equal(socket.writableNeedDrain, false);
    });

    it('knows no SharedArrayBuffer: a string as any object, and a TypeError for a view of it', async () => {
      const socket = await connect();
      const shared = new SharedArrayBuffer(2);
      socket.send(shared);
      const { data } = await next<MessageEvent>(socket, 'message');
      assert.equal(data, '[object SharedArrayBuffer]');
      assert.throws(() => socket.send(new Uint8Array(shared)), TypeError);
    });

    it('takes bytes of another realm', async () => {
      const socket = await connect();
      socket.binaryType = 'arraybuffer';
      socket.send(runInNewContext('new Uint8Array([1, 2]).buffer') as ArrayBuffer);
      const { data } = await next<MessageEvent>(socket, 'message');
      assert.deepEqual(data, new Uint8Array([1, 2]).buffer);
    });

    it('options and callback are beyond the standard, and ignored if they are no such', async () => {
      const socket = await connect();
      const send = socket.send.bind(socket) as (...args: unknown[]) => void;
      send('stray', 'stray', 7);
      await next(socket, 'message');
      await new Promise((resolve) => socket.send('x', resolve));
      await new Promise((resolve) => socket.send(new Uint8Array(1), { binary: false }, resolve));
    });

    it('keeps the order of strings, views, buffers and Blobs', async () => {
      const socket = await connect();
      socket.binaryType = 'arraybuffer';
      const seen: string[] = [];
      const end = new Promise<void>((resolve) => {
        socket.onmessage = ({ data }) => {
          seen.push(typeof data === 'string' ? data : Buffer.from(data as ArrayBuffer).toString());
          if (seen.length === 5) resolve();
        };
      });
      socket.send(new Blob(['1']));
      socket.send('2');
      socket.send(Buffer.from('3').buffer.slice(0, 0));
      socket.send(new Blob(['4']));
      socket.send(new DataView(new Uint8Array([0x35]).buffer));
      await end;
      assert.deepEqual(seen, ['1', '2', '', '4', '5']);
    });

    it('bufferedAmount counts payload bytes at once, and does not fall within a turn', async () => {
      const socket = await connect();
      socket.send('äöü');
      assert.equal(socket.bufferedAmount, 6);
      socket.send(new Uint8Array(10));
      socket.send(new Blob(['abcd']));
      assert.equal(socket.bufferedAmount, 20);
      while (socket.bufferedAmount > 0) await new Promise((resolve) => setImmediate(resolve));
      // Long enough that the engine begins at once; the counters show what is left.
      const size = 128 * 1024;
      socket.send(new Uint8Array(size));
      const end = performance.now() + 5000;
      const left = (): number => socket.stats.sendQueueBytes;
      while (left() !== 0) assert.ok(performance.now() < end, 'nothing is sent');
      assert.equal(socket.bufferedAmount, size);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(socket.bufferedAmount, 0);
    });

    it('after close() counts on, and never falls', async () => {
      const socket = await connect();
      socket.close();
      socket.send('abc');
      assert.equal(socket.bufferedAmount, 3);
      await next(socket, 'close');
      socket.send(new Uint8Array(4));
      assert.equal(socket.bufferedAmount, 7);
    });
  });

  describe('close()', () => {
    it('takes 1000, and 3000 to 4999', async () => {
      for (const code of [1000, 3000, 4999, 3000.4]) {
        const socket = await connect();
        const end = closed(socket);
        socket.close(code);
        assert.equal((await end).code, Math.round(code));
      }
    });

    it('throws InvalidAccessError for other codes, in any state', async () => {
      const socket = await connect();
      for (const code of [0, 999, 1001, 1005, 1006, 1011, 2999, 5000, 65_536 + 1000, NaN, null]) {
        assert.throws(
          () => socket.close(code as number),
          (error) => error instanceof DOMException && error.name === 'InvalidAccessError',
          String(code),
        );
      }
      const connecting = track(new StandardWebSocket(server.url));
      assert.throws(() => connecting.close(1001), { name: 'InvalidAccessError' });
    });

    it('throws SyntaxError for a reason of more than 123 bytes', async () => {
      const socket = await connect();
      assert.throws(
        () => socket.close(1000, 'ä'.repeat(62)),
        (error) => error instanceof DOMException && error.name === 'SyntaxError',
      );
      const end = closed(socket);
      socket.close(1000, 'ä'.repeat(61));
      assert.equal((await end).reason, 'ä'.repeat(61));
    });

    it('twice is once', async () => {
      const socket = await connect();
      const end = closed(socket);
      socket.close(3001);
      socket.close(3002);
      assert.equal((await end).code, 3001);
      socket.close();
    });
  });

  it('extensions has the parameters', async () => {
    const socket = await connect();
    assert.match(socket.extensions, /^permessage-deflate; .*server_no_context_takeover/);
  });

  it('protocol', async () => {
    const socket = track(new StandardWebSocket(server.url, ['chat']));
    await opening(socket);
    assert.equal(socket.protocol, 'chat');
  });
});
