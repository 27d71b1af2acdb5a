/** `_socket`, and the members that say the same: the ends of a connection, of each kind of it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { createWebSocketStream } from 'ws';
import type { SocketView } from '../../lib/session/socket-view';
import { WebSocket, WebSocketServer } from '../../lib';
import { certificates } from '../support/certificates';
import { startWsServer, type WsServer } from '../support/ws-server';
import { closed, endSockets, open, opening, pair } from './support/sockets';

describe('WebSocket: _socket', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());
  afterEach(endSockets);

  const view = (socket: WebSocket): SocketView => socket._socket as SocketView;

  it('is null before it is open, and says that it has ended then', async () => {
    const socket = open(server.url);
    assert.equal(socket._socket, null);
    assert.equal(socket.remoteAddress, undefined);
    await opening(socket);
    assert.equal(view(socket).destroyed, false);
    const events: string[] = [];
    for (const name of ['finish', 'end', 'close']) view(socket).on(name, () => events.push(name));
    const end = closed(socket);
    socket.close(1000);
    await end;
    assert.deepEqual(events, ['finish', 'end', 'close']);
    assert.equal(view(socket).destroyed, true);
    assert.equal(view(socket)._writableState.finished, true);
  });

  it('emits an error for a connection that is reset, as Node’s does; the socket does not', async () => {
    const [socket, peer] = await pair(server);
    const errors: unknown[] = [];
    view(socket).on('error', (error: Error & { code: string; errno: number; syscall: string }) =>
      errors.push(error.message, error.code, error.syscall, error.errno < 0),
    );
    const end = closed(socket);
    (peer as unknown as { _socket: Socket })._socket.resetAndDestroy();
    assert.deepEqual(await end, { code: 1006, reason: '', errors: [] });
    assert.deepEqual(errors, ['read ECONNRESET', 'ECONNRESET', 'read', true]);
  });

  it('is paused while the socket is', async () => {
    const [socket] = await pair(server);
    const states = [view(socket).isPaused()];
    socket.pause();
    states.push(view(socket).isPaused());
    socket.resume();
    states.push(view(socket).isPaused());
    assert.deepEqual(states, [false, true, false]);
  });

  it('has the addresses, as the peer sees them', async () => {
    const [socket, peer] = await pair(server);
    const theirs = (peer as unknown as { _socket: SocketView })._socket;
    const ours = view(socket);
    assert.deepEqual(
      [ours.localAddress, ours.localPort, ours.localFamily, ours.remoteAddress, ours.remotePort],
      [theirs.remoteAddress, theirs.remotePort, 'IPv4', theirs.localAddress, theirs.localPort],
    );
    assert.deepEqual(ours.address(), {
      address: ours.localAddress,
      family: 'IPv4',
      port: ours.localPort,
    });
    for (const name of ['remoteAddress', 'remotePort', 'localAddress', 'localPort'] as const) {
      assert.equal(socket[name], ours[name]);
    }
    assert.equal(socket.encrypted, false);
    assert.deepEqual(socket.getPeerCertificate(), {});
  });

  it('over TLS it has the certificate of the server', async () => {
    const secure = await startWsServer({ tls: true });
    try {
      const { ca } = certificates();
      const sockets = [open(secure.url, { ca }), open(secure.url, { ca })] as const;
      await Promise.all(sockets.map(opening));
      for (const socket of sockets) {
        assert.deepEqual([socket.encrypted, socket.authorized], [true, true]);
        const { subject } = socket.getPeerCertificate() as { subject?: { CN?: string } };
        assert.ok(subject?.CN);
        assert.match(String(view(socket).getProtocol()), /^TLSv1/);
      }
      await endSockets();
    } finally {
      await secure.close();
    }
  });

  it('over a stream it has what the stream has', async () => {
    const stream = connect(server.port, '127.0.0.1');
    const socket = open(server.url, { createConnection: () => stream });
    await opening(socket);
    assert.equal(socket.localPort, stream.localPort);
    assert.equal(view(socket).setKeepAlive(true, 1000).setNoDelay(), view(socket));
  });

  for (const way of ['port', 'noServer'] as const) {
    it(`of a server's socket, with ${way}`, async () => {
      const ours = new WebSocketServer(way === 'port' ? { port: 0 } : { noServer: true });
      const http = createServer().on('upgrade', (request, socket, head) =>
        ours.handleUpgrade(request, socket, head, (made) => ours.emit('connection', made)),
      );
      if (way === 'noServer') http.listen(0, '127.0.0.1');
      const listening = way === 'port' ? ours : http;
      await once(listening, 'listening');
      const { port } = listening.address() as AddressInfo;
      const connection = once(ours, 'connection') as Promise<[WebSocket]>;
      const client = open(`ws://127.0.0.1:${port}`);
      await opening(client);
      const [socket] = await connection;
      assert.equal(socket.remotePort, client.localPort);
      assert.match(String(socket.remoteAddress), /127\.0\.0\.1$/);
      const end = closed(client);
      view(socket).destroy();
      assert.equal((await end).code, 1006);
      ours.close();
      http.close();
    });
  }

  it('tells what waits, and that it has gone', async () => {
    const [socket, peer] = await pair(server, { highWaterMark: 1000 });
    peer.pause();
    const drained = once(view(socket), 'drain');
    for (let i = 0; i < 32; i++) socket.send(Buffer.alloc(1 << 20));
    assert.ok(view(socket).writableLength > 1000);
    assert.equal(view(socket).writableNeedDrain, true);
    peer.resume();
    await drained;
    assert.ok(view(socket).bytesWritten >= 32 << 20);
  });

  it('is all that the stream of ws needs', async () => {
    const socket = open(server.url);
    const stream = createWebSocketStream(socket as never);
    let length = 0;
    stream.on('data', (data: Buffer) => {
      length += data.length;
      if (length === 100_000) stream.end();
    });
    for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(1000));
    await once(stream, 'close');
    assert.equal(length, 100_000);
    assert.equal(socket.readyState, WebSocket.CLOSED);
  });
});
