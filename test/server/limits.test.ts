/** Each limit of a server's own listener: what happens past it, and what counts it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { deflateRawSync } from 'node:zlib';
import { WebSocketServer as WsServer } from 'ws';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../lib';
import { continuation, ping, text } from '../support/frames';
import { makeLocalPath } from '../support/local-path';
import { exchange, upgradeRequest } from './support/ways';
import { floodWithPings } from './support/flood';

/** It offers compression, which a server takes if it is told to. */
const REQUEST = upgradeRequest({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
const MASK = { mask: Buffer.of(1, 2, 3, 4) };
type Counter = keyof WebSocketServer['stats'];

/** Of a message that has begun with another. */
function fragments(count: number, payload = 'b'): Buffer[] {
  return Array.from({ length: count }, () => continuation(payload, { ...MASK, fin: false }));
}

describe('limits of a server', () => {
  let server: WebSocketServer;
  const sockets: Socket[] = [];

  function start(options: ServerOptions): void {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  }

  /** What is not zero, of that which counts what has gone wrong. */
  function counted(): Partial<Record<Counter, number>> {
    const normal: readonly string[] = ['connections', 'handshakes', 'accepted'];
    const stats = Object.entries(server.stats).filter(
      ([name, count]) => count !== 0 && !normal.includes(name),
    );
    return Object.fromEntries(stats);
  }

  function dial(): Socket {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  }

  /** A client's socket, paused, behind the answer to its request; and the server's of it. */
  async function openBoth(): Promise<[Socket, WebSocket]> {
    const socket = dial();
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    socket.on('error', () => undefined).write(REQUEST);
    await once(socket, 'data');
    socket.pause();
    return [socket, (await connected)[0]];
  }

  async function open(): Promise<Socket> {
    return (await openBoth())[0];
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const one of server.clients) one.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  for (const [what, bytes] of [
    ['nothing', ''],
    ['half a head', REQUEST.slice(0, 40)],
  ] as const) {
    it(`handshakeTimeout: ${what} comes`, async () => {
      start({ handshakeTimeout: 20 });
      const answer = await exchange(dial(), bytes);
      assert.match(answer, /^HTTP\/1.1 408 /);
      assert.equal(server.stats.timeouts, 1);
    });
  }

  it('handshakeTimeout does not begin anew with each byte', async () => {
    start({ handshakeTimeout: 100 });
    const socket = dial();
    let at = 0;
    const trickle = setInterval(() => socket.write(REQUEST.charAt(at++)), 10);
    socket.once('data', () => clearInterval(trickle));
    assert.match(await exchange(socket, REQUEST.charAt(at++)), /^HTTP\/1.1 408 /);
    assert.equal(server.stats.timeouts, 1);
  });

  const HEADS: readonly [string, Counter, ServerOptions, string][] = [
    [
      'maxHeaderSize',
      'overHeaderSize',
      { maxHeaderSize: 1000 },
      upgradeRequest({ 'X-Much': 'x'.repeat(1000) }),
    ],
    [
      'maxHeadersCount',
      'overHeadersCount',
      { maxHeadersCount: 6 },
      upgradeRequest({ 'X-One': '', 'X-Two': '' }),
    ],
  ];
  for (const [name, counter, options, request] of HEADS) {
    it(`${name}: 431 past it`, async () => {
      start(options);
      assert.match(await exchange(dial(), request), /^HTTP\/1.1 431 /);
      assert.deepEqual(counted(), { [counter]: 1 });
      await open();
    });
  }

  it('a request that is no HTTP is malformed', async () => {
    start({});
    assert.match(await exchange(dial(), 'nonsense\r\n\r\n'), /^HTTP\/1.1 400 /);
    assert.deepEqual(counted(), { malformed: 1 });
  });

  it('maxConnections: more are closed, until one has gone', async () => {
    start({ maxConnections: 1 });
    const first = await open();
    const refused = dial().on('error', () => undefined);
    await once(refused, 'close');
    assert.equal(server.stats.overLimit, 1);
    const [socket] = [...server.clients];
    assert.ok(socket);
    const closed = once(socket, 'close');
    first.destroy();
    await closed;
    await open();
    assert.equal(server.stats.connections, 1);
  });

  it('maxConnectionsPerAddress: other addresses are not concerned', async () => {
    start({ maxConnectionsPerAddress: 1 });
    await open();
    const refused = dial().on('error', () => undefined);
    await once(refused, 'close');
    assert.equal(server.stats.overLimitPerAddress, 1);
    const { port } = server.address() as AddressInfo;
    const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    sockets.push(other);
    const connected = once(server, 'connection');
    other.write(REQUEST);
    await connected;
    assert.equal(server.stats.connections, 2);
  });

  it('maxConnectionsPerAddress: clients of a Unix socket, or a pipe, have no address', async () => {
    const { path, remove } = makeLocalPath();
    start({ port: path, maxConnectionsPerAddress: 1 });
    for (let i = 0; i < 2; ++i) {
      const socket = connect(path);
      sockets.push(socket);
      const connected = once(server, 'connection');
      socket.on('error', () => undefined).write(REQUEST);
      await connected;
    }
    assert.equal(server.stats.overLimitPerAddress, 0);
    remove();
  });

  it('maxHandshakes: more wait until one has ended', async () => {
    start({ maxHandshakes: 1 });
    const slow = dial();
    await once(slow, 'connect');
    slow.write(REQUEST.slice(0, 10));
    // Connected by the system; its request is not read before the first one has gone.
    const next = dial();
    next.write(REQUEST);
    await once(next, 'connect');
    const connected = once(server, 'connection');
    while (server.stats.handshakes !== 1) await new Promise(setImmediate);
    assert.equal(server.stats.accepted, 1);
    slow.destroy();
    await connected;
    assert.equal(server.stats.accepted, 2);
    assert.ok(server.stats.overHandshakes > 0);
  });

  it('the defaults of what an open socket may do are those of ws, but for fragments', () => {
    start({});
    const ws = new WsServer({ noServer: true }).options;
    const names = ['maxPayload', 'maxBufferedChunks', 'maxPendingAutoPongs'];
    for (const name of names as (keyof ServerOptions)[]) {
      assert.equal(server.options[name], ws[name as keyof typeof ws], name);
    }
  });

  /** What a client does, the code that it is closed with, and which counter counts it. */
  const EXCESSES: readonly [string, Counter, ServerOptions, number, Buffer[]][] = [
    ['maxPayload', 'overPayload', { maxPayload: 10 }, 1009, [text('x'.repeat(11), MASK)]],
    [
      'maxPayload, of what was compressed',
      'overPayload',
      { maxPayload: 10, perMessageDeflate: true },
      1009,
      [text(deflateRawSync(Buffer.alloc(1000)), { ...MASK, rsv: 4 })],
    ],
    [
      'maxFragments',
      'overFragments',
      { maxFragments: 2 },
      1008,
      [text('a', { ...MASK, fin: false }), ...fragments(2)],
    ],
    [
      'maxFragments, of empty ones without it',
      'overFragments',
      {},
      1008,
      [text('a', { ...MASK, fin: false }), ...fragments(16 * 1024 + 1, '')],
    ],
  ];
  for (const [name, counter, options, code, frames] of EXCESSES) {
    it(`${name}: closed with ${code} past it`, async () => {
      start(options);
      const [socket, accepted] = await openBoth();
      const failed = once(accepted, 'error');
      const closed = new Promise((resolve) => accepted.once('close', resolve));
      socket.resume().write(Buffer.concat(frames));
      const [[answer]] = (await Promise.all([once(socket, 'data'), failed])) as [[Buffer], unknown];
      assert.equal(answer.readUInt16BE(answer.length - 2), code);
      await closed;
      assert.deepEqual(counted(), { [counter]: 1 });
    });
  }

  it('maxFragments: so many are taken, with a message between them', async () => {
    start({ maxFragments: 3 });
    const [socket, accepted] = await openBoth();
    const message = once(accepted, 'message');
    socket.write(
      Buffer.concat([text('a', { ...MASK, fin: false }), ...fragments(1), ping('', MASK)]),
    );
    socket.write(continuation('c', MASK));
    assert.equal(String((await message)[0]), 'abc');
    assert.deepEqual(counted(), {});
  });

  it('maxPendingAutoPongs: who pings and does not read is cut off', async () => {
    start({ maxPendingAutoPongs: 5 });
    const [socket, accepted] = await openBoth();
    const closed = once(accepted, 'close');
    floodWithPings(socket, MASK.mask);
    assert.equal((await closed)[0], 1006);
    assert.deepEqual(counted(), { overPendingAutoPongs: 1 });
  });

  it('maxPendingAutoPongs: any number of pings in one piece, of a client that reads', async () => {
    start({ maxPendingAutoPongs: 1 });
    const socket = await open();
    const pings = Array.from({ length: 500 }, (_, i) => ping(String(i).padStart(3, '0'), MASK));
    let received = '';
    const all = new Promise<void>((resolve) => {
      socket.on('data', (data: Buffer) => {
        received += data.toString('latin1');
        if (received.length === 500 * 5) resolve();
      });
    });
    socket.resume().write(Buffer.concat(pings));
    await all;
    assert.ok(received.endsWith('\x8a\x03499'));
    assert.deepEqual(counted(), {});
  });

  it('sendLimit: what does not fit is refused, and the socket stays open', async () => {
    start({ sendLimit: 1000 });
    const [, accepted] = await openBoth();
    assert.throws(() => accepted.send('x'.repeat(1001)), { code: 'ERR_SEND_LIMIT' });
    assert.equal(accepted.readyState, accepted.OPEN);
    assert.deepEqual(counted(), { overSendLimit: 1 });
  });

  it('idleTimeout: a silent client is cut off', async () => {
    start({ idleTimeout: 20 });
    const [, accepted] = await openBoth();
    await once(accepted, 'close');
    assert.deepEqual(counted(), { idle: 1 });
  });
});
