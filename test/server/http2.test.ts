/** WebSockets over HTTP/2 (RFC 8441), on Node's http2 servers, with Node's http2 client. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import * as http2 from 'node:http2';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { inflateRawSync } from 'node:zlib';
import { WebSocket, WebSocketServer, type ServerOptions } from '../../lib';
import { certificates } from '../support/certificates';
import { upgradeRequest } from './support/ways';

type AnyServer = http2.Http2Server | http2.Http2SecureServer;
type Headers = http2.OutgoingHttpHeaders;

const { NGHTTP2_CANCEL, NGHTTP2_NO_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants;

describe('server: WebSockets over HTTP/2', () => {
  let web: AnyServer;
  let server: WebSocketServer;
  let session: ClientHttp2Session;

  async function listen(made: AnyServer): Promise<void> {
    web = made;
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const { port } = web.address() as AddressInfo;
    const { ca, client } = certificates();
    const secure = 'setSecureContext' in web;
    session = http2.connect(`${secure ? 'https' : 'http'}://localhost:${port}`, {
      ca,
      cert: client.cert,
      key: client.key,
      lookup: (_name, _options, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]),
    } as http2.SecureClientSessionOptions);
    await once(session, 'remoteSettings');
  }

  async function start(
    options: ServerOptions = {},
    made: AnyServer = http2.createServer(),
  ): Promise<void> {
    server = new WebSocketServer({ ...options, server: made });
    await listen(made);
  }

  /** Asks for a WebSocket. */
  function ask(headers: Headers = {}): ClientHttp2Stream {
    const all: Headers = {
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      'sec-websocket-version': '13',
      ...headers,
    };
    for (const name of Object.keys(all)) if (all[name] === undefined) delete all[name];
    return session.request(all).on('error', () => undefined);
  }

  async function answerTo(
    headers: Headers = {},
  ): Promise<{ head: IncomingHttpHeaders; body: string }> {
    const stream = ask(headers);
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    let body = '';
    for await (const chunk of stream) body += String(chunk);
    return { head, body };
  }

  interface Both {
    client: WebSocket;
    socket: WebSocket;
    request: IncomingMessage;
    stream: ClientHttp2Stream;
    head: IncomingHttpHeaders;
  }

  /** A socket of each side. The client's is this library's, over the stream of Node's client. */
  async function open(headers: Headers = {}): Promise<Both> {
    const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
    const stream = ask(headers);
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.equal(head[':status'], 200);
    const client = new WebSocket(null);
    Object.assign(client, { _isServer: false });
    client.setSocket(stream, Buffer.alloc(0));
    const [socket, request] = await connected;
    return { client, socket, request, stream, head };
  }

  afterEach(async () => {
    session.destroy();
    for (const socket of server.clients ?? []) socket.terminate();
    const closed = once(web, 'close');
    server.close();
    web.close();
    await closed;
  });

  it('tells clients that they may ask', async () => {
    await start();
    assert.equal(session.remoteSettings.enableConnectProtocol, true);
    const stream = ask();
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.deepEqual(
      Object.keys(head).filter((name) => name !== 'date'),
      [':status'],
    );
    stream.close();
  });

  for (const size of [0, 1, 125, 1000, 70_000, 3_000_000]) {
    it(`carries messages of ${size} bytes both ways`, async () => {
      await start();
      const { client, socket } = await open();
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      const text = 'é'.repeat(size / 2);
      const binary = Buffer.alloc(size, 'x');
      for (const message of [text, binary]) {
        client.send(message);
        const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
        assert.ok(data.equals(Buffer.from(message as string)));
        assert.equal(isBinary, message === binary);
      }
    });
  }

  it('carries many messages in order, and several sockets on one connection', async () => {
    await start();
    server.on('connection', (socket: WebSocket) => {
      socket.on('message', (data) => socket.send(data));
    });
    const run = async (name: string): Promise<void> => {
      const { client } = await open();
      for (let i = 0; i < 1000; ++i) client.send(`${name} ${i}`);
      let next = 0;
      for await (const message of client) {
        assert.equal(String(message), `${name} ${next++}`);
        if (next === 1000) client.close();
      }
      assert.equal(next, 1000);
    };
    await run('alone');
    const first = run('first');
    await once(server, 'connection');
    await Promise.all([first, run('second')]);
  });

  for (const [who, other] of [
    ['client', 'socket'],
    ['socket', 'client'],
  ] as const) {
    it(`a close code of the ${who} arrives`, async () => {
      await start();
      const both = await open();
      const ends = [once(both.client, 'close'), once(both.socket, 'close')];
      both[who].close(3456, 'so');
      for (const [code, reason] of (await Promise.all(ends)) as [number, Buffer][]) {
        assert.deepEqual([code, String(reason)], [3456, 'so']);
      }
      assert.equal(both[other].readyState, WebSocket.CLOSED);
      if (!both.stream.closed) await once(both.stream, 'close');
      assert.equal(both.stream.rstCode, NGHTTP2_NO_ERROR);
    });
  }

  it('pings are answered', async () => {
    await start();
    const { client, socket } = await open();
    socket.ping('x');
    assert.equal(String((await once(client, 'ping'))[0]), 'x');
    assert.equal(String((await once(socket, 'pong'))[0]), 'x');
  });

  it('terminate() resets the stream', async () => {
    await start();
    const { stream, client, socket } = await open();
    const closed = once(client, 'close');
    socket.terminate();
    assert.equal((await closed)[0], 1006);
    if (!stream.closed) await once(stream, 'close');
    assert.equal(stream.rstCode, NGHTTP2_CANCEL);
    assert.equal(session.destroyed, false);
  });

  it('a stream that is reset has ended with 1006', async () => {
    await start();
    const { stream, socket } = await open();
    const closed = once(socket, 'close');
    stream.close(NGHTTP2_CANCEL);
    assert.equal((await closed)[0], 1006);
  });

  it('so has one whose connection has ended, and its request can still be asked', async () => {
    await start();
    const { socket, request } = await open();
    assert.equal(request.socket.remoteAddress, '127.0.0.1');
    const closed = once(socket, 'close');
    session.destroy();
    assert.equal((await closed)[0], 1006);
    assert.equal(request.socket.remoteAddress, undefined);
    assert.equal(request.socket.destroyed, true);
    assert.equal(server.clientAddress(request), undefined);
  });

  it('a breach of the protocol is answered with a Close frame', async () => {
    await start();
    const { client, stream, socket } = await open();
    const failed = once(socket, 'error') as Promise<[Error]>;
    const closed = once(client, 'close');
    // A frame without a mask. The client's socket would not send it.
    stream.write(Buffer.of(0x81, 1, 65));
    assert.match((await failed)[0].message, /MASK must be set/);
    assert.equal((await closed)[0], 1002);
  });

  it('the request is as it would be over HTTP/1.1', async () => {
    await start();
    const { request } = await open({
      ':path': '/x?y=1',
      ':authority': 'example.com',
      origin: 'https://example.com',
      cookie: ['a=1', 'b=2'],
      'x-twice': ['1', '2'],
    });
    assert.equal(request.url, '/x?y=1');
    assert.equal(request.method, 'CONNECT');
    assert.equal(request.httpVersion, '2.0');
    assert.equal(request.httpVersionMajor, 2);
    assert.deepEqual(request.headers, {
      host: 'example.com',
      origin: 'https://example.com',
      cookie: 'a=1; b=2',
      'x-twice': '1, 2',
      'sec-websocket-version': '13',
    });
    assert.ok(request.rawHeaders.includes('https://example.com'));
    assert.equal(request.socket.remoteAddress, '127.0.0.1');
    assert.equal(server.clientAddress(request), '127.0.0.1');
    assert.equal(request.complete, true);
  });

  it('_socket has the addresses of the connection', async () => {
    await start();
    const { socket } = await open();
    const { _socket: view } = socket as unknown as { _socket: Socket };
    assert.equal(view.remoteAddress, '127.0.0.1');
    assert.equal(view.localPort, (web.address() as AddressInfo).port);
    view.setNoDelay(true);
    view.setKeepAlive(true);
  });

  it('chooses a subprotocol, and tells it', async () => {
    await start({ handleProtocols: (protocols) => [...protocols].at(-1) });
    const { socket, head } = await open({ 'sec-websocket-protocol': 'foo, bar' });
    assert.equal(head['sec-websocket-protocol'], 'bar');
    assert.equal(socket.protocol, 'bar');
  });

  it('compresses', async () => {
    await start({ perMessageDeflate: { threshold: 0 } });
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const stream = ask({
      'sec-websocket-extensions': 'permessage-deflate; server_no_context_takeover',
    });
    const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
    assert.match(String(head['sec-websocket-extensions']), /^permessage-deflate/);
    const [socket] = await connected;
    socket.send('hello hello hello hello');
    const [frame] = (await once(stream, 'data')) as [Buffer];
    assert.equal(frame[0], 0xc1);
    const end = Buffer.of(0, 0, 0xff, 0xff);
    const deflated = Buffer.concat([frame.subarray(2), end]);
    const text = inflateRawSync(deflated, { finishFlush: 2 }).toString();
    assert.equal(text, 'hello hello hello hello');
  });

  it('listeners of headers add to the answer', async () => {
    await start();
    server.on('headers', (lines: string[], request: IncomingMessage) => {
      assert.equal(lines[0], 'HTTP/2 200');
      lines.push(
        'Set-Cookie: a=1',
        'Set-Cookie: b=é',
        `X-Path:${request.url}`,
        'Connection: close',
        'Constructor: as any other',
      );
    });
    const { head } = await open();
    assert.equal(head['constructor'], 'as any other');
    assert.deepEqual(head['set-cookie'], ['a=1', `b=${Buffer.from('é').toString('latin1')}`]);
    assert.equal(head['x-path'], '/');
    assert.equal(head.connection, undefined);
  });

  const REFUSED: readonly [string, ServerOptions, Headers, number, string][] = [
    [
      'an unknown version',
      {},
      { 'sec-websocket-version': '7' },
      400,
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    [
      'no version',
      {},
      { 'sec-websocket-version': undefined },
      400,
      'Missing or invalid Sec-WebSocket-Version header',
    ],
    ['another path', { path: '/foo' }, { ':path': '/bar' }, 400, 'Bad Request'],
    [
      'malformed subprotocols',
      {},
      { 'sec-websocket-protocol': 'a;b' },
      400,
      'Invalid Sec-WebSocket-Protocol header',
    ],
    [
      'malformed extensions',
      { perMessageDeflate: true },
      { 'sec-websocket-extensions': 'permessage-deflate; server_max_window_bits=x' },
      400,
      'Invalid or unacceptable Sec-WebSocket-Extensions header',
    ],
    [
      'another origin',
      { origins: ['https://a.com'] },
      { origin: 'https://b.com' },
      403,
      'Forbidden',
    ],
    ['verifyClient', { verifyClient: () => false }, {}, 401, 'Unauthorized'],
    [
      'verifyClient, later',
      {
        verifyClient: (_, callback) => {
          setImmediate(() =>
            callback(false, 404, 'nobody', { 'Content-Type': 'text/x', 'X-A': 1 }),
          );
        },
      },
      {},
      404,
      'nobody',
    ],
  ];
  for (const [what, options, headers, status, body] of REFUSED) {
    it(`${status}: ${what}`, async () => {
      await start(options);
      server.on('connection', () => assert.fail('accepted'));
      const answer = await answerTo(headers);
      assert.equal(answer.head[':status'], status);
      assert.equal(answer.body, body);
      const type = status === 404 ? 'text/x' : 'text/html';
      assert.equal(answer.head['content-type'], type);
      if (status === 404) assert.equal(answer.head['x-a'], '1');
      const versions = body.includes('Version') ? '13, 8' : undefined;
      assert.equal(answer.head['sec-websocket-version'], versions);
    });
  }

  it('503 when the server has closed meanwhile', async () => {
    await start({
      verifyClient: (_, callback) => {
        server.close();
        callback(true);
      },
    });
    assert.equal((await answerTo()).head[':status'], 503);
  });

  it('a client that has gone while it was looked at is not accepted', async () => {
    let decide: ((verified: boolean) => void) | undefined;
    await start({ verifyClient: (_, callback) => (decide = callback) });
    server.on('connection', () => assert.fail('accepted'));
    for (const verified of [true, false]) {
      const arrived = once(web, 'stream') as Promise<[http2.ServerHttp2Stream]>;
      const stream = ask();
      const [seen] = await arrived;
      stream.close(NGHTTP2_CANCEL);
      if (!seen.closed) await once(seen, 'close');
      decide?.(verified);
    }
  });

  it('a listener of wsClientError answers instead', async () => {
    await start();
    server.on('wsClientError', (error: Error, stream: http2.ServerHttp2Stream) => {
      stream.respond({ ':status': 418 });
      stream.end(error.message);
    });
    const { head, body } = await answerTo({ 'sec-websocket-version': '7' });
    assert.equal(head[':status'], 418);
    assert.equal(body, 'Missing or invalid Sec-WebSocket-Version header');
  });

  it('beside requests, with the compatibility API', async () => {
    await start(
      {},
      http2.createServer((request, response) => response.end(`hello ${request.url}`)),
    );
    const plain = session.request({ ':path': '/a' });
    assert.equal(String((await once(plain, 'data'))[0]), 'hello /a');
    const { client, socket } = await open();
    client.send('x');
    assert.equal(String((await once(socket, 'message'))[0]), 'x');
    const tunnel = session.request({ ':method': 'CONNECT', ':authority': 'example.com:80' });
    const [head] = (await once(tunnel, 'response')) as [IncomingHttpHeaders];
    assert.equal(head[':status'], 405);
  });

  it('where nobody listens for requests they are refused', async () => {
    await start();
    const plain = session.request({ ':path': '/a' }).on('error', () => undefined);
    await new Promise((resolve) => plain.once('close', resolve));
    assert.equal(plain.rstCode, NGHTTP2_REFUSED_STREAM);
  });

  it('noServer: handleStream()', async () => {
    server = new WebSocketServer({ noServer: true });
    const made = http2.createServer({ settings: { enableConnectProtocol: true } });
    made.on('stream', (stream, headers) => {
      if (headers[':protocol'] === 'websocket') {
        server.handleStream(stream, headers, (socket, request) => {
          server.emit('connection', socket, request);
        });
      } else stream.respond({ ':status': 404 }, { endStream: true });
    });
    await listen(made);
    const { client, socket } = await open();
    client.send('x');
    assert.equal(String((await once(socket, 'message'))[0]), 'x');
  });

  it('over TLS, with the client’s certificate, and HTTP/1.1 beside it', async () => {
    const { cert, key } = certificates().server;
    const tls = { cert, key, ca: certificates().ca, requestCert: true, allowHTTP1: true };
    let secure: boolean | undefined;
    const verifyClient = (info: { secure: boolean }): boolean => (secure = info.secure);
    await start({ verifyClient }, http2.createSecureServer(tls));
    const { request, client, socket } = await open();
    assert.equal(secure, true);
    const facts = request.socket as TLSSocket;
    assert.equal(facts.encrypted, true);
    assert.equal(facts.authorized, true);
    assert.ok(facts.getPeerCertificate().subject.CN);
    assert.equal(facts.alpnProtocol, 'h2');
    client.send('x');
    assert.equal(String((await once(socket, 'message'))[0]), 'x');
    const { port } = web.address() as AddressInfo;
    const other = await WebSocket.connect(`wss://localhost:${port}`, {
      ca: certificates().ca,
      cert: certificates().client.cert,
      key: certificates().client.key,
    });
    other.terminate();
  });

  it('an upgrade of HTTP/1.1 on a server without TLS is none', async () => {
    await start();
    const socket = (await import('node:net')).connect(
      (web.address() as AddressInfo).port,
      '127.0.0.1',
    );
    socket.on('error', () => undefined).write(upgradeRequest());
    await new Promise((resolve) => (socket as Socket).resume().once('close', resolve));
    assert.equal(server.clients.size, 0);
  });

  it('close() leaves the http2 server and its streams', async () => {
    await start();
    const { client, socket } = await open();
    const closed = once(server, 'close');
    server.close();
    client.send('x');
    assert.equal(String((await once(socket, 'message'))[0]), 'x');
    assert.equal(web.listening, true);
    client.close();
    await closed;
  });
});
