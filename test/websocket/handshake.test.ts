/** The opening handshake: request, subprotocols, events with the response, redirects. */
import { strict as assert } from 'node:assert';
import type { IncomingMessage } from 'node:http';
import { ADDRCONFIG, lookup as dnsLookup } from 'node:dns';
import { closed, endSockets, failure, open, opening } from './support/sockets';
import { RawServer, type UpgradeRequest } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import {
  type ClientOptions,
  type HandshakeRequest,
  type HandshakeResponse,
  WebSocket,
} from '../../lib';

/** What a client asks for. */
async function requestOf(
  options: ClientOptions,
  credentials = '',
  path = '/path?query=1',
): Promise<UpgradeRequest> {
  let request: UpgradeRequest | undefined;
  const server = await RawServer.listen(async (connection) => {
    request = await connection.accept();
    await connection.closed;
  });
  const socket = await opening(open(`ws://${credentials}127.0.0.1:${server.port}${path}`, options));
  socket.terminate();
  await endSockets();
  await server.close();
  return request as UpgradeRequest;
}

/** A server that answers with a fixed response. */
function answering(...answers: string[]): Promise<RawServer> {
  let index = 0;
  return RawServer.listen(async (connection) => {
    await connection.readRequest();
    connection.write(answers[Math.min(index++, answers.length - 1)] as string);
    connection.end();
    await connection.closed;
  });
}

describe('WebSocket: handshake', () => {
  let server: WsServer;
  before(
    async () =>
      (server = await startWsServer({
        ws: { handleProtocols: (set) => [...set][1] ?? [...set][0] ?? false },
      })),
  );
  afterEach(endSockets);
  after(() => server.close());

  describe('request', () => {
    it('path and query, host and port', async () => {
      const { line, headers } = await requestOf({});
      assert.equal(line, 'GET /path?query=1 HTTP/1.1');
      assert.match(headers['host'] ?? '', /^127\.0\.0\.1:\d+$/);
      assert.equal(headers['sec-websocket-version'], '13');
      const names =
        'cache-control connection host pragma sec-websocket-extensions sec-websocket-key';
      assert.equal(Object.keys(headers).sort().join(' '), `${names} sec-websocket-version upgrade`);
    });

    it('headers, in their spelling, repeated ones too', async () => {
      const { headers, raw } = await requestOf({
        headers: {
          'X-Thing': 'a',
          'x-list': ['1', '2'],
          'X-Number': 7,
          Host: 'other.example',
          'User-Agent': 'test',
        },
      });
      assert.match(raw, /X-Thing: a\r\n/);
      assert.equal(headers['x-list'], '1, 2');
      assert.equal(headers['x-number'], '7');
      assert.equal(headers['host'], 'other.example');
      assert.equal(headers['user-agent'], 'test');
    });

    it('origin', async () => {
      const { headers } = await requestOf({
        origin: 'https://app.example',
        headers: { origin: 'https://other' },
      });
      assert.equal(headers['origin'], 'https://app.example');
    });

    const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
    it('auth of the options', async () => {
      assert.equal(
        (await requestOf({ auth: 'user:pässword' })).headers['authorization'],
        basic('user:pässword'),
      );
    });

    it('auth of the URL goes before that of the options', async () => {
      const { headers } = await requestOf({ auth: 'a:b' }, 'us%40er:p%3Aw@');
      assert.equal(headers['authorization'], basic('us@er:p:w'));
    });

    it('a header Authorization goes before both', async () => {
      const { headers } = await requestOf(
        { auth: 'a:b', headers: { authorization: 'Bearer x' } },
        'c:d@',
      );
      assert.equal(headers['authorization'], 'Bearer x');
    });

    it('perMessageDeflate: the offer', async () => {
      const offer = async (
        perMessageDeflate: ClientOptions['perMessageDeflate'],
      ): Promise<string | undefined> =>
        (await requestOf({ perMessageDeflate })).headers['sec-websocket-extensions'];
      assert.equal(await offer(undefined), 'permessage-deflate; client_max_window_bits');
      assert.equal(await offer(true), 'permessage-deflate; client_max_window_bits');
      assert.equal(await offer(false), undefined);
      assert.equal(await offer({ clientMaxWindowBits: false }), 'permessage-deflate');
      const all = await offer({
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 11,
        threshold: 10,
        concurrencyLimit: 4,
        zlibDeflateOptions: { level: 9, memLevel: 9, chunkSize: 1024 },
        zlibInflateOptions: { chunkSize: 1024 },
      });
      assert.deepEqual((all ?? '').split('; ').sort(), [
        'client_max_window_bits=11',
        'client_no_context_takeover',
        'permessage-deflate',
        'server_max_window_bits=10',
        'server_no_context_takeover',
      ]);
    });

    it('lookup resolves the name, with family and hints handed on', async () => {
      const asked: unknown[] = [];
      const socket = open(`ws://nowhere.invalid:${server.port}`, {
        family: 4,
        hints: ADDRCONFIG,
        lookup: (hostname, options, callback) => {
          asked.push(hostname, options.family, options.hints);
          dnsLookup('127.0.0.1', options as { all: true }, callback as never);
        },
      });
      await opening(socket);
      assert.deepEqual(asked, ['nowhere.invalid', 4, ADDRCONFIG]);
    });

    it('an error of lookup is the socket’s', async () => {
      const socket = open('ws://nowhere.invalid', {
        lookup: (_hostname, _options, callback) =>
          callback(Object.assign(new Error('no such name'), { code: 'ENOTFOUND' }), ''),
      });
      const error = await failure(socket);
      assert.equal(error.code, 'ENOTFOUND');
      assert.equal(error.message, 'getaddrinfo ENOTFOUND nowhere.invalid');
    });

    it('localAddress', async () => {
      let remote: string | undefined;
      const raw = await RawServer.listen(async (connection) => {
        remote = connection.socket.remoteAddress;
        await connection.accept();
        await connection.closed;
      });
      await opening(open(raw.url, { localAddress: '127.0.0.7' }));
      assert.equal(remote, '127.0.0.7');
      await endSockets();
      await raw.close();
    });

    it('finishRequest changes the headers before they are sent', async () => {
      const { headers } = await requestOf({
        headers: { 'X-Old': '1' },
        finishRequest: (request, websocket) => {
          assert.ok(websocket instanceof WebSocket);
          assert.equal(request.getHeader('x-old'), '1');
          request.removeHeader('X-Old');
          request.setHeader('X-New', '2');
          request.setHeader('Host', 'changed.example');
          setImmediate(() => request.end());
        },
      });
      assert.equal(headers['x-old'], undefined);
      assert.equal(headers['x-new'], '2');
      assert.equal(headers['host'], 'changed.example');
    });

    it('finishRequest may give up', async () => {
      const socket = open(server.url, {
        finishRequest: (request) => request.destroy(new Error('not today')),
      });
      assert.equal((await failure(socket)).message, 'not today');
    });
  });

  describe('subprotocols', () => {
    it('as a string, as an array, in the options', async () => {
      for (const [protocols, options, expected] of [
        ['one', {}, 'one'],
        [['one', 'two'], {}, 'two'],
        [undefined, { protocols: 'three' }, 'three'],
        [undefined, { protocols: ['three', 'four'] }, 'four'],
        ['one', { protocols: 'three' }, 'one'],
      ] as const) {
        const socket = await opening(
          open(server.url, protocols as string, options as ClientOptions),
        );
        assert.equal(socket.protocol, expected);
      }
    });

    it('takes the options as the second argument', async () => {
      const socket = await opening(open(server.url, { protocols: ['x', 'y'] }));
      assert.equal(socket.protocol, 'y');
    });

    it('refuses what is no token or doubled', () => {
      for (const protocols of ['a b', '', ['a', 'a'], ['ä'], 'a,b']) {
        assert.throws(() => new WebSocket(server.url, protocols), { name: 'SyntaxError' });
      }
      assert.throws(() => new WebSocket(server.url, [1] as unknown as string[]), TypeError);
    });

    for (const [name, offered, header, message] of [
      [
        'none of those offered',
        ['a'],
        'Sec-WebSocket-Protocol: b\r\n',
        'Server sent an invalid subprotocol',
      ],
      ['none at all', ['a'], '', 'Server sent no subprotocol'],
      [
        'one though none was offered',
        [],
        'Sec-WebSocket-Protocol: b\r\n',
        'Server sent a subprotocol but none was requested',
      ],
    ] as const) {
      it(`the server chooses ${name}`, async () => {
        const raw = await RawServer.listen(async (connection) => {
          await connection.accept({ headers: header ? [header.trim()] : [] });
          await connection.closed;
        });
        assert.equal((await failure(open(raw.url, [...offered]))).message, message);
        await raw.close();
      });
    }
  });

  describe('answers', () => {
    const refusal =
      'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n' +
      'X-Twice: 1\r\nX-Twice: 2\r\nContent-Length: 6\r\n\r\nsecret';

    it('upgrade gives the response, before open', async () => {
      const raw = await RawServer.listen(async (connection) => {
        await connection.accept({
          headers: ['X-Server: raw', 'Set-Cookie: a=1', 'Set-Cookie: b=2'],
        });
        await connection.closed;
      });
      const socket = open(raw.url);
      let response: HandshakeResponse | undefined;
      socket.on('upgrade', (incoming) => {
        assert.equal(socket.readyState, WebSocket.CONNECTING);
        response = incoming;
      });
      await opening(socket);
      const { headers, rawHeaders, statusCode, socket: connection } = response as IncomingMessage;
      assert.equal(statusCode, 101);
      assert.equal(headers['x-server'], 'raw');
      assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
      assert.ok(rawHeaders.includes('X-Server'));
      assert.equal(connection.remoteAddress, '127.0.0.1');
      assert.equal(connection.remotePort, raw.port);
      await endSockets();
      await raw.close();
    });

    it('another status without a listener: an error with the status', async () => {
      const raw = await answering(refusal);
      const error = (await failure(open(raw.url))) as Error & { status?: number };
      assert.equal(error.message, 'Unexpected server response: 401');
      assert.equal(error.status, 401);
      await raw.close();
    });

    it('unexpected-response gives request and response, and leaves the end to the listener', async () => {
      const raw = await answering(refusal);
      const socket = open(raw.url, { headers: { 'X-Mine': 'yes' } });
      const [request, response] = await new Promise<[HandshakeRequest, HandshakeResponse]>(
        (resolve) => {
          socket.on('unexpected-response', (...args) => resolve(args));
        },
      );
      assert.equal(socket.readyState, WebSocket.CONNECTING);
      assert.equal(response.statusCode, 401);
      assert.equal(response.statusMessage, 'Unauthorized');
      assert.equal(response.headers['www-authenticate'], 'Basic');
      assert.equal(response.headers['x-twice'], '1, 2');
      let body = '';
      for await (const chunk of response) body += String(chunk);
      assert.equal(body, 'secret');
      assert.equal(request.getHeader('x-mine'), 'yes');
      assert.equal(request.path, '/');
      const end = closed(socket);
      socket.terminate();
      assert.equal(
        (await end).errors[0]?.message,
        'WebSocket was closed before the connection was established',
      );
      await raw.close();
    });

    it('unexpected-response: request.destroy() ends the socket', async () => {
      const raw = await answering(refusal);
      const socket = open(raw.url);
      socket.on('unexpected-response', (request) => request.destroy(new Error('not welcome')));
      assert.equal((await failure(socket)).message, 'not welcome');
      await raw.close();
    });

    it('a server that hangs up', async () => {
      const raw = await RawServer.listen(async (connection) => {
        await connection.readRequest();
        connection.end();
        await connection.closed;
      });
      const error = await failure(open(raw.url));
      assert.equal(error.code, 'ECONNRESET');
      assert.equal(error.message, 'socket hang up');
      await raw.close();
    });

    it('handshakeTimeout', async () => {
      const raw = await RawServer.listen((connection) => connection.closed);
      const error = await failure(open(raw.url, { handshakeTimeout: 30 }));
      assert.equal(error.message, 'Opening handshake has timed out');
      await raw.close();
    });

    for (const [name, options, message] of [
      [
        'a wrong Sec-WebSocket-Accept',
        { accept: 'CxYS6+NgJSBG74mdgLvGscRvpns=' },
        'Invalid Sec-WebSocket-Accept header',
      ],
      ['another Upgrade header', { upgrade: 'foo' }, 'Invalid Upgrade header'],
      ['no Upgrade header', { upgrade: null }, 'Invalid Upgrade header'],
      [
        'an extension that was not offered',
        { extensions: 'foo' },
        'Server indicated an extension that was not requested',
      ],
      [
        'wrong extension parameters',
        { extensions: 'permessage-deflate; server_max_window_bits=99' },
        'Invalid Sec-WebSocket-Extensions header',
      ],
    ] as const) {
      it(`${name}`, async () => {
        const raw = await RawServer.listen(async (connection) => {
          await connection.accept(options);
          await connection.closed;
        });
        assert.equal((await failure(open(raw.url))).message, message);
        await raw.close();
      });
    }

    it('an extension though none was offered', async () => {
      const raw = await RawServer.listen(async (connection) => {
        await connection.accept({ extensions: 'permessage-deflate' });
        await connection.closed;
      });
      assert.equal(
        (await failure(open(raw.url, { perMessageDeflate: false }))).message,
        'Server sent a Sec-WebSocket-Extensions header but no extension was requested',
      );
      await raw.close();
    });

    for (const [options, parameter] of [
      [{ clientNoContextTakeover: false }, 'client_no_context_takeover'],
      [{ clientMaxWindowBits: false }, 'client_max_window_bits=10'],
    ] as const) {
      it(`a server that uses ${parameter} though it is refused`, async () => {
        const raw = await RawServer.listen(async (connection) => {
          await connection.accept({ extensions: `permessage-deflate; ${parameter}` });
          await connection.closed;
        });
        const error = await failure(open(raw.url, { perMessageDeflate: options }));
        assert.match(error.message, /Unexpected parameter|Invalid Sec-WebSocket-Extensions/);
        await raw.close();
      });
    }

    it('extensions has the name, as in ws', async () => {
      const raw = await RawServer.listen(async (connection) => {
        await connection.accept({ extensions: 'permessage-deflate; server_no_context_takeover' });
        await connection.closed;
      });
      assert.equal((await opening(open(raw.url))).extensions, 'permessage-deflate');
      assert.equal((await opening(open(server.url))).extensions, '');
      await endSockets();
      await raw.close();
    });
  });

  describe('redirects', () => {
    const redirect = (location: string, status = 302): string =>
      `HTTP/1.1 ${status} Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

    it('are not followed by default', async () => {
      const raw = await answering(redirect(server.url));
      assert.equal((await failure(open(raw.url))).message, 'Unexpected server response: 302');
      await raw.close();
    });

    for (const status of [301, 302, 303, 307, 308]) {
      it(`${status} is followed with followRedirects; url is the last one`, async () => {
        const raw = await answering(redirect(`http://127.0.0.1:${server.port}/there`, status));
        const socket = open(raw.url, { followRedirects: true });
        const seen: string[] = [];
        socket.on('redirect', (url) => seen.push(url));
        await opening(socket);
        assert.equal(socket.url, `ws://127.0.0.1:${server.port}/there`);
        assert.deepEqual(seen, [socket.url]);
        await endSockets();
        await raw.close();
      });
    }

    it('relative locations', async () => {
      let count = 0;
      let path = '';
      const raw = await RawServer.listen(async (connection) => {
        if (count++ === 0) {
          await connection.readRequest();
          connection.write(redirect('../other?x=1'));
          connection.end();
        } else {
          path = (await connection.accept()).path;
        }
        await connection.closed;
      });
      await opening(open(`${raw.url}a/b/c`, { followRedirects: true }));
      assert.equal(path, '/a/other?x=1');
      await endSockets();
      await raw.close();
    });

    it('no more than maxRedirects', async () => {
      const raw = await answering(redirect('/again'));
      const error = await failure(open(raw.url, { followRedirects: true, maxRedirects: 3 }));
      assert.equal(error.message, 'Maximum redirects exceeded');
      assert.equal(raw.connections, 4);
      await raw.close();
    });

    it('a Location that is no URL', async () => {
      for (const location of ['ftp://x/', 'ws://x/#fragment', 'ws://[']) {
        const raw = await answering(redirect(location));
        assert.equal(
          (await failure(open(raw.url, { followRedirects: true }))).name,
          'SyntaxError',
          location,
        );
        await raw.close();
      }
    });

    /** What the second server is asked, after a redirect to another host. */
    async function forwarded(
      prepare: (socket: WebSocket) => void,
      other = 'localhost',
    ): Promise<UpgradeRequest> {
      let request: UpgradeRequest | undefined;
      const second = await RawServer.listen(async (connection) => {
        request = await connection.accept();
        await connection.closed;
      });
      const first = await answering(redirect(`ws://${other}:${second.port}/`));
      const socket = open(`ws://user:word@127.0.0.1:${first.port}`, {
        followRedirects: true,
        headers: { Cookie: 'a=b', Host: 'fixed.example', 'X-Kept': '1' },
      });
      prepare(socket);
      await opening(socket);
      await endSockets();
      await Promise.all([first.close(), second.close()]);
      return request as UpgradeRequest;
    }

    it('credentials, cookies and the host do not follow to another host', async () => {
      const { headers } = await forwarded(() => undefined);
      assert.equal(headers['authorization'], undefined);
      assert.equal(headers['cookie'], undefined);
      assert.match(headers['host'] ?? '', /^localhost:/);
      assert.equal(headers['x-kept'], '1');
    });

    it('they do if somebody watches; the request can be changed', async () => {
      const { headers } = await forwarded((socket) =>
        socket.on('redirect', (_url, request) => {
          assert.ok(request.getHeader('authorization'));
          request.removeHeader('Cookie');
          request.setHeader('X-Added', '2');
        }),
      );
      assert.match(headers['authorization'] ?? '', /^Basic /);
      assert.equal(headers['cookie'], undefined);
      assert.equal(headers['x-added'], '2');
    });

    it('they do to the same host', async () => {
      let second: UpgradeRequest | undefined;
      let count = 0;
      const raw = await RawServer.listen(async (connection) => {
        if (count++ === 0) {
          await connection.readRequest();
          connection.write(redirect('/next'));
          connection.end();
        } else second = await connection.accept();
        await connection.closed;
      });
      await opening(
        open(`ws://user:word@127.0.0.1:${raw.port}`, {
          followRedirects: true,
          headers: { Cookie: 'a=b' },
        }),
      );
      assert.match(second?.headers['authorization'] ?? '', /^Basic /);
      assert.equal(second?.headers['cookie'], 'a=b');
      await endSockets();
      await raw.close();
    });

    it('a listener may give up', async () => {
      const raw = await answering(redirect(server.url));
      const socket = open(raw.url, { followRedirects: true });
      socket.on('redirect', (_url, request) => request.destroy(new Error('stay')));
      assert.equal((await failure(socket)).message, 'stay');
      await raw.close();
    });
  });
});
