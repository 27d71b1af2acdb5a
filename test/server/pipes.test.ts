/** Servers on named pipes: their messages, TLS, end, and errors. */
import { strict as assert } from 'node:assert';
import { createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';
import { once, type EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import type { ServerOptions, VerifyInfo, WebSocket } from '../../lib';
import { certificates } from '../support/certificates';
import { runChild } from '../support/child';
import { text } from '../support/frames';
import { libraryPath } from '../support/root';
import { finishAndBeClosed } from './support/late';
import { PipeFixture, untilClosed } from './support/pipe';
import { exchange, upgradeRequest } from './support/ways';

const REQUEST = upgradeRequest();
const { ca, server: identity, client: person, strangerClient, wrongHost } = certificates();
const TLS = { cert: identity.cert, key: identity.key };

/** 'listening', or what there is instead. */
function outcomeOf(emitter: EventEmitter): Promise<unknown> {
  return new Promise((resolve) => {
    emitter.once('listening', () => resolve('listening'));
    emitter.once('error', ({ code, errno, syscall, message }: NodeJS.ErrnoException) => {
      resolve({ code, errno, syscall, message });
    });
  });
}

describe('a server on a named pipe', () => {
  const pipe = PipeFixture.use();

  describe('messages', () => {
    const COMPRESSION = [false, { threshold: 0 }] as const;
    for (const isSecure of [false, true]) {
      for (const perMessageDeflate of COMPRESSION) {
        const what = `${isSecure ? 'TLS with a client certificate' : 'plain'}, ${
          perMessageDeflate ? 'compressed' : 'not compressed'
        }`;
        it(`text, bytes and a mebibyte there and back: ${what}`, async () => {
          await pipe.start({
            perMessageDeflate,
            ...(isSecure && { ...TLS, ca, requestCert: true }),
          });
          const connected = once(pipe.server, 'connection') as Promise<
            [WebSocket, IncomingMessage]
          >;
          const { cert, key } = person;
          const tls = { ca, servername: 'localhost', cert, key };
          const socket = isSecure ? pipe.client(tls, 'wss') : pipe.client();
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
          assert.equal(pipe.server.clientAddress(request), undefined);
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

    for (const isSecure of [false, true]) {
      it(`one that comes while verifyClient thinks${isSecure ? ', over TLS' : ''}`, async () => {
        let accept: (() => void) | undefined;
        const verifyClient = (_: VerifyInfo, callback: (verified: boolean) => void): void => {
          accept = () => callback(true);
        };
        await pipe.start({ verifyClient, ...(isSecure && TLS) });
        const socket = isSecure ? pipe.dialTls() : pipe.dial();
        socket.write(REQUEST);
        while (accept === undefined) await new Promise(setImmediate);
        const mask = { mask: Buffer.of(1, 2, 3, 4) };
        await new Promise((resolve) => socket.write(text('meanwhile', mask), resolve));
        const connected = once(pipe.server, 'connection') as Promise<[WebSocket]>;
        accept();
        const [data] = (await once((await connected)[0], 'message')) as [Buffer];
        assert.equal(String(data), 'meanwhile');
      });
    }

    it('one that comes together with the request', async () => {
      await pipe.start();
      const connected = once(pipe.server, 'connection') as Promise<[WebSocket]>;
      const mask = { mask: Buffer.of(1, 2, 3, 4) };
      pipe.dial().write(Buffer.concat([Buffer.from(REQUEST), text('early', mask)]));
      const [data] = (await once((await connected)[0], 'message')) as [Buffer];
      assert.equal(String(data), 'early');
    });
  });

  describe('TLS', () => {
    it('clients without a valid certificate are turned away, and counted', async () => {
      await pipe.start({ ...TLS, ca, requestCert: true });
      for (const options of [{}, { cert: strangerClient.cert, key: strangerClient.key }]) {
        const socket = pipe.dialTls(options);
        socket.write(REQUEST);
        await untilClosed(socket);
      }
      pipe.dial().write('no TLS at all\r\n\r\n');
      await pipe.when(({ accepted, connections }) => accepted === 3 && connections === 0);
      assert.deepEqual(pipe.excesses, { tlsFailures: 3 });
    });

    it('clients that go without reading why they are refused', async () => {
      await pipe.start({ ...TLS });
      const requests = [
        upgradeRequest({ Host: undefined }),
        'CONNECT h:1 HTTP/1.1\r\n\r\n',
        'x\r\n',
      ];
      for (const request of requests) {
        const socket = pipe.dialTls();
        await once(socket, 'secureConnect');
        socket.write(request, () => socket.destroy());
      }
      await pipe.when(({ accepted, connections }) => accepted === 3 && connections === 0);
      assert.deepEqual(pipe.excesses, { malformed: 3 });
    });

    it('takes a certificate and a key as DER', async () => {
      const cert = new X509Certificate(identity.cert).raw;
      for (const type of ['pkcs8', 'sec1'] as const) {
        const key = createPrivateKey(identity.key).export({ format: 'der', type });
        await pipe.start({ cert, key });
        await pipe.open(pipe.dialTls());
        await pipe.close();
      }
    });

    it('no session gets past a certificate that is asked for since', async () => {
      const ticketKeys = randomBytes(96);
      await pipe.start({ ...TLS, ticketKeys });
      const socket = pipe.dialTls();
      const session = once(socket, 'session') as Promise<[Buffer]>;
      await pipe.open(socket);
      const [ticket] = await session;
      const again = pipe.dialTls({ session: ticket });
      await pipe.open(again);
      assert.equal(again.isSessionReused(), true);
      pipe.server.setSecureContext({ ...TLS, ticketKeys, ca, requestCert: true });
      const refused = pipe.dialTls({ session: ticket });
      refused.write(REQUEST);
      await untilClosed(refused);
      assert.deepEqual(pipe.excesses, { tlsFailures: 1 });
      assert.deepEqual(pipe.numbers, [2, 0, 3]);
    });

    it('setSecureContext: another certificate for who comes then', async () => {
      await pipe.start({ ...TLS });
      const [before] = await pipe.open(pipe.dialTls());
      const { cert, key } = wrongHost;
      pipe.server.setSecureContext({ cert, key });
      const [after] = await pipe.open(pipe.dialTls({ servername: 'wrong.example' }));
      const nameOf = (socket: TLSSocket): string =>
        socket.getPeerCertificate().subjectaltname ?? '';
      assert.match(nameOf(before), /localhost/);
      assert.match(nameOf(after), /wrong\.example/);
      assert.throws(() => pipe.server.setSecureContext({ cert, key: identity.key }), {
        code: /^ERR_TLS_/,
      });
    });
  });

  describe('the end', () => {
    it('close() waits for the WebSockets, and answers 503 meanwhile; the name is free then', async () => {
      for (let i = 0; i < 2; ++i) {
        await pipe.start();
        assert.equal(pipe.server.address(), pipe.path);
        assert.equal(pipe.server.fd, undefined);
        const [first, socket] = await pipe.open();
        const late = pipe.dial();
        pipe.dial(); // says nothing
        await pipe.when(({ accepted }) => accepted === 3);
        let isClosed = false;
        const closed = new Promise<Error | undefined>((resolve) => pipe.server.close(resolve));
        void closed.then(() => (isClosed = true));
        assert.equal(pipe.server.address(), null);
        assert.match(await exchange(late, REQUEST), /^HTTP\/1\.1 503 /);
        assert.equal(isClosed, false);
        const ended = once(socket, 'close');
        first.destroy();
        await ended;
        assert.equal(await closed, undefined);
        assert.deepEqual(pipe.numbers, [0, 0, 3]);
      }
    });

    it('close() answers those as well that wait for others, and looks at each of them a few times only', async () => {
      const count = 60;
      await pipe.start({ maxHandshakes: 10 });
      const peers = Array.from({ length: count }, () => pipe.dial());
      await pipe.when(({ accepted }) => accepted === count);
      const answers = peers.map(untilClosed);
      const { prototype } = Set as unknown as { prototype: Set<unknown> };
      const iterate = prototype[Symbol.iterator];
      let looks = 0;
      prototype[Symbol.iterator] = function* (this: Set<unknown>) {
        for (const one of iterate.call(this)) {
          looks += 1;
          yield one;
        }
      } as typeof iterate;
      try {
        await new Promise((resolve) => pipe.server.close(resolve));
      } finally {
        prototype[Symbol.iterator] = iterate;
      }
      for (const answer of await Promise.all(answers)) assert.match(answer, /^HTTP\/1\.1 503 /);
      assert.ok(looks < 5 * count, `${looks} looks`);
    });

    it('drain() lets in who is in the middle of the handshake, and closes it', async () => {
      await pipe.start();
      const socket = pipe.dial();
      socket.write(REQUEST.slice(0, 30));
      await pipe.when(({ accepted }) => accepted === 1);
      const closed = once(pipe.server, 'close');
      const drained = pipe.server.drain({ spread: 0 });
      await finishAndBeClosed(socket, REQUEST.slice(30));
      assert.equal((await drained).terminated, 0);
      await closed;
      assert.deepEqual(pipe.numbers, [0, 0, 1]);
    });

    it('drain() closes all, cuts off who is left at the deadline, and `close` follows', async () => {
      await pipe.start();
      await pipe.open();
      const willing = pipe.client();
      await once(willing, 'open');
      const order: string[] = [];
      const closed = once(pipe.server, 'close').then(() => order.push('close'));
      const result = await pipe.server.drain({ spread: 0, deadline: 500 });
      order.push('drained');
      await closed;
      assert.deepEqual(result, { closed: 1, left: 0, terminated: 1 });
      assert.deepEqual(order, ['drained', 'close']);
    });

    it('drain() does not wait longer than the deadline for a handshake', async () => {
      await pipe.start();
      pipe.dial();
      await pipe.when(({ accepted }) => accepted === 1);
      const closed = once(pipe.server, 'close');
      const result = await pipe.server.drain({ spread: 0, deadline: 50 });
      assert.deepEqual(result, { closed: 0, left: 0, terminated: 0 });
      await closed;
    });

    it('counts each connection once', async () => {
      await pipe.start();
      const [, first] = await pipe.open();
      await pipe.open();
      assert.deepEqual(pipe.numbers, [2, 0, 2]);
      assert.match(pipe.server.metrics(), /^verawebsockets_connections 2$/m);
      const closed = once(first, 'close');
      first.terminate();
      await closed;
      await pipe.when(({ connections }) => connections === 1);
      assert.deepEqual(pipe.numbers, [1, 0, 2]);
      assert.match(pipe.server.metrics(), /^verawebsockets_connections_opened_total 2$/m);
      assert.deepEqual(pipe.excesses, {});
    });

    it('unref() lets the process end', async () => {
      const result = await runChild(
        `const { paths } = require(args.listeners);
        paths.arePipes = true;
        const server = new lib.WebSocketServer({ port: args.path }, () => {
          const listener = server._server;
          const held = () => process.getActiveResourcesInfo().length;
          listener.unref();
          const without = held();
          listener.ref();
          console.log(listener.constructor.name, held() - without);
          listener.unref();
        });`,
        {
          args: {
            path: pipe.path,
            listeners: join(dirname(libraryPath), 'server', 'listeners.js'),
          },
        },
      );
      assert.deepEqual(
        [result.code, result.signal, result.stdout.trim(), result.stderr],
        [0, null, 'PipeListener 1', ''],
      );
    });
  });

  describe('errors', () => {
    it('a name that is taken: the one of Node.js', async () => {
      await pipe.start();
      // Under Wine it is no error.
      const second = createServer().listen(pipe.path);
      const expected = await outcomeOf(second);
      const third = pipe.make();
      assert.deepEqual(await outcomeOf(third), expected);
      if (process.platform !== 'win32') {
        assert.equal((expected as NodeJS.ErrnoException).code, 'EADDRINUSE');
        assert.equal(third.address(), null);
      }
      await new Promise((resolve) => second.close(resolve));
    });

    it('a name that cannot be had: the one of Node.js', async () => {
      const port = join(tmpdir(), 'not', 'there');
      const expected = await outcomeOf(createServer().listen(port));
      assert.equal((expected as NodeJS.ErrnoException).code, 'EACCES');
      const server = pipe.make({ port });
      assert.deepEqual(await outcomeOf(server), expected);
      assert.equal(server.address(), null);
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
        assert.throws(() => pipe.make(options), {
          name: 'TypeError',
          code: 'ERR_UNSUPPORTED_OPTION',
          field: `options.${name}`,
          message: new RegExp(`^options\\.${name} cannot be had on a named pipe: `),
        });
      }
      // It concerns nobody who comes by a pipe.
      await pipe.start({ proxyProtocol: ['192.0.2.1'] });
      assert.equal(pipe.server.address(), pipe.path);
    });

    it('certificates and keys that cannot be used', () => {
      const wrong = { cert: identity.cert, key: person.key };
      assert.throws(() => pipe.make(wrong), {
        code: /^ERR_TLS_/,
      });
    });
  });
});
