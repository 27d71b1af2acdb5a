/** `origins`: which pages may connect, in each of the ways into a server. */
import { strict as assert } from 'node:assert';
import { WebSocketServer, type Origins, type ServerOptions } from '../../lib';
import { exchange, head, upgradeRequest, WAYS, type Running } from './support/ways';

const LIST: Origins = ['https://example.com', 'null', /https:\/\/[a-z]+\.example\.com(:\d+)?/];

/** An origin, whether it is among the list. */
const CASES: readonly [string | undefined, boolean][] = [
  ['https://example.com', true],
  ['https://app.example.com', true],
  ['https://app.example.com:8443', true],
  ['null', true],
  [undefined, false],
  ['', false],
  ['http://example.com', false],
  ['https://example.com:8443', false],
  ['https://example.com.evil.net', false],
  ['https://evil-example.com', false],
  ['https://app.example.com.evil.net', false],
  ['https://evil.net/https://app.example.com', false],
  ['https://example.com, https://evil.net', false],
];

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: origins, ${way}`, () => {
    let running: Running;
    const begin = async (options: ServerOptions): Promise<void> => {
      running = await start(options);
    };
    const statusOf = async (headers: Record<string, string | undefined>): Promise<number> => {
      const answer = await head(running.connect(), upgradeRequest(headers));
      return Number(answer.slice(9, 12));
    };
    afterEach(() => running.close());

    for (const [origin, accepted] of CASES) {
      it(`${String(origin)}: ${accepted ? 101 : 403}`, async () => {
        await begin({ origins: LIST });
        assert.equal(await statusOf({ Origin: origin }), accepted ? 101 : 403);
      });
    }
  });
}

describe('server: origins', () => {
  let running: Running;
  const begin = async (options: ServerOptions): Promise<void> => {
    running = await (WAYS['its own listener'] as (typeof WAYS)[string])(options);
  };
  const answerTo = (headers: Record<string, string | undefined>): Promise<string> =>
    head(running.connect(), upgradeRequest(headers));
  afterEach(() => running.close());

  it('the answer has words', async () => {
    await begin({ origins: [] });
    assert.match(
      await exchange(running.connect(), upgradeRequest({ Origin: 'https://example.com' })),
      /^HTTP\/1\.1 403 Forbidden\r\nConnection: close\r\n.*\r\n\r\nForbidden$/s,
    );
  });

  it('a function decides, also about requests without an origin', async () => {
    const asked: unknown[] = [];
    await begin({
      origins: (origin, request) => {
        asked.push([origin, request.url]);
        return origin === undefined;
      },
    });
    assert.match(await answerTo({}), /^HTTP\/1\.1 101 /);
    assert.match(await answerTo({ Origin: 'https://example.com' }), /^HTTP\/1\.1 403 /);
    assert.deepEqual(asked, [
      [undefined, '/'],
      ['https://example.com', '/'],
    ]);
  });

  it('a promise is no answer', async () => {
    const later = (() => Promise.resolve(true)) as unknown as () => boolean;
    await begin({ origins: later });
    assert.match(await answerTo({ Origin: 'https://example.com' }), /^HTTP\/1\.1 403 /);
  });

  it('a global pattern matches each time', async () => {
    await begin({ origins: [/https:\/\/example\.com/gm] });
    for (let i = 0; i < 3; ++i) {
      assert.match(await answerTo({ Origin: 'https://example.com' }), /^HTTP\/1\.1 101 /);
    }
  });

  it('comes before verifyClient, and after what is no handshake', async () => {
    await begin({ origins: ['https://example.com'], verifyClient: () => false });
    assert.match(await answerTo({ Origin: 'https://evil.net' }), /^HTTP\/1\.1 403 /);
    assert.match(await answerTo({ Origin: 'https://example.com' }), /^HTTP\/1\.1 401 /);
    assert.match(await answerTo({ 'Sec-WebSocket-Key': undefined }), /^HTTP\/1\.1 400 /);
  });

  it('is read again at each upgrade', async () => {
    await begin({});
    assert.match(await answerTo({}), /^HTTP\/1\.1 101 /);
    running.server.options.origins = ['https://example.com'];
    assert.match(await answerTo({}), /^HTTP\/1\.1 403 /);
  });

  it('version 8 has another header for it', async () => {
    await begin({ origins: ['https://example.com'] });
    const headers = { 'Sec-WebSocket-Version': '8', 'Sec-WebSocket-Origin': 'https://example.com' };
    assert.match(await answerTo(headers), /^HTTP\/1\.1 101 /);
  });
});

describe('server: origins that are none', () => {
  const CASES: readonly [unknown, string, RegExp][] = [
    ['https://example.com', 'ERR_INVALID_ARG_TYPE', /^options\.origins must be an array/],
    [[1], 'ERR_INVALID_ARG_TYPE', /^options\.origins\[0\] must be a string or a RegExp/],
    [['https://example.com/'], 'ERR_INVALID_ARG_VALUE', /write 'https:\/\/example\.com'$/],
    [['https://example.com:443'], 'ERR_INVALID_ARG_VALUE', /write 'https:\/\/example\.com'$/],
    [['https://Example.com'], 'ERR_INVALID_ARG_VALUE', /write 'https:\/\/example\.com'$/],
    [
      ['null', 'example.com'],
      'ERR_INVALID_ARG_VALUE',
      /^options\.origins\[1\] 'example\.com' is no/,
    ],
    [['*'], 'ERR_INVALID_ARG_VALUE', /is no origin/],
  ];
  for (const [origins, code, message] of CASES) {
    it(JSON.stringify(origins), () => {
      const options = { noServer: true, origins: origins as Origins };
      assert.throws(() => new WebSocketServer(options), { code, message });
    });
  }

  it("an extension's origin is one", () => {
    new WebSocketServer({ noServer: true, origins: ['chrome-extension://abcdef'] });
  });
});
