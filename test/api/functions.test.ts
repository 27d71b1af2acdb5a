/** connect(), send(), close() and ref(), against npm ws. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { close, connect, create, send } from '../../lib';
import { Attempt } from '../support/attempt';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import * as frames from '../support/frames';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { throws } from './throws';
import { ids, messages, withServer } from './attempts';

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

    for (const [way, options] of [
      ['IPv6', { on: '::1' }],
      ['a unix socket', { on: 'unix' }],
      ['TLS', { tls: true }],
    ] as const) {
      it(`works over ${way}`, async () => {
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
      });
    }

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
