/** connect(), send(), close(), ref() and the events, against npm ws. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { close, connect, create, EVENTS, send, type Wso } from '../../lib';
import { Attempt } from '../support/attempt';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import * as frames from '../support/frames';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { throws } from './throws';

/** With a server of its own, whose connections no other test has made. */
async function withServer(test: (server: WsServer) => Promise<void>): Promise<void> {
  const server = await startWsServer();
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

const ids = (attempt: Attempt): number[] => attempt.events.map(({ id }) => id);
const messages = (attempt: Attempt): unknown[] =>
  attempt.events.filter(({ id }) => id === 8).map(({ args }) => args[0]);

describe('the documented functions', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());

  describe('connect()', () => {
    it('returns nothing, and calls no handler before it has', async () => {
      const attempt = new Attempt(server.url);
      assert.equal(connect(attempt.wso), undefined);
      assert.deepEqual(attempt.events, []);
      assert.equal(attempt.wso.state, 'connecting');
      await attempt.established();
      assert.equal(attempt.wso.state, 'open');
      await attempt.finish();
      assert.equal(attempt.wso.state, 'closed');
    });

    it('throws while connecting, open and closing', async () => {
      const attempt = new Attempt(server.url).connect();
      const again = (state: string): void =>
        throws(() => connect(attempt.wso), 'Error', 'ERR_ALREADY_CONNECTED', 'connect', state);
      again('connecting');
      await attempt.established();
      again('open');
      close(attempt.wso);
      again('closing');
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 4]);
    });

    it('connects again after event 4', async () => {
      const attempt = new Attempt(server.url);
      for (let round = 1; round <= 3; round++) {
        attempt.connect();
        await attempt.seen(3, round);
        send(attempt.wso, `round ${round}`);
        await attempt.seen(8, round);
        close(attempt.wso, 1000);
        await attempt.seen(4, round);
      }
      assert.deepEqual(ids(attempt), [3, 8, 4, 3, 8, 4, 3, 8, 4]);
      assert.deepEqual(messages(attempt), ['round 1', 'round 2', 'round 3']);
    });

    it('connects again inside handlers 4 and 1', async () => {
      let events: number[] = [];
      await new Promise<void>((resolve) => {
        const wso = create({
          url: server.url,
          event_handlers: {
            3() {
              events.push(3);
              close(wso);
            },
            4() {
              events.push(4);
              if (events.length === 4) resolve();
              else connect(wso);
            },
          },
        });
        connect(wso);
      });
      assert.deepEqual(events, [3, 4, 3, 4]);

      events = [];
      const refused = `ws://127.0.0.1:${await freePort()}/`;
      await new Promise<void>((resolve) => {
        const wso = create({
          url: refused,
          event_handlers: {
            1() {
              events.push(1);
              if (events.length === 3) resolve();
              else connect(wso);
            },
          },
        });
        connect(wso);
      });
      assert.deepEqual(events, [1, 1, 1]);
    });

    it('forgets what the last connection left behind', async () => {
      const attempt = new Attempt(server.url).connect();
      close(attempt.wso);
      assert.equal((await attempt.failure()).code, 'ERR_CONNECTION_ABORTED');
      assert.ok(attempt.wso.error);
      attempt.connect();
      assert.equal(attempt.wso.error, undefined);
      await attempt.seen(3);
      close(attempt.wso, 1000, 'x');
      await attempt.seen(4);
      assert.equal(attempt.wso.closeCode, 1000);
      attempt.connect();
      assert.equal(attempt.wso.closeCode, undefined);
      assert.equal(attempt.wso.closeReason, undefined);
      await attempt.seen(3, 2);
      close(attempt.wso);
      await attempt.seen(4, 2);
    });

    it('goes to the path, with query, Host, credentials, headers and subprotocols', () =>
      withServer(async (server) => {
        const request = new URL(server.url.replace('//', '//user:p%C3%A4ss@'));
        request.pathname = '/a b';
        request.search = '?c=d';
        const attempt = new Attempt(request.href, {
          headers: { 'X-One': 'eins', 'X-Two': ['a', 'b'] },
          origin: 'https://origin.example',
          protocols: ['chat', 'superchat'],
        }).connect();
        const connection = await server.nextConnection();
        const { url, headers } = connection.request;
        assert.equal(url, '/a%20b?c=d');
        assert.equal(headers.host, `localhost:${server.port}`);
        assert.equal(headers.authorization, `Basic ${Buffer.from('user:päss').toString('base64')}`);
        assert.equal(headers['x-one'], 'eins');
        assert.equal(headers['x-two'], 'a, b');
        assert.equal(headers.origin, 'https://origin.example');
        assert.equal(headers['sec-websocket-protocol'], 'chat,superchat');
        assert.equal(headers['sec-websocket-version'], '13');
        assert.equal(headers['sec-websocket-extensions'], undefined);
        await attempt.established();
        assert.equal(attempt.wso.protocol, 'chat');
        await attempt.finish();
      }));

    it('works over IPv6, a unix socket, TLS', async () => {
      for (const options of [{ on: '::1' }, { on: 'unix' }, { tls: true }] as const) {
        const other = await startWsServer(options);
        try {
          const ssl = 'tls' in options ? { client_ssl_ca_filepath: certificates().caPath } : {};
          const attempt = new Attempt(other.url, {}, ssl).connect();
          await attempt.established();
          send(attempt.wso, 'hello');
          await attempt.seen(8);
          await attempt.finish();
          assert.deepEqual(messages(attempt), ['hello']);
        } finally {
          await other.close();
        }
      }
    });

    it('resolves by a lookup function', async () => {
      const asked: unknown[] = [];
      const lookup = (
        host: string,
        _options: unknown,
        callback: (error: null, addresses: { address: string; family: number }[]) => void,
      ): void => {
        asked.push(host);
        setImmediate(callback, null, [{ address: '127.0.0.1', family: 4 }]);
      };
      const attempt = new Attempt(`ws://somewhere.invalid:${server.port}/`, { lookup }).connect();
      await attempt.established();
      await attempt.finish();
      assert.deepEqual(asked, ['somewhere.invalid']);
    });
  });

  describe('send()', () => {
    it('text arrives as a string, bytes as a Buffer', async () => {
      const attempt = new Attempt(server.url).connect();
      const bytes = Uint8Array.from([0, 1, 2, 0xff]);
      const sent: [message: Parameters<typeof send>[1], expected: string | Buffer][] = [
        ['', ''],
        ['text', 'text'],
        ['ä€😀\0', 'ä€😀\0'],
        [Buffer.alloc(0), Buffer.alloc(0)],
        [Buffer.from(bytes), Buffer.from(bytes)],
        [bytes, Buffer.from(bytes)],
        [bytes.buffer, Buffer.from(bytes)],
        [new DataView(bytes.buffer, 1, 2), Buffer.from([1, 2])],
        [new Uint16Array(bytes.buffer, 2, 1), Buffer.from([2, 0xff])],
        [new Float64Array([1]), Buffer.from(new Float64Array([1]).buffer)],
        [Object.assign(new SharedArrayBuffer(2)), Buffer.alloc(2)],
      ];
      await attempt.established();
      for (const [message] of sent) send(attempt.wso, message);
      await attempt.seen(8, sent.length);
      assert.deepEqual(
        messages(attempt),
        sent.map(([, expected]) => expected),
      );
      for (const message of messages(attempt)) {
        assert.ok(typeof message === 'string' || Buffer.isBuffer(message));
      }
      await attempt.finish();
    });

    it('a lone surrogate becomes U+FFFD, as everywhere in Node', async () => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      send(attempt.wso, 'a\ud800b');
      await attempt.seen(8);
      assert.deepEqual(messages(attempt), ['a\ufffdb']);
      await attempt.finish();
    });

    it('refuses other types', () => {
      const { wso } = new Attempt(server.url);
      for (const message of [undefined, null, 1, true, {}, [], () => {}, Symbol('x'), 1n]) {
        throws(
          () => send(wso, message as string),
          'TypeError',
          'ERR_INVALID_ARG_TYPE',
          'message must be',
        );
      }
    });

    it('before connect() and before event 3 it is kept, in order, and before what handler 3 sends', async () => {
      const received: unknown[] = [];
      const mutable = Buffer.from('3');
      await new Promise<void>((resolve) => {
        const wso = create({
          url: server.url,
          event_handlers: {
            3: () => void send(wso, '5'),
            8: (data) => {
              received.push(String(data));
              if (received.length === 5) close(wso);
            },
            4: () => resolve(),
          },
        });
        send(wso, '1');
        assert.equal(wso.bufferedAmount, 1);
        connect(wso);
        send(wso, '2');
        send(wso, mutable);
        mutable.fill('x');
        send(wso, new Uint8Array([52]).buffer);
        assert.equal(wso.bufferedAmount, 4);
      });
      assert.deepEqual(received, ['1', '2', '3', '4', '5']);
    });

    it('returns whether to go on, before event 3 too', async () => {
      const attempt = new Attempt(server.url, { highWaterMark: 10, sendLimit: 20 });
      assert.equal(send(attempt.wso, '0123456789'), true);
      assert.equal(send(attempt.wso, 'x'), false);
      throws(
        () => send(attempt.wso, '0123456789'),
        'Error',
        'ERR_SEND_LIMIT',
        '10 bytes',
        'sendLimit is 20',
      );
      throws(() => send(attempt.wso, 'ääääa'.repeat(2)), 'Error', 'ERR_SEND_LIMIT');
      attempt.connect();
      await attempt.seen(8, 2);
      await attempt.finish();
    });

    it('after close() it throws, and after event 4', async () => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      close(attempt.wso);
      throws(() => send(attempt.wso, 'x'), 'Error', 'ERR_CLOSED', 'closing');
      await attempt.seen(4);
      throws(() => send(attempt.wso, 'x'), 'Error', 'ERR_CLOSED', 'closed');
      assert.deepEqual(messages(attempt), []);
    });

    it('after event 1 it throws, and event 1 told of what was queued', async () => {
      const attempt = new Attempt(`ws://127.0.0.1:${await freePort()}/`).connect();
      send(attempt.wso, 'one');
      send(attempt.wso, 'two');
      const failure = await attempt.failure();
      assert.equal((failure as unknown as { unsent: number }).unsent, 2);
      assert.match(failure.message, /2 queued messages not sent/);
      throws(() => send(attempt.wso, 'x'), 'Error', 'ERR_CLOSED', 'closed');
      assert.equal(attempt.wso.bufferedAmount, 0);
    });

    it('does not throw between the end of the connection and event 4, which nobody could know of', async () => {
      const peer = await RawServer.listen(async (connection) => {
        await connection.accept();
        connection.write(Buffer.concat([frames.text('last'), frames.close(1000)]));
        await connection.readFrames(true);
        connection.end();
      });
      try {
        const results: unknown[] = [];
        await new Promise<void>((resolve) => {
          const wso = create({
            url: peer.url,
            event_handlers: {
              8: () => void results.push(typeof send(wso, 'x')),
              38: () => void results.push(send(wso, 'abc')),
              4: () => {
                results.push(wso.bufferedAmount >= 3);
                resolve();
              },
            },
          });
          connect(wso);
        });
        assert.deepEqual(results, ['boolean', false, true]);
      } finally {
        await peer.close();
      }
    });
  });

  describe('close()', () => {
    it('with and without code and reason', () =>
      withServer(async (server) => {
        for (const [code, reason, expected] of [
          [undefined, undefined, [1005, '']],
          [1000, undefined, [1000, '']],
          [1000, 'bye', [1000, 'bye']],
          [3000, 'ä', [3000, 'ä']],
          [4999, 'x'.repeat(123), [4999, 'x'.repeat(123)]],
        ] as [number | undefined, string | undefined, [number, string]][]) {
          const attempt = new Attempt(server.url).connect();
          await attempt.established();
          const { socket } = await server.nextConnection();
          const closed = once(socket, 'close') as Promise<[number, Buffer]>;
          close(attempt.wso, code, reason);
          const [seenCode, seenReason] = await closed;
          assert.deepEqual([seenCode, seenReason.toString()], expected);
          await attempt.seen(4);
          assert.equal(attempt.wso.closeCode, expected[0]);
          assert.deepEqual(ids(attempt), [3, 4]);
        }
      }));

    it('while connecting: event 1, and no event 3 or 4', async () => {
      const attempt = new Attempt(server.url).connect();
      close(attempt.wso);
      assert.equal(attempt.wso.state, 'closing');
      const failure = await attempt.failure();
      assert.equal(failure.code, 'ERR_CONNECTION_ABORTED');
      assert.equal(failure.reason, 'closed before established');
      assert.deepEqual(ids(attempt), [1]);
      assert.equal(attempt.wso.state, 'closed');
    });

    it('does nothing on an object that is idle, closing or closed', async () => {
      const attempt = new Attempt(server.url);
      close(attempt.wso);
      attempt.connect();
      await attempt.established();
      close(attempt.wso, 1000, 'first');
      close(attempt.wso, 4000, 'second');
      await attempt.seen(4);
      close(attempt.wso);
      assert.equal(attempt.wso.closeCode, 1000);
      assert.deepEqual(ids(attempt), [3, 4]);
    });
  });

  describe('the process', () => {
    const child = (snippet: string): Promise<string> =>
      expectExit(snippet, { args: { url: server.url } }).then(({ stdout }) => stdout);

    it('lives while an object is open, and ends when it has closed', async () => {
      const output = await child(`
        const wso = lib.create({ url: args.url, event_handlers: { 3() { console.log(3); lib.close(wso); }, 4() { console.log(4); } } });
        lib.connect(wso);
      `);
      assert.equal(output, '3\n4\n');
    });

    it('does not wait for an object that was created only', async () => {
      assert.equal(await child('lib.create({ url: args.url });'), '');
    });

    it('does not wait for an object without a reference', async () => {
      const output = await child(`
        const wso = lib.create({ url: args.url, event_handlers: { 3() { console.log(3); lib.unref(wso); } } });
        lib.ref(wso);
        lib.connect(wso);
        process.on('exit', () => console.log(wso.state));
      `);
      assert.equal(output, '3\nopen\n');
    });
  });
});

describe('events', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());

  it('have the names of libwebsockets', () => {
    assert.deepEqual(EVENTS, {
      CLIENT_CONNECTION_ERROR: 1,
      CLIENT_ESTABLISHED: 3,
      CLOSED: 4,
      CLIENT_RECEIVE: 8,
      CLIENT_RECEIVE_PONG: 9,
      CLIENT_WRITEABLE: 10,
      WS_PEER_INITIATED_CLOSE: 38,
    });
  });

  it('1: the reason and the error', async () => {
    const attempt = new Attempt(`ws://127.0.0.1:${await freePort()}/`).connect();
    const { args } = await attempt.seen(1);
    assert.equal(args.length, 2);
    const [reason, error] = args as [
      string,
      Error & { reason: string; code: string; detail: string; url: string },
    ];
    assert.equal(typeof reason, 'string');
    assert.ok(error instanceof Error);
    assert.equal(error.reason, reason);
    assert.equal(error.code, 'ECONNREFUSED');
    assert.match(error.detail, /ECONNREFUSED/);
    assert.equal(error.url, attempt.wso.url);
    assert.equal(attempt.wso.error, error);
  });

  it('3 and 4: no argument', async () => {
    const attempt = new Attempt(server.url).connect();
    await attempt.established();
    await attempt.finish();
    assert.deepEqual(attempt.events, [
      { id: 3, args: [] },
      { id: 4, args: [] },
    ]);
  });

  it('8: one call for a message in fragments, or in pieces', async () => {
    const peer = await RawServer.listen(async (connection) => {
      await connection.accept();
      const bytes = Buffer.concat([
        frames.text('frag', { fin: false }),
        frames.ping('between'),
        frames.continuation('men', { fin: false }),
        frames.continuation('ted'),
        frames.binary(Buffer.from('pieces')),
      ]);
      await connection.writeChopped(bytes, 1);
      connection.write(frames.close(1000));
      await connection.readFrames(true);
      connection.end();
    });
    try {
      const attempt = new Attempt(peer.url).connect();
      await attempt.seen(4);
      assert.deepEqual(messages(attempt), ['fragmented', Buffer.from('pieces')]);
    } finally {
      await peer.close();
    }
  });

  it('9: the payload of a pong', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const { socket } = await server.nextConnection();
      socket.pong('payload');
      socket.pong();
      await attempt.seen(9, 2);
      await attempt.finish();
      const pongs = attempt.events.filter(({ id }) => id === 9);
      assert.deepEqual(
        pongs.map(({ args }) => args),
        [[Buffer.from('payload')], [Buffer.alloc(0)]],
      );
    }));

  it('10: the queue has drained', async () => {
    const attempt = new Attempt(server.url, { highWaterMark: 0 }).connect();
    await attempt.established();
    assert.equal(send(attempt.wso, 'x'), false);
    assert.deepEqual((await attempt.seen(10)).args, []);
    await attempt.finish();
  });

  it("38: code and reason of the server's close, and then 4", () =>
    withServer(async (server) => {
      for (const [code, reason, expected] of [
        [undefined, undefined, [1005, '']],
        [1001, '', [1001, '']],
        [1012, 'restart', [1012, 'restart']],
        [4000, 'äöü', [4000, 'äöü']],
      ] as [number | undefined, string | undefined, unknown[]][]) {
        const attempt = new Attempt(server.url).connect();
        await attempt.established();
        const { socket } = await server.nextConnection();
        socket.close(code, reason);
        await attempt.seen(4);
        assert.deepEqual(attempt.events, [
          { id: 3, args: [] },
          { id: 38, args: expected },
          { id: 4, args: [] },
        ]);
        assert.deepEqual([attempt.wso.closeCode, attempt.wso.closeReason], expected);
      }
    }));

  it('4 comes when the server just dies', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const { socket } = await server.nextConnection();
      socket.terminate();
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 4]);
      assert.equal(attempt.wso.closeCode, 1006);
    }));

  it('4 comes when the server breaks the protocol, and the object says why', async () => {
    const peer = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(frames.frame({ opcode: 3 }));
      await connection.readFrames(true);
      connection.end();
    });
    try {
      const attempt = new Attempt(peer.url).connect();
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 4]);
      assert.equal(attempt.wso.error?.closeCode, 1002);
    } finally {
      await peer.close();
    }
  });

  it('without handlers nothing happens', () =>
    withServer(async (server) => {
      const wso = create({ url: server.url, event_handlers: { 4: 'closedWithoutHandlers' } });
      const closed = new Promise<unknown[]>((resolve) => {
        (globalThis as Record<string, unknown>)['closedWithoutHandlers'] = (...args: unknown[]) =>
          resolve(args);
      });
      connect(wso);
      const { socket } = await server.nextConnection();
      socket.send('text');
      socket.send(Buffer.from('binary'));
      socket.ping();
      socket.pong();
      socket.close(1000);
      assert.deepEqual(await closed, []);
      delete (globalThis as Record<string, unknown>)['closedWithoutHandlers'];
    }));
});

describe('handlers', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());
  const globals = globalThis as Record<string, unknown>;

  it('are called with the object as this', async () => {
    await new Promise<void>((resolve) => {
      const wso: Wso = create({
        url: server.url,
        event_handlers: {
          3() {
            assert.equal(this, wso);
            send(this, 'x');
          },
          8() {
            assert.equal(this, wso);
            close(this);
          },
          4() {
            assert.equal(this, wso);
            resolve();
          },
        },
      });
      connect(wso);
    });
  });

  it('by name are looked up when the event fires', async () => {
    const calls: unknown[] = [];
    await new Promise<void>((resolve) => {
      const wso = create({
        url: server.url,
        event_handlers: { 3: 'vwsOpen', 8: 'vwsMessage', 4: 'vwsClosed' },
      });
      globals['vwsOpen'] = () => send(wso, 'one');
      globals['vwsMessage'] = (data: unknown) => {
        calls.push(['first', data]);
        globals['vwsMessage'] = (next: unknown) => {
          calls.push(['second', next]);
          close(wso);
        };
        send(wso, 'two');
      };
      globals['vwsClosed'] = () => resolve();
      connect(wso);
    });
    assert.deepEqual(calls, [
      ['first', 'one'],
      ['second', 'two'],
    ]);
    for (const name of ['vwsOpen', 'vwsMessage', 'vwsClosed']) delete globals[name];
  });

  const child = (snippet: string): Promise<string> =>
    expectExit(
      `const make = (handlers) => { const wso = lib.create({ url: args.url, event_handlers: handlers }); lib.connect(wso); return wso; };
       process.on('uncaughtException', (error) => console.log(error.code ?? error.message, /ERR/.test(error.code) ? error.message : ''));
       ${snippet}`,
      { args: { url: server.url } },
    ).then(({ stdout }) => stdout);

  it('that are missing are told of by uncaughtException, and nothing is lost', async () => {
    const output = await child(`
      globalThis.noFunction = 5;
      const wso = make({ 3: 'nobody', 8: 'noFunction', 4() { console.log('closed'); } });
      setImmediate(function again() { if (wso.state !== 'open') return setImmediate(again); lib.send(wso, 'x'); lib.close(wso); });
    `);
    assert.equal(
      output,
      "ERR_HANDLER_NOT_FOUND the handler of event 3 is the global function 'nobody', which does not exist\n" +
        "ERR_HANDLER_NOT_FOUND the handler of event 8 is the global function 'noFunction', which is no function but 5\n" +
        'closed\n',
    );
  });

  it('that throw reach uncaughtException, and no later event is lost', async () => {
    const output = await child(`
      let n = 0;
      const wso = make({
        3() { for (let i = 0; i < 5; i++) lib.send(wso, String(i)); throw new Error('three'); },
        8(data) { console.log(data); if (++n === 5) lib.close(wso); if (n % 2) throw new Error('eight'); },
        4() { console.log('closed'); throw new Error('four'); },
      });
    `);
    assert.equal(output, 'three \n0\neight \n1\n2\neight \n3\n4\neight \nclosed\nfour \n');
  });
});
