/** Answers that refuse the connection: `unexpected-response`, its response's body, and its request's end. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { closed, endSockets, failure, open, until } from './support/sockets';
import { certificates } from '../support/certificates';
import { RawServer, type RawConnection, type RawServerOptions } from '../support/raw-server';
import type { ClientOptions, HandshakeRequest, HandshakeResponse, WebSocket } from '../../lib';

const MIB = 1024 * 1024;

/** A server that reads a request and goes on as told, and closes when the test is over. */
async function withServer(
  script: (connection: RawConnection) => void | Promise<void>,
  test: (url: string, server: RawServer) => Promise<void>,
  options: RawServerOptions = {},
): Promise<void> {
  const server = await RawServer.listen(async (connection) => {
    await connection.readRequest();
    await script(connection);
  }, options);
  try {
    await test(server.url, server);
    await endSockets();
  } finally {
    await server.close();
  }
}

/** A socket, and what `unexpected-response` gives. */
async function refused(
  url: string,
  options?: ClientOptions,
): Promise<[WebSocket, HandshakeRequest, HandshakeResponse]> {
  const socket = open(url, options);
  const [request, response] = (await once(socket, 'unexpected-response')) as [
    HandshakeRequest,
    HandshakeResponse,
  ];
  return [socket, request, response];
}

async function textOf(response: HandshakeResponse): Promise<string> {
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return text;
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const head = (...headers: string[]): string =>
  `HTTP/1.1 403 Forbidden\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`;

describe('WebSocket: refusals', () => {
  afterEach(endSockets);

  const bodies: [what: string, pieces: string[], ends: boolean][] = [
    ['of a known length', [head('Content-Length: 12'), 'denied', ': slow'], false],
    ['behind the header', [`${head('Content-Length: 12')}denied: slow`], false],
    [
      'in chunks',
      [
        head('Transfer-Encoding: chunked'),
        '6\r\nden',
        'ied\r',
        '\n6;a=b\r\n: slow\r\n0\r\nX: y\r\n\r',
        '\n',
      ],
      false,
    ],
    ['until the end', [head(), 'denied', ': slow'], true],
    [
      'after an interim response',
      ['HTTP/1.1 103 Hints\r\nA: b\r\n\r\n', `${head('Content-Length: 12')}d`, 'enied: slow'],
      false,
    ],
  ];
  for (const tls of [false, true]) {
    for (const [what, pieces, ends] of bodies) {
      it(`a body ${what}, in later segments${tls ? ', over TLS' : ''}`, () =>
        withServer(
          async (connection) => {
            for (const piece of pieces) {
              await connection.writeAll(Buffer.from(piece));
              await turn();
            }
            if (ends) connection.end();
            await connection.closed;
          },
          async (url) => {
            const [, , response] = await refused(url, { ca: certificates().ca });
            assert.equal(await textOf(response), 'denied: slow');
            assert.equal(response.complete, true);
          },
          { tls },
        ));
    }
  }

  it('a body that nobody reads is not read from the network', async () => {
    const size = 64 * MIB;
    let written = 0;
    await withServer(
      async (connection) => {
        connection.write(head(`Content-Length: ${size}`));
        const piece = Buffer.alloc(MIB, 'x');
        for (let i = 0; i < size / MIB; i++) {
          await Promise.race([connection.writeAll(piece), connection.closed]);
          written += piece.length;
        }
        await connection.closed;
      },
      async (url) => {
        const [, , response] = await refused(url);
        // Until the server comes no further in many turns.
        let last = -1;
        for (let calm = 0; calm < 50; calm = written === last ? calm + 1 : 0) {
          last = written;
          await new Promise((resolve) => setTimeout(resolve, 2));
        }
        assert.ok(written < size / 2, `${written} bytes were taken`);
        let bytes = 0;
        for await (const chunk of response) bytes += (chunk as Buffer).length;
        assert.equal(bytes, size);
        assert.equal(response.complete, true);
      },
    );
  }).timeout(30_000);

  const cuts: [what: string, cut: (connection: RawConnection) => void, options: ClientOptions][] = [
    ['ended', (connection) => connection.end(), {}],
    ['reset', (connection) => connection.reset(), {}],
    ['not finished within handshakeTimeout', () => undefined, { handshakeTimeout: 100 }],
    ['malformed', (connection) => connection.write('no chunk\r\n'), {}],
    ['without a line end behind a chunk', (connection) => connection.write('2\r\nabc'), {}],
    ['in chunks with line ends without CR', (connection) => connection.write('2\n'), {}],
  ];
  for (const [what, cut, options] of cuts) {
    it(`a body that is ${what}: aborted`, () =>
      withServer(
        async (connection) => {
          connection.write(`${head('Transfer-Encoding: chunked')}4\r\nhalf\r\n`);
          await turn();
          connection.waitFor(1).catch(() => undefined);
          cut(connection);
          await connection.closed;
        },
        async (url) => {
          const [socket, , response] = await refused(url, options);
          const events: string[] = [];
          for (const name of ['error', 'close']) socket.on(name, () => events.push(name));
          await assert.rejects(textOf(response), { code: 'ECONNRESET', message: 'aborted' });
          assert.equal(response.complete, false);
          assert.equal(response.aborted, true);
          await turn();
          assert.deepEqual(events, []);
        },
      ));
  }

  it('an aborted response without a listener for its error does no harm', () =>
    withServer(
      (connection) => {
        connection.write(head('Content-Length: 10'));
        connection.end();
      },
      async (url) => {
        // Not once(), which listens for errors; and at once, since the end may follow immediately.
        const response = await new Promise<HandshakeResponse>((resolve) =>
          open(url).on('unexpected-response', (_request, answer) =>
            answer.on('close', () => resolve(answer)),
          ),
        );
        assert.equal(response.destroyed, true);
      },
    ));

  for (const how of ['abort', 'destroy'] as const) {
    for (const length of [0, 10]) {
      it(`request.${how}() says no more, and ends the connection; ${length} bytes of body`, async () => {
        const events: string[] = [];
        let gone: Promise<void> | undefined;
        await withServer(
          (connection) => {
            gone = connection.closed;
            connection.write(head(`Content-Length: ${length}`));
            connection.socket.on('end', () => connection.end());
            return connection.closed;
          },
          async (url) => {
            const socket = open(url);
            for (const name of ['error', 'close']) socket.on(name, () => events.push(name));
            const request = await new Promise<HandshakeRequest>((resolve) =>
              socket.on('unexpected-response', (given) => {
                given.on('close', () => resolve(given));
                given[how]();
              }),
            );
            await gone;
            await turn();
            assert.deepEqual(events, []);
            assert.equal(request.destroyed, true);
            // The socket is still there to be ended.
            const end = closed(socket);
            socket.terminate();
            assert.match((await end).errors[0]?.message ?? '', /closed before the connection/);
          },
        );
      });
    }
  }

  for (const how of ['request', 'socket'] as const) {
    it(`a body that has come whole ends when the ${how} is given up, though nobody reads it`, () =>
      withServer(
        (connection) => connection.write(`${head('Content-Length: 6')}denied`),
        async (url) => {
          const [socket, request, response] = await refused(url);
          const ends = Promise.all([once(response, 'end'), once(response, 'close')]);
          if (how === 'request') request.destroy();
          else {
            socket.on('error', () => undefined);
            socket.terminate();
          }
          await ends;
          assert.equal(response.complete, true);
          assert.equal(response.aborted, false);
        },
      ));
  }

  it('request.destroy(error) is the error of the socket', () =>
    withServer(
      (connection) => connection.write(head('Content-Length: 10')),
      async (url) => {
        const socket = open(url);
        socket.on('unexpected-response', (request) => request.destroy(new Error('not welcome')));
        assert.equal((await failure(socket)).message, 'not welcome');
      },
    ));

  for (const how of ['terminate', 'close'] as const) {
    it(`${how}() within a body ends it`, () =>
      withServer(
        async (connection) => {
          connection.write(`${head('Content-Length: 10')}half`);
          await connection.closed;
        },
        async (url) => {
          const [socket, , response] = await refused(url);
          const end = closed(socket);
          const text = textOf(response);
          socket[how]();
          await assert.rejects(text, { code: 'ECONNRESET' });
          assert.match((await end).errors[0]?.message ?? '', /closed before the connection/);
        },
      ));
  }

  it('without a listener the connection ends at once; the error has what came with the header', () =>
    withServer(
      async (connection) => {
        connection.write(`${head('Content-Length: 10')}half`);
        assert.equal((await connection.readToEnd()).length, 0);
        connection.end();
      },
      async (url) => {
        const error = (await failure(open(url))) as Error & { body?: Buffer; status?: number };
        assert.equal(error.message, 'Unexpected server response: 403');
        assert.deepEqual([error.status, String(error.body)], [403, 'half']);
      },
    ));

  it('many refusals in a row, each with another body: none gets what is another’s', async () => {
    let count = 0;
    await withServer(
      async (connection) => {
        const name = `body ${count++}`;
        connection.write(head(`X-Body: ${name}`, `Content-Length: ${name.length}`));
        await turn();
        connection.write(name);
        await connection.closed;
      },
      async (url) => {
        for (let round = 0; round < 5; round++) {
          await Promise.all(
            Array.from({ length: 10 }, async (_, index) => {
              const [, request, response] = await refused(url);
              if (index % 3 === 0) request.destroy();
              else assert.equal(await textOf(response), response.headers['x-body']);
            }),
          );
        }
      },
    );
  });

  it('a redirect that is not followed has a body, too', () =>
    withServer(
      async (connection) => {
        connection.write('HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 4\r\n\r\n');
        await turn();
        connection.write('here');
        await connection.closed;
      },
      async (url) => {
        const [, , response] = await refused(url);
        assert.equal(response.headers.location, '/x');
        assert.equal(await textOf(response), 'here');
      },
    ));

  it('interim responses before a redirect are passed over', async () => {
    let count = 0;
    await withServer(
      (connection) => {
        const last = count++ > 0;
        connection.write('HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n');
        connection.write(
          last
            ? head('Content-Length: 0')
            : 'HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n',
        );
        return connection.closed;
      },
      async (url) => {
        const [socket, request, response] = await refused(url, { followRedirects: true });
        assert.equal(response.statusCode, 403);
        assert.equal(request.path, '/next');
        assert.equal(socket.url, `${url}next`);
      },
    );
  });

  describe('the response', () => {
    it('has the headers as Node joins them, and its request', () =>
      withServer(
        (connection) =>
          connection.write(
            head(
              'X-A: 1',
              'x-a: 2',
              'Cookie: a',
              'Cookie: b',
              'Set-Cookie: c',
              'Set-Cookie: d',
              'Age: 1',
              'Age: 2',
              'Content-Length: 0',
            ),
          ),
        async (url) => {
          const [, request, response] = await refused(url);
          assert.deepEqual(response.headers, {
            'x-a': '1, 2',
            cookie: 'a; b',
            'set-cookie': ['c', 'd'],
            age: '1',
            'content-length': '0',
          });
          assert.deepEqual(response.headersDistinct, {
            'x-a': ['1', '2'],
            cookie: ['a', 'b'],
            'set-cookie': ['c', 'd'],
            age: ['1', '2'],
            'content-length': ['0'],
          });
          assert.equal(response.req, request);
        },
      ));

    it('has headers that are named like members of Object.prototype', async () => {
      const names = ['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty'];
      await withServer(
        (connection) =>
          connection.write(head(...names.map((name) => `${name}: 1`), '__proto__: 2')),
        async (url) => {
          const [, , response] = await refused(url);
          for (const name of names) {
            const expected = name === '__proto__' ? ['1', '2'] : ['1'];
            const key = name.toLowerCase();
            assert.equal(
              Object.getOwnPropertyDescriptor(response.headers, key)?.value,
              expected.join(', '),
              name,
            );
            assert.deepEqual(
              Object.getOwnPropertyDescriptor(response.headersDistinct, key)?.value,
              expected,
              name,
            );
          }
        },
      );
    });
  });

  describe('the request', () => {
    const seen = async (options: ClientOptions, credentials = ''): Promise<HandshakeRequest> => {
      let request: HandshakeRequest | undefined;
      await withServer(
        (connection) => connection.write(head('Content-Length: 0')),
        async (url, { port }) => {
          request = (await refused(`ws://${credentials}127.0.0.1:${port}/`, options))[1];
          assert.equal(request.getHeader('host'), `127.0.0.1:${port}`);
        },
      );
      return request as HandshakeRequest;
    };

    it('has what was sent: credentials, origin, subprotocols, the offer', async () => {
      const request = await seen(
        {
          origin: 'https://app.example',
          headers: { Origin: 'https://other', 'X-Mine': 'yes', 'X-List': ['1', '2'] },
          protocols: ['a', 'b'],
          perMessageDeflate: { serverMaxWindowBits: 10, clientNoContextTakeover: true },
        },
        'u:p@',
      );
      assert.equal(request.getHeader('authorization'), `Basic ${btoa('u:p')}`);
      assert.equal(request.getHeader('origin'), 'https://app.example');
      assert.equal(request.getHeader('x-mine'), 'yes');
      assert.deepEqual(request.getHeader('x-list'), ['1', '2']);
      assert.equal(request.getHeader('sec-websocket-protocol'), 'a,b');
      assert.equal(
        request.getHeader('sec-websocket-extensions'),
        'permessage-deflate; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits',
      );
      assert.equal(request.getHeader('sec-websocket-version'), '13');
      assert.equal(request.getHeader('upgrade'), 'websocket');
    });

    it('has the headers of a Map, and no offer that was not made', async () => {
      const request = await seen({
        headers: new Map([['X-Mapped', 'yes']]),
        auth: 'c:d',
        perMessageDeflate: false,
      });
      assert.equal(request.getHeader('x-mapped'), 'yes');
      assert.equal(request.getHeader('authorization'), `Basic ${btoa('c:d')}`);
      assert.equal(request.getHeader('sec-websocket-extensions'), undefined);
    });

    it('has the headers of the last one after redirects', async () => {
      let count = 0;
      await withServer(
        (connection) =>
          connection.write(
            count++ > 0
              ? head('Content-Length: 0')
              : 'HTTP/1.1 302 Found\r\nLocation: /b?c\r\nContent-Length: 0\r\n\r\n',
          ),
        async (url) => {
          const [, request] = await refused(url.replace('ws://', 'ws://u:p@'), {
            followRedirects: true,
            headers: { Cookie: 'a=b' },
            origin: 'https://app.example',
          });
          assert.equal(request.path, '/b?c');
          assert.equal(request.getHeader('authorization'), `Basic ${btoa('u:p')}`);
          assert.equal(request.getHeader('cookie'), 'a=b');
          assert.equal(request.getHeader('origin'), 'https://app.example');
        },
      );
    });

    it('is that of finishRequest, as it was finished', async () => {
      let finished: HandshakeRequest | undefined;
      const request = await seen({
        finishRequest: (given) => {
          finished = given;
          given.setHeader('X-Late', '1');
          given.end();
        },
      });
      assert.equal(request, finished);
      assert.equal(request.getHeader('x-late'), '1');
    });
  });

  it('ends with its process: a body that is not finished keeps nobody waiting after terminate()', () =>
    withServer(
      async (connection) => {
        connection.write(head('Content-Length: 10'));
        await connection.closed;
      },
      async (url) => {
        const [socket, , response] = await refused(url);
        let ended = false;
        response.on('close', () => (ended = true));
        const end = closed(socket);
        socket.terminate();
        await end;
        await until(() => ended);
      },
    ));
});
