/** What a server answers to requests, byte by byte as ws's server does, in each of the ways into it. */
import { strict as assert } from 'node:assert';
import { connect, type Socket } from 'node:net';
import type { ServerOptions } from '../../lib';
import { exchange, head, startWs, upgradeRequest, WAYS, type Running } from './support/ways';

interface Case {
  title: string;
  request: string;
  options?: ServerOptions;
  status: number;
}

const D = 'permessage-deflate';

const CASES: readonly Case[] = [
  { title: 'another method', request: upgradeRequest({}, 'POST / HTTP/1.1'), status: 405 },
  { title: 'another protocol', request: upgradeRequest({ Upgrade: 'h2c' }), status: 400 },
  {
    title: 'no key',
    request: upgradeRequest({ 'Sec-WebSocket-Key': undefined }),
    status: 400,
  },
  {
    title: 'a key that is too short',
    request: upgradeRequest({ 'Sec-WebSocket-Key': 'P5l8BJcZwRc=' }),
    status: 400,
  },
  {
    title: 'no version',
    request: upgradeRequest({ 'Sec-WebSocket-Version': undefined }),
    status: 400,
  },
  {
    title: 'an unknown version',
    request: upgradeRequest({ 'Sec-WebSocket-Version': '12' }),
    status: 400,
  },
  {
    title: 'another path',
    request: upgradeRequest({}, 'GET /bar?x HTTP/1.1'),
    options: { path: '/foo' },
    status: 400,
  },
  {
    title: 'malformed subprotocols',
    request: upgradeRequest({ 'Sec-WebSocket-Protocol': 'foo;bar' }),
    status: 400,
  },
  {
    title: 'a subprotocol twice',
    request: upgradeRequest({ 'Sec-WebSocket-Protocol': 'foo, foo' }),
    status: 400,
  },
  {
    title: 'malformed extensions',
    request: upgradeRequest({ 'Sec-WebSocket-Extensions': `${D}; server_max_window_bits=foo` }),
    options: { perMessageDeflate: true },
    status: 400,
  },
  {
    title: 'an extension that is called like a member of every object',
    request: upgradeRequest({ 'Sec-WebSocket-Extensions': 'constructor; __proto__' }),
    options: { perMessageDeflate: true, verifyClient: () => false },
    status: 401,
  },
  {
    title: 'verifyClient refuses',
    request: upgradeRequest(),
    options: { verifyClient: () => false },
    status: 401,
  },
  {
    title: 'verifyClient refuses later, with words and headers of its own',
    request: upgradeRequest(),
    options: {
      verifyClient: (_, callback) => {
        setImmediate(() => callback(false, 404, 'nobody here', { 'X-Why': 'so', Connection: 'x' }));
      },
    },
    status: 404,
  },
];

const ACCEPTED: readonly Omit<Case, 'status'>[] = [
  { title: 'nothing but what must be', request: upgradeRequest() },
  { title: 'version 8', request: upgradeRequest({ 'Sec-WebSocket-Version': '8' }) },
  { title: 'another spelling', request: upgradeRequest({ Upgrade: 'WebSocket' }) },
  {
    title: 'the first subprotocol',
    request: upgradeRequest({ 'Sec-WebSocket-Protocol': 'foo, bar' }),
  },
  {
    title: 'a subprotocol that is chosen',
    request: upgradeRequest({ 'Sec-WebSocket-Protocol': 'foo, bar' }),
    options: { handleProtocols: () => 'bar' },
  },
  {
    title: 'no subprotocol',
    request: upgradeRequest({ 'Sec-WebSocket-Protocol': 'foo, bar' }),
    options: { handleProtocols: () => false },
  },
  {
    title: 'compression',
    request: upgradeRequest({ 'Sec-WebSocket-Extensions': `${D}; client_max_window_bits` }),
    options: { perMessageDeflate: { serverMaxWindowBits: 12 } },
  },
  {
    title: 'compression that is switched off',
    request: upgradeRequest({ 'Sec-WebSocket-Extensions': `${D}; garbage=` }),
  },
];

async function answerOfWs(
  test: Omit<Case, 'status'>,
  ask: (socket: Socket, request: string) => Promise<string>,
): Promise<string> {
  const ws = await startWs(test.options ?? {});
  try {
    return await ask(connect(ws.port, '127.0.0.1'), test.request);
  } finally {
    await ws.close();
  }
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: answers, ${way}`, () => {
    let running: Running | undefined;
    afterEach(async () => {
      await running?.close();
      running = undefined;
    });

    for (const test of CASES) {
      it(`${test.status}: ${test.title}`, async () => {
        running = await start(test.options ?? {});
        running.server.on('connection', () => assert.fail('accepted'));
        const answer = await exchange(running.connect(), test.request);
        assert.equal(answer, await answerOfWs(test, exchange));
        assert.match(answer, new RegExp(`^HTTP/1\\.1 ${test.status} `));
      });
    }

    for (const test of ACCEPTED) {
      it(`101: ${test.title}`, async () => {
        running = await start(test.options ?? {});
        const answer = await head(running.connect(), test.request);
        assert.equal(answer, await answerOfWs(test, head));
        assert.match(answer, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
      });
    }

    it('a listener of wsClientError answers instead', async () => {
      running = await start({});
      let message = '';
      running.server.on(
        'wsClientError',
        (error: Error, socket: Socket, request: { url: string }) => {
          message = `${error.message} ${request.url}`;
          socket.end('HTTP/1.1 418 Teapot\r\n\r\n');
        },
      );
      const request = upgradeRequest({ 'Sec-WebSocket-Version': undefined }, 'GET /x?y HTTP/1.1');
      const answer = await exchange(running.connect(), request);
      assert.equal(answer, 'HTTP/1.1 418 Teapot\r\n\r\n');
      assert.equal(message, 'Missing or invalid Sec-WebSocket-Version header /x?y');
    });
  });
}
