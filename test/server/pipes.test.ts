/**
 * Servers on named pipes of Windows', by `port`. Elsewhere the same listener is given Unix sockets, which Node.js opens in
 * the same way.
 */
import { strict as assert } from 'node:assert';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { dirname, join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import {
  WebSocket,
  WebSocketServer,
  type ClientOptions,
  type ServerOptions,
  type VerifyInfo,
} from '../../lib';
import { paths } from '../../lib/server/listeners';
import { certificates } from '../support/certificates';
import { runChild } from '../support/child';
import { text } from '../support/frames';
import { makeLocalPath, type LocalPath } from '../support/local-path';
import { libraryPath } from '../support/root';
import { exchange, head, upgradeRequest } from './support/ways';

const REQUEST = upgradeRequest();
const { ca, server: identity, client: person, strangerClient, wrongHost } = certificates();
const TLS = { cert: identity.cert, key: identity.key };
const CLIENTS_TLS: ClientOptions = { ca, servername: 'localhost' };

type Counter = keyof WebSocketServer['stats'];

describe('a server on a named pipe', () => {
  let place: LocalPath;
  let server: WebSocketServer;
  const peers: (Socket | WebSocket)[] = [];
  const { arePipes } = paths;

  before(() => (paths.arePipes = true));
  after(() => (paths.arePipes = arePipes));
  beforeEach(() => (place = makeLocalPath()));
  afterEach(async () => {
    for (const peer of peers.splice(0)) 'terminate' in peer ? peer.terminate() : peer.destroy();
    for (const one of server.clients) one.terminate();
    await new Promise((resolve) => server.close(resolve));
    place.remove();
  });

  async function start(options: ServerOptions = {}): Promise<void> {
    server = new WebSocketServer({ port: place.path, ...options });
    await once(server, 'listening');
  }

  function dial(): Socket {
    const socket = connect(place.path);
    peers.push(socket);
    return socket.on('error', () => undefined);
  }

  function dialTls(options = {}): TLSSocket {
    const socket = connectTls({ path: place.path, ca, servername: 'localhost', ...options });
    peers.push(socket);
    return socket.on('error', () => undefined);
  }

  function client(options: ClientOptions = {}, scheme = 'ws'): WebSocket {
    const all = { socketPath: place.path, ...options };
    const socket = new WebSocket(`${scheme}://localhost/a?b`, all);
    peers.push(socket);
    return socket;
  }

  /** A client's socket, behind the answer to its request; and the server's of it. */
  async function open<S extends Socket = Socket>(
    socket = dial() as S,
  ): Promise<[S, WebSocket, IncomingMessage]> {
    const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
    socket.write(REQUEST);
    await once(socket, 'data');
    return [socket, ...(await connected)];
  }

  /** What comes until the connection ends. */
  async function silence(socket: Socket): Promise<string> {
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    await new Promise((resolve) => socket.once('close', resolve));
    return answer;
  }

  /** Until the listener has accepted so many. */
  async function accepted(count: number): Promise<void> {
    while (server.stats.accepted < count) await new Promise(setImmediate);
  }

  /** What is not zero, of that which counts what has gone wrong. */
  function counted(): Partial<Record<Counter, number>> {
    const normal: readonly string[] = ['connections', 'handshakes', 'accepted'];
    const stats = Object.entries(server.stats).filter(
      ([name, count]) => count !== 0 && !normal.includes(name),
    );
    return Object.fromEntries(stats);
  }

  const numbers = (): number[] => {
    const { connections, handshakes, accepted: all } = server.stats;
    return [connections, handshakes, all];
  };

  describe('messages', () => {
    const COMPRESSION = [false, { threshold: 0 }] as const;
    for (const isSecure of [false, true]) {
      for (const perMessageDeflate of COMPRESSION) {
        const what = `${isSecure ? 'TLS with a client certificate' : 'plain'}, ${
          perMessageDeflate ? 'compressed' : 'not compressed'
        }`;
        it(`text, bytes and a mebibyte there and back: ${what}`, async () => {
          await start({ perMessageDeflate, ...(isSecure && { ...TLS, ca, requestCert: true }) });
          const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
          const tls = { ...CLIENTS_TLS, cert: person.cert, key: person.key };
          const socket = isSecure ? client(tls, 'wss') : client();
          const [[echo, request]] = await Promise.all([connected, once(socket, 'open')]);
          echo.on('message', (data, isBinary) => echo.send(data, { binary: isBinary }));
          for (const sent of ['', 'é€😀', Buffer.from([1, 2, 3]), Buffer.alloc(1 << 20, 'xyz')]) {
            socket.send(sent);
            const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean];
            assert.equal(isBinary, typeof sent !== 'string');
            assert.ok(data.equals(Buffer.from(sent)), 'the echo differs');
          }
          assert.equal(
            socket.extensions.includes('permessage-deflate'),
            perMessageDeflate !== false,
          );
          assert.equal(request.url, '/a?b');
          assert.equal(request.socket.remoteAddress, undefined);
          assert.equal(server.clientAddress(request), undefined);
          const peer = request.socket as TLSSocket;
          assert.equal(peer.encrypted ?? false, isSecure);
          if (isSecure) {
            assert.equal(peer.authorized, true);
            assert.match(String(peer.getPeerCertificate().subject.CN), /client/);
          }
          const ends = [once(socket, 'close'), once(echo, 'close')];
          echo.close(3456, 'so');
          for (const [code, reason] of (await Promise.all(ends)) as [number, Buffer][]) {
            assert.deepEqual([code, String(reason)], [3456, 'so']);
          }
        });
      }
    }

    it('one that comes together with the request', async () => {
      await start();
      const connected = once(server, 'connection') as Promise<[WebSocket]>;
      const mask = { mask: Buffer.of(1, 2, 3, 4) };
      dial().write(Buffer.concat([Buffer.from(REQUEST), text('early', mask)]));
      const [data] = (await once((await connected)[0], 'message')) as [Buffer];
      assert.equal(String(data), 'early');
    });
  });

  describe('requests', () => {
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
        await start();
        const engine = new WebSocketServer({ port: 0, host: '127.0.0.1' });
        const { port } = engine.address() as AddressInfo;
        try {
          const answer = await exchange(dial(), request);
          assert.equal(answer, await exchange(connect(port, '127.0.0.1'), request));
          assert.match(answer, /^HTTP\/1\.1 4\d\d /);
          // Whose client may still read the answer, or has gone.
          const now = { connections: 0, handshakes: 0 };
          assert.deepEqual({ ...server.stats, ...now }, { ...engine.stats, ...now });
        } finally {
          await new Promise((resolve) => engine.close(resolve));
        }
      });
    }

    it('verifyClient, path and origins decide', async () => {
      const infos: VerifyInfo[] = [];
      await start({
        path: '/feed',
        origins: ['https://example.com'],
        verifyClient: (info, callback) => {
          infos.push(info);
          setImmediate(() => callback(false, 402, 'pay', { 'X-Why': 'so' }));
        },
      });
      const Origin = 'https://example.com';
      const line = 'GET /feed HTTP/1.1';
      assert.match(await exchange(dial(), REQUEST), /^HTTP\/1\.1 400 /);
      assert.match(await exchange(dial(), upgradeRequest({}, line)), /^HTTP\/1\.1 403 /);
      const answer = await exchange(dial(), upgradeRequest({ Origin }, line));
      assert.match(answer, /^HTTP\/1\.1 402 [^]*\r\nX-Why: so\r\n\r\npay$/);
      assert.deepEqual(
        infos.map(({ origin, secure }) => [origin, secure]),
        [[Origin, false]],
      );
      server.options.verifyClient = null;
      assert.match(await head(dial(), upgradeRequest({ Origin }, line)), /^HTTP\/1\.1 101 /);
    });

    it('handleProtocols and listeners of headers add to the answer', async () => {
      await start({ handleProtocols: (protocols) => [...protocols][1] });
      server.on('headers', (lines: string[]) => lines.push('X-Mine: 1'));
      const answer = await head(dial(), upgradeRequest({ 'Sec-WebSocket-Protocol': 'a, b' }));
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
        await start({ handshakeTimeout: 20 });
        assert.match(await exchange(dial(), bytes), /^HTTP\/1\.1 408 /);
        assert.deepEqual(counted(), { timeouts: 1 });
      });
    }

    it('handshakeTimeout: not for a connection that is open, nor for verifyClient', async () => {
      let late: (() => void) | undefined;
      await start({
        handshakeTimeout: 40,
        verifyClient: (_, callback) => (late = () => callback(true)),
      });
      const asked = dial();
      asked.write(REQUEST);
      while (late === undefined) await new Promise(setImmediate);
      assert.match(await exchange(dial(), ''), /^HTTP\/1\.1 408 /);
      const connected = once(server, 'connection') as Promise<[WebSocket]>;
      late();
      const [socket] = await connected;
      assert.match(await exchange(dial(), ''), /^HTTP\/1\.1 408 /);
      assert.equal(socket.readyState, WebSocket.OPEN);
      assert.deepEqual(counted(), { timeouts: 2 });
    });

    it('handshakeTimeout: during TLS the connection is closed, behind it there is an answer', async () => {
      await start({ ...TLS, handshakeTimeout: 100 });
      assert.equal(await silence(dial()), '');
      const socket = dialTls();
      await once(socket, 'secureConnect');
      assert.match(await exchange(socket, ''), /^HTTP\/1\.1 408 /);
      assert.deepEqual(counted(), { timeouts: 2 });
    });

    it('maxHeaderSize and maxHeadersCount: 431 past them, as set', async () => {
      await start({ maxHeaderSize: 1000, maxHeadersCount: 6 });
      const large = upgradeRequest({ 'X-Much': 'x'.repeat(1000) });
      assert.match(await exchange(dial(), large), /^HTTP\/1\.1 431 /);
      const many = upgradeRequest({ 'X-One': '', 'X-Two': '' });
      assert.match(await exchange(dial(), many), /^HTTP\/1\.1 431 /);
      assert.deepEqual(counted(), { overHeaderSize: 1, overHeadersCount: 1 });
      assert.match(await head(dial(), upgradeRequest({ 'X-One': '' })), /^HTTP\/1\.1 101 /);
    });

    it('maxConnections: more are closed, until one has gone', async () => {
      await start({ maxConnections: 1 });
      const [first, socket] = await open();
      assert.equal(await silence(dial()), '');
      assert.deepEqual(counted(), { overLimit: 1 });
      const closed = once(socket, 'close');
      first.destroy();
      await closed;
      while (server.stats.connections > 0) await new Promise(setImmediate);
      await open();
      assert.deepEqual(numbers(), [1, 0, 2]);
    });

    for (const isSecure of [false, true]) {
      it(`maxHandshakes: more wait until one has ended${isSecure ? ', over TLS' : ''}`, async () => {
        await start({ maxHandshakes: 1, ...(isSecure && TLS) });
        const slow = dial();
        await accepted(1);
        const next = isSecure ? dialTls() : dial();
        next.write(REQUEST);
        await accepted(2);
        assert.deepEqual(numbers(), [2, 1, 2]);
        const connected = once(server, 'connection');
        slow.destroy();
        await connected;
        assert.equal(server.stats.overHandshakes, 1);
      });
    }

    it('maxConnectionsPerAddress: of the addresses that a trusted proxy tells', async () => {
      await start({ maxConnectionsPerAddress: 1, trustedProxies: ['unix'] });
      const request = upgradeRequest({ 'X-Forwarded-For': '192.0.2.1' });
      const first = dial();
      const connected = once(server, 'connection') as Promise<[WebSocket]>;
      first.write(request);
      const [socket] = await connected;
      assert.match(await exchange(dial(), request), /^HTTP\/1\.1 429 /);
      assert.deepEqual(counted(), { overLimitPerAddress: 1 });
      await open(); // of no address
      const closed = once(socket, 'close');
      first.destroy();
      await closed;
      while (server.stats.connections > 1) await new Promise(setImmediate);
      assert.match(await head(dial(), request), /^HTTP\/1\.1 101 /);
    });
  });

  describe('TLS', () => {
    it('clients without a valid certificate are turned away, and counted', async () => {
      await start({ ...TLS, ca, requestCert: true });
      for (const options of [{}, { cert: strangerClient.cert, key: strangerClient.key }]) {
        const socket = dialTls(options);
        socket.write(REQUEST);
        await new Promise((resolve) => socket.once('close', resolve));
      }
      dial().write('no TLS at all\r\n\r\n');
      while (server.stats.connections > 0 || server.stats.accepted < 3)
        await new Promise(setImmediate);
      assert.deepEqual(counted(), { tlsFailures: 3 });
    });

    it('takes a certificate and a key as DER', async () => {
      const cert = new X509Certificate(identity.cert).raw;
      for (const type of ['pkcs8', 'sec1'] as const) {
        const key = createPrivateKey(identity.key).export({ format: 'der', type });
        await start({ cert, key });
        await open(dialTls());
        for (const peer of peers.splice(0)) (peer as TLSSocket).destroy();
        await new Promise((resolve) => server.close(resolve));
      }
    });

    it('no session gets past a certificate that is asked for since', async () => {
      const ticketKeys = randomBytes(96);
      await start({ ...TLS, ticketKeys });
      const socket = dialTls();
      const session = once(socket, 'session') as Promise<[Buffer]>;
      await open(socket);
      const [ticket] = await session;
      const again = dialTls({ session: ticket });
      await open(again);
      assert.equal(again.isSessionReused(), true);
      server.setSecureContext({ ...TLS, ticketKeys, ca, requestCert: true });
      const refused = dialTls({ session: ticket });
      refused.write(REQUEST);
      await new Promise((resolve) => refused.once('close', resolve));
      assert.deepEqual(counted(), { tlsFailures: 1 });
      assert.deepEqual(numbers(), [2, 0, 3]);
    });

    it('setSecureContext: another certificate for who comes then', async () => {
      await start({ ...TLS });
      const [before] = await open(dialTls());
      const { cert, key } = wrongHost;
      server.setSecureContext({ cert, key });
      const [after] = await open(dialTls({ servername: 'wrong.example' }));
      const nameOf = (socket: TLSSocket): string =>
        socket.getPeerCertificate().subjectaltname ?? '';
      assert.match(nameOf(before), /localhost/);
      assert.match(nameOf(after), /wrong\.example/);
      assert.throws(() => server.setSecureContext({ cert, key: identity.key }), {
        code: /^ERR_TLS_/,
      });
    });
  });

  describe('the end', () => {
    it('close() waits for the WebSockets, and answers 503 meanwhile; the name is free then', async () => {
      for (let i = 0; i < 2; ++i) {
        await start();
        assert.equal(server.address(), place.path);
        assert.equal(server.fd, undefined);
        const [first, socket] = await open();
        const late = dial();
        dial(); // says nothing
        await accepted(3);
        let isClosed = false;
        const closed = new Promise<Error | undefined>((resolve) => server.close(resolve));
        void closed.then(() => (isClosed = true));
        assert.equal(server.address(), null);
        assert.match(await exchange(late, REQUEST), /^HTTP\/1\.1 503 /);
        assert.equal(isClosed, false);
        const ended = once(socket, 'close');
        first.destroy();
        await ended;
        assert.equal(await closed, undefined);
        assert.deepEqual(numbers(), [0, 0, 3]);
      }
    });

    it('drain() lets in who is in the middle of the handshake, and closes it', async () => {
      await start();
      const socket = dial();
      socket.write(REQUEST.slice(0, 30));
      await accepted(1);
      const closed = once(server, 'close');
      const drained = server.drain({ spread: 0 });
      let answer = '';
      socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
      const end = once(socket, 'end');
      socket.write(REQUEST.slice(30));
      while (!answer.includes('\r\n\r\n')) await once(socket, 'data');
      assert.match(answer, /^HTTP\/1\.1 101 /);
      // A Close frame with 1001, masked.
      socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
      await end;
      assert.ok(answer.endsWith('\x88\x02\x03\xe9'), JSON.stringify(answer));
      assert.equal((await drained).terminated, 0);
      await closed;
      assert.deepEqual(numbers(), [0, 0, 1]);
    });

    it('drain() closes all, cuts off who is left at the deadline, and `close` follows', async () => {
      await start();
      await open();
      const willing = client();
      await once(willing, 'open');
      const order: string[] = [];
      const closed = once(server, 'close').then(() => order.push('close'));
      const result = await server.drain({ spread: 0, deadline: 50 });
      order.push('drained');
      await closed;
      assert.deepEqual(result, { closed: 1, left: 0, terminated: 1 });
      assert.deepEqual(order, ['drained', 'close']);
    });

    it('drain() does not wait longer than the deadline for a handshake', async () => {
      await start();
      dial();
      await accepted(1);
      const closed = once(server, 'close');
      const result = await server.drain({ spread: 0, deadline: 50 });
      assert.deepEqual(result, { closed: 0, left: 0, terminated: 0 });
      await closed;
    });

    it('counts each connection once', async () => {
      await start();
      const [, first] = await open();
      await open();
      assert.deepEqual(numbers(), [2, 0, 2]);
      assert.match(server.metrics(), /^verawebsockets_connections 2$/m);
      const closed = once(first, 'close');
      first.terminate();
      await closed;
      while (server.stats.connections > 1) await new Promise(setImmediate);
      assert.deepEqual(numbers(), [1, 0, 2]);
      assert.match(server.metrics(), /^verawebsockets_connections_opened_total 2$/m);
      assert.deepEqual(counted(), {});
    });

    it('unref() lets the process end', async () => {
      const result = await runChild(
        `const { paths } = require(args.listeners);
        paths.arePipes = true;
        const server = new lib.WebSocketServer({ port: args.path }, () => {
          const holds = () => process.getActiveResourcesInfo().includes('PipeWrap');
          server._server.unref().ref();
          console.log(server._server.constructor.name, holds());
          server._server.unref();
        });`,
        {
          args: {
            path: place.path,
            listeners: join(dirname(libraryPath), 'server', 'listeners.js'),
          },
        },
      );
      assert.deepEqual(
        [result.code, result.signal, result.stdout.trim(), result.stderr],
        [0, null, 'PipeListener true', ''],
      );
      await start(); // for afterEach()
    });
  });

  describe('errors', () => {
    it('a name that is taken: the one of Node.js', async () => {
      const first = createServer().listen(place.path);
      await once(first, 'listening');
      const second = createServer().listen(place.path);
      const [expected] = (await once(second, 'error')) as [NodeJS.ErrnoException];
      server = new WebSocketServer({ port: place.path });
      const [error] = (await once(server, 'error')) as [NodeJS.ErrnoException];
      const { code, errno, syscall, message } = error;
      assert.deepEqual(
        [code, errno, syscall, message],
        ['EADDRINUSE', expected.errno, 'listen', expected.message],
      );
      assert.equal(server.address(), null);
      first.close();
      await once(first, 'close');
    });

    const UNSUPPORTED: readonly [string, ServerOptions][] = [
      ['reusePort', { reusePort: true }],
      ['proxyProtocol', { proxyProtocol: true }],
      ['proxyProtocol', { proxyProtocol: ['192.0.2.1', 'unix'] }],
      ['serverNames', { ...TLS, serverNames: { 'example.com': TLS } }],
      ['ocspResponse', { ...TLS, ocspResponse: Buffer.of(1) }],
    ];
    it('options that cannot be had there', async () => {
      for (const [name, options] of UNSUPPORTED) {
        assert.throws(() => new WebSocketServer({ port: place.path, ...options }), {
          name: 'TypeError',
          code: 'ERR_UNSUPPORTED_OPTION',
          field: `options.${name}`,
          message: new RegExp(`^options\\.${name} cannot be had on a named pipe: `),
        });
      }
      // It concerns nobody who comes by a pipe.
      await start({ proxyProtocol: ['192.0.2.1'] });
      assert.equal(server.address(), place.path);
    });

    it('certificates and keys that cannot be used', async () => {
      const wrong = { cert: identity.cert, key: person.key };
      assert.throws(() => new WebSocketServer({ port: place.path, ...wrong }), {
        code: /^ERR_TLS_/,
      });
      await start();
    });
  });
});
