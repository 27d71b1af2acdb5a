/** Proxies in front of a server: the client's address, and the PROXY protocol. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { WebSocketServer, type ServerOptions } from '../../lib';
import { certificates } from '../support/certificates';
import { makeLocalPath } from '../support/local-path';
import { exchange, head, upgradeRequest, WAYS, type Running } from './support/ways';

/** When a connection has ended, in whatever way. */
function endOf(socket: Socket): Promise<void> {
  return new Promise((resolve) => void socket.once('close', () => resolve()));
}

type Start = (typeof WAYS)[string];

/** Sends a request; resolves with the one that `connection` has. */
async function requestOf(
  running: Running,
  headers: Record<string, string> = {},
): Promise<IncomingMessage> {
  const connected = once(running.server, 'connection') as Promise<[unknown, IncomingMessage]>;
  const socket = running.connect().on('error', () => undefined);
  socket.write(upgradeRequest(headers));
  const [, request] = await connected;
  return request;
}

/** Options, headers, the client's address. */
const CLIENTS: readonly [string, ServerOptions, Record<string, string>, string | undefined][] = [
  ['no proxy is trusted', {}, { 'X-Forwarded-For': '192.0.2.1' }, '127.0.0.1'],
  [
    'another proxy is trusted',
    { trustedProxies: ['10.0.0.0/8', '127.0.0.2'] },
    { 'X-Forwarded-For': '192.0.2.1' },
    '127.0.0.1',
  ],
  [
    'the proxy is trusted',
    { trustedProxies: ['127.0.0.0/8'] },
    { 'X-Forwarded-For': '192.0.2.1' },
    '192.0.2.1',
  ],
  ['it asks for itself', { trustedProxies: ['127.0.0.0/8'] }, {}, '127.0.0.1'],
  [
    'the client has lied to it',
    { trustedProxies: ['127.0.0.1'] },
    { 'X-Forwarded-For': '127.0.0.1, 192.0.2.1, 2001:db8::1' },
    '2001:db8::1',
  ],
  [
    'there are two proxies',
    { trustedProxies: ['127.0.0.1', '10.0.0.0/8'] },
    { 'X-Forwarded-For': '192.0.2.1, 192.0.2.2, 10.1.2.3' },
    '192.0.2.2',
  ],
  [
    'it does not know',
    { trustedProxies: ['127.0.0.1'] },
    { 'X-Forwarded-For': '192.0.2.1, unknown' },
    undefined,
  ],
  [
    'the other header is not looked at',
    { trustedProxies: ['127.0.0.1'] },
    { Forwarded: 'for=192.0.2.9', 'X-Forwarded-For': '192.0.2.1' },
    '192.0.2.1',
  ],
  [
    'nor the one, if the other is meant',
    { trustedProxies: { addresses: ['127.0.0.1'], header: 'forwarded' } },
    {
      Forwarded: 'for=192.0.2.8, for="[2001:db8::1]:80";proto=https',
      'X-Forwarded-For': '1.1.1.1',
    },
    '2001:db8::1',
  ],
];

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: clientAddress(), ${way}`, () => {
    let running: Running;
    afterEach(() => running.close());

    for (const [what, options, headers, address] of CLIENTS) {
      it(what, async () => {
        running = await start(options);
        const request = await requestOf(running, headers);
        assert.equal(running.server.clientAddress(request), address);
        assert.equal(request.socket.remoteAddress, '127.0.0.1');
      });
    }
  });
}

describe('server: trustedProxies', () => {
  const start = WAYS['its own listener'] as Start;
  let running: Running;
  afterEach(() => running.close());

  it('several headers are one', async () => {
    running = await start({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    const lines = '192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\nx-forwarded-for: 10.0.0.1';
    const request = await requestOf(running, { 'X-Forwarded-For': lines });
    assert.equal(running.server.clientAddress(request), '192.0.2.2');
  });

  it('maxConnectionsPerAddress counts clients, not proxies', async () => {
    running = await start({ trustedProxies: ['127.0.0.1'], maxConnectionsPerAddress: 1 });
    for (const address of ['192.0.2.1', '192.0.2.2', '2001:db8::1']) {
      await requestOf(running, { 'X-Forwarded-For': address });
    }
    const request = upgradeRequest({ 'X-Forwarded-For': '192.0.2.9, ::ffff:192.0.2.1' });
    const answer = await exchange(running.connect(), request);
    assert.match(answer, /^HTTP\/1\.1 429 Too Many Requests\r\n/);
    const { server } = running;
    assert.equal(server.stats.overLimitPerAddress, 1);
    assert.equal(server.clients.size, 3);
    // Its place is free when it has gone.
    const [first] = [...server.clients];
    assert.ok(first);
    first.terminate();
    await once(first, 'close');
    await requestOf(running, { 'X-Forwarded-For': '192.0.2.1' });
  });

  it('a client that comes by itself is counted when it is accepted', async () => {
    running = await start({ trustedProxies: ['10.0.0.0/8'], maxConnectionsPerAddress: 1 });
    await requestOf(running, { 'X-Forwarded-For': '192.0.2.1' });
    const refused = running.connect().on('error', () => undefined);
    await endOf(refused);
    assert.equal(running.server.stats.overLimitPerAddress, 1);
  });

  it('a proxy on a Unix socket, or a pipe', async () => {
    const { path, remove } = makeLocalPath();
    const server = new WebSocketServer({ port: path, trustedProxies: ['unix'] });
    running = {
      server,
      port: 0,
      secure: false,
      url: '',
      connect: () => connect(path),
      close: async () => {
        for (const socket of server.clients) socket.terminate();
        await new Promise((resolve) => server.close(resolve));
        remove();
      },
    };
    await once(server, 'listening');
    const request = await requestOf(running, { 'X-Forwarded-For': '192.0.2.1' });
    assert.equal(server.clientAddress(request), '192.0.2.1');
    server.options.trustedProxies = ['127.0.0.1'];
    assert.equal(server.clientAddress(request), undefined);
  });
});

describe('server: trustedProxies and proxyProtocol that are none', () => {
  const CASES: readonly [object, string, RegExp][] = [
    [{ trustedProxies: '10.0.0.1' }, 'ERR_INVALID_ARG_TYPE', /^options\.trustedProxies must be/],
    [{ trustedProxies: {} }, 'ERR_INVALID_ARG_TYPE', /^options\.trustedProxies\.addresses must be/],
    [{ trustedProxies: [1] }, 'ERR_INVALID_ARG_TYPE', /^options\.trustedProxies\[0\] must be/],
    ...[
      '10.0.0.0/33',
      '10.0.0.0/',
      '10.0.0/8',
      '::/129',
      'fe80::1%lo',
      'localhost',
      '',
      '::/08',
    ].map((text): [object, string, RegExp] => [
      { trustedProxies: ['::1', text] },
      'ERR_INVALID_ARG_VALUE',
      /^options\.trustedProxies\[1\] '.*' is no address/,
    ]),
    [
      { trustedProxies: { addresses: [], header: 'x-real-ip' } },
      'ERR_INVALID_ARG_VALUE',
      /^options\.trustedProxies\.header 'x-real-ip' is not one of/,
    ],
    [{ proxyProtocol: 'yes' }, 'ERR_INVALID_ARG_TYPE', /^options\.proxyProtocol must be a boolean/],
    [{ proxyProtocol: ['x'] }, 'ERR_INVALID_ARG_VALUE', /^options\.proxyProtocol\[0\] 'x' is no/],
  ];
  for (const [options, code, message] of CASES) {
    it(JSON.stringify(options), () => {
      assert.throws(() => new WebSocketServer({ port: 0, ...options }), { code, message });
    });
  }
});

const VERSION_1 = Buffer.from('PROXY TCP4 192.0.2.1 203.0.113.9 56324 443\r\n');
const SIGNATURE = '0d0a0d0a000d0a515549540a';
const VERSION_2 = Buffer.from(
  `${SIGNATURE}21210024${'20010db8000000000000000000000001'}${'20010db8000000000000000000000002'}dc0401bb`,
  'hex',
);
const LOCAL = Buffer.from(`${SIGNATURE}20000000`, 'hex');

for (const secure of [false, true]) {
  describe(`server: the PROXY protocol, ${secure ? 'with' : 'without'} TLS`, () => {
    const start = WAYS[secure ? 'its own listener over TLS' : 'its own listener'] as Start;
    let running: Running;
    afterEach(() => running.close());

    /** A connection that begins with those bytes, each of the parts by itself. */
    async function begin(...parts: Buffer[]): Promise<Socket> {
      const socket = connect(running.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.setNoDelay();
      for (const part of parts) {
        socket.write(part);
        await new Promise(setImmediate);
      }
      if (!secure) return socket;
      return connectTls({ socket, ca: certificates().ca, servername: 'localhost' });
    }

    async function endsOf(...parts: Buffer[]): Promise<unknown[]> {
      const connected = once(running.server, 'connection') as Promise<[unknown, IncomingMessage]>;
      const socket = (await begin(...parts)).on('error', () => undefined);
      socket.write(upgradeRequest());
      const [, { socket: seen }] = await connected;
      return [
        seen.remoteAddress,
        seen.remotePort,
        seen.remoteFamily,
        seen.localAddress,
        seen.localPort,
      ];
    }

    const ENDS: readonly [string, Buffer, unknown[]][] = [
      ['version 1', VERSION_1, ['192.0.2.1', 56324, 'IPv4', '203.0.113.9', 443]],
      ['version 2', VERSION_2, ['2001:db8::1', 0xdc04, 'IPv6', '2001:db8::2', 443]],
    ];
    for (const [name, bytes, ends] of ENDS) {
      it(`${name}: its addresses are the connection's`, async () => {
        running = await start({ proxyProtocol: true });
        assert.deepEqual(await endsOf(bytes), ends);
      });

      it(`${name}, byte by byte`, async () => {
        running = await start({ proxyProtocol: true });
        assert.deepEqual(await endsOf(...[...bytes].map((byte) => Buffer.of(byte))), ends);
      });
    }

    for (const [name, bytes] of [
      ['LOCAL', LOCAL],
      ['UNKNOWN', Buffer.from('PROXY UNKNOWN\r\n')],
    ] as const) {
      it(`${name}: the addresses are the socket's`, async () => {
        running = await start({ proxyProtocol: ['127.0.0.0/8'] });
        const [address, , , local, port] = await endsOf(bytes);
        assert.deepEqual([address, local, port], ['127.0.0.1', '127.0.0.1', running.port]);
      });
    }

    it('a connection without a header is closed, and counted', async () => {
      running = await start({ proxyProtocol: true });
      const socket = running.connect().on('error', () => undefined);
      socket.write(upgradeRequest());
      await endOf(socket);
      assert.equal(running.server.stats.proxyFailures, 1);
      assert.equal(running.server.stats.connections, 0);
    });

    it('a malformed header is', async () => {
      running = await start({ proxyProtocol: true });
      const socket = connect(running.port, '127.0.0.1').on('error', () => undefined);
      socket.write('PROXY TCP4 192.0.2.1 203.0.113.9 56324 99999\r\n');
      await endOf(socket);
      assert.equal(running.server.stats.proxyFailures, 1);
    });

    it('a client that ends within the header has gone', async () => {
      running = await start({ proxyProtocol: true, handshakeTimeout: 0 });
      const socket = connect(running.port, '127.0.0.1').on('error', () => undefined);
      await once(socket, 'connect');
      socket.end(VERSION_1.subarray(0, 10));
      socket.resume();
      await endOf(socket);
      assert.equal(running.server.stats.connections, 0);
    });

    it('handshakeTimeout holds for the header', async () => {
      running = await start({ proxyProtocol: true, handshakeTimeout: 20 });
      const socket = connect(running.port, '127.0.0.1').on('error', () => undefined);
      socket.write(VERSION_1.subarray(0, 10));
      await endOf(socket);
      assert.equal(running.server.stats.timeouts, 1);
    });

    it('those that are not in the list begin without a header', async () => {
      running = await start({ proxyProtocol: ['10.0.0.0/8'] });
      assert.match(await head(running.connect(), upgradeRequest()), /^HTTP\/1\.1 101 /);
      if (secure) return;
      const answer = await exchange(running.connect(), VERSION_1);
      assert.match(answer, /^HTTP\/1\.1 400 /);
    });

    it('maxConnectionsPerAddress counts its addresses', async () => {
      running = await start({ proxyProtocol: true, maxConnectionsPerAddress: 1 });
      await endsOf(VERSION_1);
      await endsOf(VERSION_2);
      const refused = (await begin(VERSION_1)).on('error', () => undefined);
      await endOf(refused);
      assert.equal(running.server.stats.overLimitPerAddress, 1);
    });

    it('what stands behind it may be a proxy of its own', async () => {
      running = await start({ proxyProtocol: true, trustedProxies: ['192.0.2.0/24'] });
      const connected = once(running.server, 'connection') as Promise<[unknown, IncomingMessage]>;
      const socket = (await begin(VERSION_1)).on('error', () => undefined);
      socket.write(upgradeRequest({ 'X-Forwarded-For': '198.51.100.7' }));
      const [, request] = await connected;
      assert.equal(running.server.clientAddress(request), '198.51.100.7');
      assert.equal(request.socket.remoteAddress, '192.0.2.1');
    });
  });
}

describe('server: the PROXY protocol', () => {
  it('is for servers that listen themselves', () => {
    const { port } = new WebSocketServer({ noServer: true, proxyProtocol: true }).options;
    assert.equal(port, null);
  });

  it('on a Unix socket', async () => {
    const path = join(tmpdir(), `vws-proxy-header-${process.pid}`);
    const server = new WebSocketServer({ port: path, proxyProtocol: true });
    await once(server, 'listening');
    const connected = once(server, 'connection') as Promise<
      [{ terminate(): void }, IncomingMessage]
    >;
    const socket = connect(path).on('error', () => undefined);
    socket.write(Buffer.concat([VERSION_1, Buffer.from(upgradeRequest())]));
    const [made, request] = await connected;
    assert.equal(request.socket.remoteAddress, '192.0.2.1');
    assert.equal((request.socket.address() as AddressInfo).port, 443);
    made.terminate();
    await new Promise((resolve) => server.close(resolve));
  });
});
