/** Servers on named pipes: what they answer to requests, and their limits. */
import { strict as assert } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer, type VerifyInfo } from '../../lib';
import { certificates } from '../support/certificates';
import { PipeFixture, untilClosed } from './support/pipe';
import { exchange, head, upgradeRequest } from './support/ways';

const REQUEST = upgradeRequest();
const { cert, key } = certificates().server;
const TLS = { cert, key };
const PLAIN = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n';
/** Of a client that goes on when the server has said its last word. */
const HALF_OPEN = { allowHalfOpen: true };

describe('a server on a named pipe: requests', () => {
  const pipe = PipeFixture.use();

  describe('answers', () => {
    const BODY = 'Content-Length: 5\r\n\r\nhello';
    const WITHOUT: Readonly<Record<string, string>> = {
      'no upgrade': 'GET /x HTTP/1.1\r\nHost: h\r\n\r\n',
      'no upgrade, with a body': `POST / HTTP/1.1\r\nHost: h\r\n${BODY}`,
      'no upgrade, of which a body is expected': `PUT / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n${BODY}`,
      'no upgrade, which expects something': 'GET / HTTP/1.1\r\nHost: h\r\nExpect: much\r\n\r\n',
      'no upgrade, over HTTP/1.0': 'GET / HTTP/1.0\r\n\r\n',
      'no upgrade, but a tunnel': 'CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n',
      'two of them': 'GET /x HTTP/1.1\r\nHost: h\r\n\r\nGET /y HTTP/1.1\r\nHost: h\r\n\r\n',
      'no HTTP': 'nonsense\r\n\r\n',
      'no version': 'GET /\r\n\r\n',
      'no Host': upgradeRequest({ Host: undefined }),
      'two Hosts': upgradeRequest({ host: 'h' }),
      'a body behind an upgrade': upgradeRequest({ 'Content-Length': '5' }),
      'chunks behind an upgrade': upgradeRequest({ 'Transfer-Encoding': 'chunked' }),
      'too large a head': upgradeRequest({ 'X-Much': 'x'.repeat(20_000) }),
      'too many headers': upgradeRequest(
        Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`X-${i}`, ''])),
      ),
      'another method': upgradeRequest({}, 'POST / HTTP/1.1'),
      'another protocol': upgradeRequest({ Upgrade: 'h2c' }),
      'no key': upgradeRequest({ 'Sec-WebSocket-Key': undefined }),
    };
    for (const [what, request] of Object.entries(WITHOUT)) {
      it(`${what}: the answer is the one of the engine's listener, and counts as there`, async () => {
        await pipe.start();
        const engine = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        const { port } = engine.address() as AddressInfo;
        try {
          const answer = await exchange(pipe.dial(), request);
          assert.equal(answer, await exchange(connect(port, '127.0.0.1'), request));
          assert.match(answer, /^HTTP\/1\.1 4\d\d /);
          // Whose client may still read the answer, or has gone.
          const now = { connections: 0, handshakes: 0 };
          assert.deepEqual({ ...pipe.server.stats, ...now }, { ...engine.stats, ...now });
        } finally {
          await new Promise((resolve) => engine.close(resolve));
        }
      });
    }

    const FLOODS: Readonly<Record<string, [string, string]>> = {
      'a body': [
        'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 999999999\r\n\r\n',
        'x'.repeat(65_536),
      ],
      'more requests': [PLAIN, PLAIN.repeat(2000)],
      'no HTTP': ['nonsense\r\n\r\n', 'x'.repeat(65_536)],
    };
    for (const [what, [request, more]] of Object.entries(FLOODS)) {
      for (const isSecure of [false, true]) {
        const how = isSecure ? ', over TLS' : '';
        it(`behind an answer a bounded part is read, and not as requests: ${what}${how}`, async () => {
          await pipe.start(isSecure ? TLS : {});
          const socket = isSecure ? pipe.dialTls(HALF_OPEN) : pipe.dial(HALF_OPEN);
          socket.write(request);
          await once(socket, 'data');
          let requests = 0;
          const count = (): void => void (requests += 1);
          subscribe('http.server.request.start', count);
          let sent = 0;
          const flood = (): void => {
            while (!socket.destroyed && socket.write(more)) sent += more.length;
          };
          socket.on('drain', flood);
          flood();
          await untilClosed(socket);
          unsubscribe('http.server.request.start', count);
          // With what the system takes, and TLS.
          assert.ok(sent < 8 * 1024 * 1024, `${sent} bytes`);
          assert.equal(requests, 0);
          await pipe.when(({ connections }) => connections === 0);
        });
      }
    }

    for (const isSecure of [false, true]) {
      const how = isSecure ? ', over TLS' : '';
      it(`a client that goes before it has its answer is noticed${how}`, async () => {
        let asked = 0;
        await pipe.start({
          ...(isSecure && TLS),
          verifyClient: (_, callback) => void (asked += callback.length),
        });
        pipe.server.on('wsClientError', () => (asked += 1));
        for (const request of [REQUEST, upgradeRequest({ 'Sec-WebSocket-Key': undefined })]) {
          asked = 0;
          const socket = isSecure ? pipe.dialTls() : pipe.dial();
          socket.write(request);
          while (asked === 0) await new Promise(setImmediate);
          assert.equal(pipe.server.stats.connections, 1);
          socket.destroy();
          await pipe.when(({ connections }) => connections === 0);
        }
      });
    }

    for (const isSecure of [false, true]) {
      const how = isSecure ? ', over TLS' : '';
      it(`a client that does not read why verifyClient refuses it is cut off${how}`, async () => {
        const why = 'x'.repeat(4 * 1024 * 1024);
        await pipe.start({
          ...(isSecure && TLS),
          verifyClient: (_, callback) => callback(false, 403, why),
        });
        const socket = isSecure ? pipe.dialTls() : pipe.dial();
        socket.pause();
        socket.write(REQUEST);
        await pipe.when(({ accepted }) => accepted === 1);
        await pipe.when(({ connections }) => connections === 0);
      });
    }

    it('verifyClient, path and origins decide', async () => {
      const infos: VerifyInfo[] = [];
      await pipe.start({
        path: '/feed',
        origins: ['https://example.com'],
        verifyClient: (info, callback) => {
          infos.push(info);
          setImmediate(() => callback(false, 402, 'pay', { 'X-Why': 'so' }));
        },
      });
      const Origin = 'https://example.com';
      const line = 'GET /feed HTTP/1.1';
      assert.match(await exchange(pipe.dial(), REQUEST), /^HTTP\/1\.1 400 /);
      assert.match(await exchange(pipe.dial(), upgradeRequest({}, line)), /^HTTP\/1\.1 403 /);
      const answer = await exchange(pipe.dial(), upgradeRequest({ Origin }, line));
      assert.match(answer, /^HTTP\/1\.1 402 [^]*\r\nX-Why: so\r\n\r\npay$/);
      assert.deepEqual(
        infos.map(({ origin, secure }) => [origin, secure]),
        [[Origin, false]],
      );
      pipe.server.options.verifyClient = null;
      assert.match(await head(pipe.dial(), upgradeRequest({ Origin }, line)), /^HTTP\/1\.1 101 /);
    });

    it('handleProtocols and listeners of headers add to the answer', async () => {
      await pipe.start({ handleProtocols: (protocols) => [...protocols][1] });
      pipe.server.on('headers', (lines: string[]) => lines.push('X-Mine: 1'));
      const answer = await head(pipe.dial(), upgradeRequest({ 'Sec-WebSocket-Protocol': 'a, b' }));
      assert.match(answer, /\r\nSec-WebSocket-Protocol: b\r\n/);
      assert.match(answer, /\r\nX-Mine: 1\r\n/);
    });
  });

  describe('limits', () => {
    for (const [what, bytes] of [
      ['nothing', ''],
      ['half a head', REQUEST.slice(0, 40)],
    ] as const) {
      it(`handshakeTimeout: ${what} comes`, async () => {
        await pipe.start({ handshakeTimeout: 20 });
        assert.match(await exchange(pipe.dial(), bytes), /^HTTP\/1\.1 408 /);
        assert.deepEqual(pipe.excesses, { timeouts: 1 });
      });
    }

    it('handshakeTimeout: not for a connection that is open, nor for verifyClient', async () => {
      let late: (() => void) | undefined;
      await pipe.start({
        handshakeTimeout: 40,
        verifyClient: (_, callback) => (late = () => callback(true)),
      });
      const asked = pipe.dial();
      asked.write(REQUEST);
      while (late === undefined) await new Promise(setImmediate);
      assert.match(await exchange(pipe.dial(), ''), /^HTTP\/1\.1 408 /);
      const connected = once(pipe.server, 'connection') as Promise<[WebSocket]>;
      late();
      const [socket] = await connected;
      assert.match(await exchange(pipe.dial(), ''), /^HTTP\/1\.1 408 /);
      assert.equal(socket.readyState, WebSocket.OPEN);
      assert.deepEqual(pipe.excesses, { timeouts: 2 });
    });

    it('handshakeTimeout: during TLS the connection is closed, behind it there is an answer', async () => {
      await pipe.start({ ...TLS, handshakeTimeout: 100 });
      assert.equal(await untilClosed(pipe.dial()), '');
      const socket = pipe.dialTls();
      await once(socket, 'secureConnect');
      assert.match(await exchange(socket, ''), /^HTTP\/1\.1 408 /);
      assert.deepEqual(pipe.excesses, { timeouts: 2 });
    });

    it('maxHeaderSize and maxHeadersCount: 431 past them, as set', async () => {
      await pipe.start({ maxHeaderSize: 1000, maxHeadersCount: 6 });
      const large = upgradeRequest({ 'X-Much': 'x'.repeat(1000) });
      assert.match(await exchange(pipe.dial(), large), /^HTTP\/1\.1 431 /);
      const many = upgradeRequest({ 'X-One': '', 'X-Two': '' });
      assert.match(await exchange(pipe.dial(), many), /^HTTP\/1\.1 431 /);
      assert.deepEqual(pipe.excesses, { overHeaderSize: 1, overHeadersCount: 1 });
      assert.match(await head(pipe.dial(), upgradeRequest({ 'X-One': '' })), /^HTTP\/1\.1 101 /);
    });

    it('maxConnections: more are closed, until one has gone', async () => {
      await pipe.start({ maxConnections: 1 });
      const [first, socket] = await pipe.open();
      assert.equal(await untilClosed(pipe.dial()), '');
      assert.deepEqual(pipe.excesses, { overLimit: 1 });
      const closed = once(socket, 'close');
      first.destroy();
      await closed;
      await pipe.when(({ connections }) => connections === 0);
      await pipe.open();
      assert.deepEqual(pipe.numbers, [1, 0, 2]);
    });

    for (const isSecure of [false, true]) {
      it(`maxHandshakes: more wait until one has ended${isSecure ? ', over TLS' : ''}`, async () => {
        await pipe.start({ maxHandshakes: 1, ...(isSecure && TLS) });
        const slow = pipe.dial();
        await pipe.when(({ accepted }) => accepted === 1);
        const next = isSecure ? pipe.dialTls() : pipe.dial();
        next.write(REQUEST);
        await pipe.when(({ accepted }) => accepted === 2);
        assert.deepEqual(pipe.numbers, [2, 1, 2]);
        const connected = once(pipe.server, 'connection');
        slow.destroy();
        await connected;
        assert.equal(pipe.server.stats.overHandshakes, 1);
      });
    }

    it('maxConnectionsPerAddress: of the addresses that a trusted proxy tells', async () => {
      await pipe.start({ maxConnectionsPerAddress: 1, trustedProxies: ['unix'] });
      const request = upgradeRequest({ 'X-Forwarded-For': '192.0.2.1' });
      const first = pipe.dial();
      const connected = once(pipe.server, 'connection') as Promise<[WebSocket]>;
      first.write(request);
      const [socket] = await connected;
      assert.match(await exchange(pipe.dial(), request), /^HTTP\/1\.1 429 /);
      // The same one, as it is written where both kinds of addresses come by one socket.
      const mapped = upgradeRequest({ 'X-Forwarded-For': '::ffff:192.0.2.1' });
      assert.match(await exchange(pipe.dial(), mapped), /^HTTP\/1\.1 429 /);
      assert.deepEqual(pipe.excesses, { overLimitPerAddress: 2 });
      await pipe.open(); // of no address
      const closed = once(socket, 'close');
      first.destroy();
      await closed;
      await pipe.when(({ connections }) => connections === 1);
      assert.match(await head(pipe.dial(), request), /^HTTP\/1\.1 101 /);
    });
  });
});
