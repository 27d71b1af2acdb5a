/** Each limit of a server's own listener: what happens past it, and what counts it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer, type ServerOptions } from '../../lib';
import { exchange, upgradeRequest } from './support/ways';

const REQUEST = upgradeRequest();

describe('limits of a server', () => {
  let server: WebSocketServer;
  const sockets: Socket[] = [];

  function start(options: ServerOptions): void {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
  }

  function dial(): Socket {
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
    sockets.push(socket);
    return socket;
  }

  async function open(): Promise<Socket> {
    const socket = dial();
    const connected = once(server, 'connection');
    socket.on('error', () => undefined).write(REQUEST);
    await connected;
    return socket;
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
      assert.equal(server.stats?.timeouts, 1);
    });
  }

  it('handshakeTimeout does not begin anew with each byte', async () => {
    start({ handshakeTimeout: 100 });
    const socket = dial();
    let at = 0;
    const trickle = setInterval(() => socket.write(REQUEST.charAt(at++)), 10);
    socket.once('data', () => clearInterval(trickle));
    assert.match(await exchange(socket, REQUEST.charAt(at++)), /^HTTP\/1.1 408 /);
    assert.equal(server.stats?.timeouts, 1);
  });

  const HEADS: readonly [string, ServerOptions, string][] = [
    ['maxHeaderSize', { maxHeaderSize: 1000 }, upgradeRequest({ 'X-Much': 'x'.repeat(1000) })],
    ['maxHeadersCount', { maxHeadersCount: 5 }, upgradeRequest({ 'X-One': '', 'X-Two': '' })],
  ];
  for (const [name, options, request] of HEADS) {
    it(`${name}: 431 past it`, async () => {
      start(options);
      assert.match(await exchange(dial(), request), /^HTTP\/1.1 431 /);
      assert.equal(server.stats?.malformed, 1);
      await open();
    });
  }

  it('maxConnections: more are closed, until one has gone', async () => {
    start({ maxConnections: 1 });
    const first = await open();
    const refused = dial().on('error', () => undefined);
    await once(refused, 'close');
    assert.equal(server.stats?.overLimit, 1);
    const [socket] = [...server.clients];
    assert.ok(socket);
    const closed = once(socket, 'close');
    first.destroy();
    await closed;
    await open();
    assert.equal(server.stats?.connections, 1);
  });

  it('maxConnectionsPerAddress: other addresses are not concerned', async () => {
    start({ maxConnectionsPerAddress: 1 });
    await open();
    const refused = dial().on('error', () => undefined);
    await once(refused, 'close');
    assert.equal(server.stats?.overLimitPerAddress, 1);
    const { port } = server.address() as AddressInfo;
    const other = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' });
    sockets.push(other);
    const connected = once(server, 'connection');
    other.write(REQUEST);
    await connected;
    assert.equal(server.stats?.connections, 2);
  });

  it('maxConnectionsPerAddress: clients of a Unix socket have no address', async () => {
    const path = join(tmpdir(), `vws-limits-${process.pid}`);
    start({ port: path, maxConnectionsPerAddress: 1 });
    for (let i = 0; i < 2; ++i) {
      const socket = connect(path);
      sockets.push(socket);
      const connected = once(server, 'connection');
      socket.on('error', () => undefined).write(REQUEST);
      await connected;
    }
    assert.equal(server.stats?.overLimitPerAddress, 0);
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
    while (server.stats?.handshakes !== 1) await new Promise(setImmediate);
    assert.equal(server.stats.accepted, 1);
    slow.destroy();
    await connected;
    assert.equal(server.stats?.accepted, 2);
  });
});
