/** Requests that users finish themselves: `finishRequest`, and the request of `redirect`. */
import { strict as assert } from 'node:assert';
import { ClientRequest } from 'node:http';
import type { Socket } from 'node:net';
import { endSockets, failure, open, opening } from './support/sockets';
import { certificates } from '../support/certificates';
import { RawServer, response, type UpgradeRequest } from '../support/raw-server';
import type { ClientOptions, HandshakeRequest } from '../../lib';

describe('WebSocket: finishing the request', () => {
  let server: RawServer;
  let asked: UpgradeRequest | undefined;
  before(async () => {
    server = await RawServer.listen(async (connection) => {
      const request = await connection.readRequest();
      if (request.path === '/redirect') {
        connection.write('HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      asked = request;
      connection.write(response(request));
      await connection.closed;
    });
  });
  afterEach(endSockets);
  after(() => server.close());

  it('on the request’s socket, when it connects', async () => {
    await opening(
      open(server.url, {
        finishRequest: (request) => {
          request.on('socket', (socket: Socket) => {
            socket.on('connect', () => {
              request.setHeader('Cookie', 'a=b');
              request.end();
            });
          });
        },
      }),
    );
    assert.equal(asked?.headers['cookie'], 'a=b');
  });

  it('is a ClientRequest, with the members of one', async () => {
    let kind: unknown[] = [];
    await opening(
      open(server.url, {
        finishRequest: (request) => {
          kind = [request instanceof ClientRequest, request.reusedSocket, request.maxHeadersCount];
          request.setNoDelay(true);
          request.setSocketKeepAlive(true, 1000);
          request.setTimeout(5000, () => request.destroy());
          request.setHeader('X-Late', '1');
          request.end();
        },
      }),
    );
    assert.deepEqual(kind, [true, false, null]);
    assert.equal(asked?.headers['x-late'], '1');
  });

  it('on the socket of a redirect’s request', async () => {
    const events: string[] = [];
    const socket = open(`${server.url}redirect`, { followRedirects: true });
    socket.on('redirect', (_url, request) => {
      request.on('socket', (inner: Socket) => {
        events.push('socket');
        inner.on('connect', () => events.push('connect'));
      });
    });
    await opening(socket);
    assert.deepEqual(events, ['socket', 'connect']);
  });

  it('over TLS, when the socket is secure', async () => {
    const secure = await RawServer.listen(
      async (connection) => {
        await connection.accept();
        await connection.closed;
      },
      { tls: true },
    );
    await opening(
      open(secure.url, {
        ca: certificates().ca,
        finishRequest: (request) =>
          request.on('socket', (socket: Socket) =>
            socket.on('secureConnect', () => void request.end()),
          ),
      }),
    );
    await endSockets();
    await secure.close();
  });

  it('no socket for a request that was given up', async () => {
    let sockets = 0;
    const socket = open(server.url, {
      finishRequest: (request) => {
        request.on('socket', () => sockets++);
        request.destroy(new Error('not today'));
      },
    });
    assert.equal((await failure(socket)).message, 'not today');
    assert.equal(sockets, 0);
  });

  it('keeps every line of a header', async () => {
    await opening(
      open(server.url, {
        headers: { 'X-List': ['1', '2', '3'] },
        finishRequest: (request) => void request.end(),
      }),
    );
    assert.match(asked?.raw ?? '', /X-List: 1\r\nX-List: 2\r\nX-List: 3\r\n/);
  });

  it('twice: the second time is none', async () => {
    await opening(
      open(server.url, {
        finishRequest: (request) => {
          request.end();
          request.end();
        },
      }),
    );
  });

  const never: ClientOptions['finishRequest'] = () => undefined;
  for (const [what, path, options] of [
    ['never', '', { finishRequest: never }],
    [
      'never after a redirect',
      'redirect',
      {
        followRedirects: true,
        finishRequest: (request: HandshakeRequest) => {
          if (request.path === '/redirect') request.end();
        },
      },
    ],
  ] as const) {
    it(`${what}: handshakeTimeout`, async () => {
      const begun = performance.now();
      const error = await failure(open(server.url + path, { ...options, handshakeTimeout: 100 }));
      assert.equal(error.message, 'Opening handshake has timed out');
      assert.equal(error.code, 'ERR_HANDSHAKE_TIMEOUT');
      assert.ok(performance.now() - begun >= 95);
    });
  }

  it('late: what is left of handshakeTimeout is for the connection', async () => {
    const silent = await RawServer.listen((connection) => connection.closed);
    const begun = performance.now();
    const error = await failure(
      open(silent.url, {
        handshakeTimeout: 1000,
        finishRequest: (request) => setTimeout(() => request.end(), 900),
      }),
    );
    const took = performance.now() - begun;
    assert.equal(error.code, 'ERR_HANDSHAKE_TIMEOUT');
    assert.ok(took >= 950 && took < 1800, String(took));
    await silent.close();
  });

  it('after its time is over: nothing happens', async () => {
    let request: HandshakeRequest | undefined;
    const before = server.connections;
    await failure(
      open(server.url, {
        handshakeTimeout: 20,
        finishRequest: (given) => {
          request = given;
        },
      }),
    );
    request?.end();
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(server.connections, before);
  });

  it('an exception leaves no timer behind', () => {
    assert.throws(
      () =>
        open(server.url, {
          finishRequest: () => {
            throw new Error('mine');
          },
        }),
      /mine/,
    );
  });
});
