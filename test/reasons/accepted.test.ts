/**
 * The other side of the reasons: answers that look odd, and are right all the same. None of them may fail.
 */
import { strict as assert } from 'node:assert';
import { Attempt } from '../support/attempt';
import { close as closeFrame, text } from '../support/frames';
import {
  acceptFor,
  RawServer,
  response,
  type RawConnection,
  type UpgradeRequest,
} from '../support/raw-server';

const accept = (request: UpgradeRequest): string =>
  acceptFor(request.headers['sec-websocket-key'] as string);

const usual = (request: UpgradeRequest): string[] => [
  'HTTP/1.1 101 Switching Protocols',
  'Upgrade: websocket',
  'Connection: Upgrade',
  `Sec-WebSocket-Accept: ${accept(request)}`,
];

/** The usual answer with one of its lines replaced. */
const replace = (index: number, line: string) => (request: UpgradeRequest) => {
  const lines = usual(request);
  lines[index] = line;
  return lines;
};

/** The usual answer with more lines. */
const add =
  (...more: string[]) =>
  (request: UpgradeRequest) => [...usual(request), ...more];

const answers: [string, (request: UpgradeRequest) => string[], Record<string, unknown>?][] = [
  [
    'interim responses before it',
    (request) => [
      'HTTP/1.1 100 Continue',
      '',
      'HTTP/1.1 103 Early Hints',
      'Link: </x>; rel=preload',
      'X-Folded: a',
      ' b',
      '',
      'HTTP/1.1 102',
      '',
      ...usual(request),
    ],
  ],
  [
    '32 interim responses before it',
    (request) => [
      ...Array.from({ length: 32 }, () => ['HTTP/1.1 199 Wait', '']).flat(),
      ...usual(request),
    ],
  ],
  ['a header in two lines', add('X-Folded: a', ' b', '\tc')],
  ['a status line without a phrase', replace(0, 'HTTP/1.1 101 ')],
  ['a status line without a space behind the number', replace(0, 'HTTP/1.1 101')],
  ['another phrase', replace(0, 'HTTP/1.1 101 Web Socket Protocol Handshake')],
  ['Upgrade: WebSocket', replace(1, 'Upgrade: WebSocket')],
  ['UPGRADE: WEBSOCKET', replace(1, 'UPGRADE: WEBSOCKET')],
  ['no space behind the colon', replace(1, 'Upgrade:websocket')],
  ['tabs and spaces around the value', replace(1, 'Upgrade: \t websocket \t ')],
  ['Connection: upgrade', replace(2, 'connection: upgrade')],
  ['Connection: keep-alive, Upgrade', replace(2, 'Connection: keep-alive, Upgrade')],
  ['Connection: Upgrade, keep-alive', replace(2, 'Connection: Upgrade, keep-alive')],
  ['Connection: ,upgrade ,', replace(2, 'Connection: ,upgrade ,')],
  ['a long Connection list', replace(2, `Connection: ${'x-hop, '.repeat(30)}Upgrade`)],
  ['two Connection headers', add('Connection: keep-alive')],
  [
    'headers in another order',
    (request) => [usual(request)[0] as string, ...usual(request).slice(1).reverse()],
  ],
  ['many headers', add(...Array.from({ length: 100 }, (_, i) => `X-Header-${i}: value ${i}`))],
  ['a long header', add(`Set-Cookie: session=${'x'.repeat(8000)}`)],
  [
    'many cookies',
    add(...Array.from({ length: 20 }, (_, i) => `Set-Cookie: c${i}=${'y'.repeat(200)}; Path=/`)),
  ],
  ['an empty header', add('X-Empty:')],
  [
    'headers that HTTP knows',
    add(
      'Date: Mon, 23 Nov 2026 10:00:00 GMT',
      'Server: x/1.0',
      'Cache-Control: no-store',
      'Vary: *',
    ),
  ],
  ['Content-Length: 0', add('Content-Length: 0')],
  ['bytes past ASCII in a value', add('X-Latin: caf\xe9')],
  ['an empty Sec-WebSocket-Extensions', add('Sec-WebSocket-Extensions:')],
  [
    'the subprotocol in the middle',
    add('Sec-WebSocket-Protocol: b'),
    { protocols: ['a', 'b', 'c'] },
  ],
  ['a Sec-WebSocket-Version', add('Sec-WebSocket-Version: 13')],
  ['compression declined', usual, { perMessageDeflate: true }],
  [
    'compression accepted',
    add('Sec-WebSocket-Extensions: permessage-deflate'),
    { perMessageDeflate: true },
  ],
  [
    'compression with parameters',
    add(
      'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=11',
    ),
    { perMessageDeflate: true },
  ],
  [
    'odd spaces',
    add(
      'Sec-WebSocket-Extensions:permessage-deflate ;server_max_window_bits = 10  ;  client_max_window_bits=9',
    ),
    { perMessageDeflate: true },
  ],
  [
    'a server_max_window_bits that was asked for and is not answered: the largest window is inflated as well',
    add('Sec-WebSocket-Extensions: permessage-deflate'),
    { perMessageDeflate: { serverMaxWindowBits: 10 } },
  ],
  [
    'a quoted value',
    add('Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits="10"'),
    { perMessageDeflate: true },
  ],
];

async function withServer(
  script: (connection: RawConnection) => Promise<void>,
  test: (url: string) => Promise<void>,
): Promise<void> {
  const server = await RawServer.listen(script);
  try {
    await test(server.url);
  } finally {
    await server.close();
  }
}

describe('handshakes that are right', () => {
  for (const [what, lines, options] of answers) {
    it(what, () =>
      withServer(
        async (connection) => {
          const request = await connection.readRequest();
          // A message in the same packet: whatever came behind the header belongs to the connection.
          connection.write(
            Buffer.concat([
              Buffer.from(`${lines(request).join('\r\n')}\r\n\r\n`, 'latin1'),
              text('early'),
            ]),
          );
          const frame = await connection.readFrame();
          assert.equal(frame?.opcode, 8);
          connection.write(closeFrame());
          connection.end();
        },
        async (url) => {
          const attempt = new Attempt(url, options).connect();
          await attempt.established();
          const { args } = await attempt.seen(8);
          assert.equal(args[0], 'early');
          await attempt.finish();
          assert.deepEqual(
            attempt.events.map(({ id }) => id).filter((id) => id !== 38),
            [3, 8, 4],
          );
        },
      ),
    );
  }

  it('cut at every byte', async function () {
    const server = await RawServer.listen(async () => {});
    try {
      let length = 1;
      const attempts: Promise<void>[] = [];
      // The length is known when the first has been answered.
      for (let cut = 1; cut < length || cut === 1; ++cut) {
        server.next(async (connection) => {
          const bytes = response(await connection.readRequest(), { then: text('early') });
          length = bytes.length;
          await connection.writeAll(bytes.subarray(0, cut));
          await new Promise((resolve) => setImmediate(resolve));
          connection.write(bytes.subarray(cut));
          await connection.readFrame();
          connection.end();
        });
        const attempt = new Attempt(server.url).connect();
        attempts.push(
          attempt
            .established()
            .then(() => attempt.seen(8))
            .then(() => attempt.finish()),
        );
        if (cut % 32 === 1) await Promise.all(attempts.splice(0));
      }
      await Promise.all(attempts);
      assert.equal(server.connections, length - 1);
    } finally {
      await server.close();
    }
  });

  it('a byte at a time', () =>
    withServer(
      async (connection) => {
        await connection.writeChopped(
          response(await connection.readRequest(), { then: text('early') }),
          1,
        );
        await connection.readFrame();
        connection.end();
      },
      async (url) => {
        const attempt = new Attempt(url).connect();
        await attempt.seen(8);
        await attempt.finish();
      },
    ));
});

describe('the request', () => {
  const requestOf = async (
    options: Record<string, unknown>,
    path = '',
  ): Promise<UpgradeRequest> => {
    let resolve: (request: UpgradeRequest) => void;
    const request = new Promise<UpgradeRequest>((done) => (resolve = done));
    await withServer(
      async (connection) => {
        resolve(
          await connection.accept({ protocol: options.protocols ? 'a' : undefined } as object),
        );
        await connection.readFrame();
        connection.end();
      },
      async (url) => {
        const attempt = new Attempt(url.replace(/\/$/, path || '/'), options).connect();
        await attempt.established();
        await attempt.finish();
      },
    );
    return request;
  };

  it('is what RFC 6455 §4.1 asks for', async () => {
    const { line, headers, raw } = await requestOf({});
    assert.equal(line, 'GET / HTTP/1.1');
    assert.match(headers.host as string, /^127\.0\.0\.1:\d+$/);
    assert.equal(headers.upgrade?.toLowerCase(), 'websocket');
    assert.equal(headers.connection?.toLowerCase(), 'upgrade');
    assert.equal(headers['sec-websocket-version'], '13');
    assert.match(headers['sec-websocket-key'] as string, /^[A-Za-z0-9+/]{22}==$/);
    assert.equal(headers['sec-websocket-protocol'], undefined);
    assert.equal(headers['sec-websocket-extensions'], undefined);
    assert.equal(headers.origin, undefined);
    for (const name of Object.keys(headers)) {
      assert.equal(raw.toLowerCase().split(`\r\n${name}:`).length, 2, `${name} stands once`);
    }
  });

  it('has another key each time', async () => {
    const keys = await Promise.all(
      [1, 2, 3].map(async () => (await requestOf({})).headers['sec-websocket-key']),
    );
    assert.equal(new Set(keys).size, 3);
  });

  it('carries path, query, subprotocols, headers, origin and credentials', async () => {
    const options = {
      protocols: ['a', 'b'],
      headers: { 'X-One': '1', 'User-Agent': 'me' },
      origin: 'https://example.com',
      auth: 'user:pass',
    };
    const { line, headers } = await requestOf(options, '/some/path?query=1&x=%20');
    assert.equal(line, 'GET /some/path?query=1&x=%20 HTTP/1.1');
    assert.deepEqual(headers['sec-websocket-protocol']?.split(/, */), ['a', 'b']);
    assert.equal(headers['x-one'], '1');
    assert.equal(headers['user-agent'], 'me');
    assert.equal(headers.origin, 'https://example.com');
    assert.equal(headers.authorization, `Basic ${Buffer.from('user:pass').toString('base64')}`);
  });

  it('offers compression when asked to', async () => {
    const { headers } = await requestOf({ perMessageDeflate: true });
    assert.match(headers['sec-websocket-extensions'] as string, /^permessage-deflate(;|$)/);
  });
});
