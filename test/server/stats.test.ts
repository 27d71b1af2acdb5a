/** The counters of a server: the same for all ways in, 0 where only a listener of its own can count. */
import { strict as assert } from 'node:assert';
import { once, type EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import * as http2 from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../lib';
import { continuation, text } from '../support/frames';
import { floodWithPings } from './support/flood';
import { exchange, upgradeRequest, WAYS, type Running } from './support/ways';

type Stats = WebSocketServer['stats'];

const MASK = { mask: Buffer.of(1, 2, 3, 4) };
const NOTHING: Stats = {
  connections: 0,
  handshakes: 0,
  accepted: 0,
  overLimit: 0,
  overLimitPerAddress: 0,
  timeouts: 0,
  malformed: 0,
  overHeaderSize: 0,
  overHeadersCount: 0,
  overHandshakes: 0,
  tlsFailures: 0,
  notUpgrades: 0,
  proxyFailures: 0,
  idle: 0,
  overPayload: 0,
  overFragments: 0,
  overPendingAutoPongs: 0,
  overSendLimit: 0,
  overPublishLimit: 0,
};

/** With or without an error. */
function closeOf(emitter: EventEmitter): Promise<unknown> {
  return new Promise((resolve) => emitter.once('close', resolve));
}

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: stats, ${way}`, () => {
    let running: Running;
    const peers: Socket[] = [];
    afterEach(async () => {
      for (const peer of peers.splice(0)) peer.destroy();
      await running.close();
    });

    function dial(request = upgradeRequest()): Socket {
      const peer = running.connect().on('error', () => undefined);
      peers.push(peer);
      peer.write(request);
      return peer;
    }

    async function open(): Promise<{ socket: WebSocket; request: IncomingMessage; peer: Socket }> {
      const connected = once(running.server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
      const peer = dial();
      const [socket, request] = await connected;
      return { socket: socket.on('error', () => undefined), request, peer };
    }

    it('there are all of them from the beginning', async () => {
      running = await start({});
      assert.deepEqual(running.server.stats, NOTHING);
    });

    it('connections and accepted: from the request to the end of TCP', async () => {
      let verify: ((verified: boolean) => void) | undefined;
      running = await start({ verifyClient: (_info, callback) => (verify = callback) });
      const { server } = running;
      const peer = dial();
      while (!verify) await new Promise(setImmediate);
      const connected = once(server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
      assert.deepEqual(server.stats, { ...NOTHING, accepted: 1, connections: 1 });
      verify(true);
      const [socket, request] = await connected;
      assert.deepEqual(server.stats, { ...NOTHING, accepted: 1, connections: 1 });
      const closed = Promise.all([closeOf(socket), closeOf(request.socket)]);
      peer.destroy();
      await closed;
      assert.deepEqual(server.stats, { ...NOTHING, accepted: 1 });
    });

    it('a request that is refused has been a connection', async () => {
      running = await start({ verifyClient: () => false });
      const refused = dial();
      await once(refused.resume(), 'close');
      const { server } = running;
      while (server.stats.connections > 0) await new Promise(setImmediate);
      assert.deepEqual(server.stats, { ...NOTHING, accepted: 1 });
    });

    /** What a client does, and which counter counts it. */
    const EXCESSES: readonly [keyof Stats, ServerOptions, (peer: Socket) => void][] = [
      ['idle', { idleTimeout: 20 }, () => undefined],
      ['overPayload', { maxPayload: 10 }, (peer) => peer.write(text('x'.repeat(11), MASK))],
      [
        'overFragments',
        { maxFragments: 1 },
        (peer) => {
          peer.write(text('a', { ...MASK, fin: false }));
          peer.write(continuation('b', { ...MASK, fin: false }));
        },
      ],
      [
        'overPendingAutoPongs',
        { maxPendingAutoPongs: 1 },
        (peer) => floodWithPings(peer.pause(), MASK.mask),
      ],
    ];
    for (const [name, options, act] of EXCESSES) {
      it(`${name}: who passes the limit is closed, and counted`, async () => {
        running = await start(options);
        const { socket, peer } = await open();
        const closed = closeOf(socket);
        peer.resume();
        act(peer);
        await closed;
        const { connections: _, ...counted } = running.server.stats;
        assert.deepEqual({ connections: 0, ...counted }, { ...NOTHING, accepted: 1, [name]: 1 });
      });
    }

    it('overSendLimit: what is not sent is counted', async () => {
      running = await start({ sendLimit: 100 });
      const { socket } = await open();
      for (let i = 0; i < 2; ++i) {
        assert.throws(() => socket.send('x'.repeat(101)), { code: 'ERR_SEND_LIMIT' });
      }
      const expected = { ...NOTHING, accepted: 1, connections: 1, overSendLimit: 2 };
      assert.deepEqual(running.server.stats, expected);
    });

    it('go on after close(), for the clients that are left', async () => {
      running = await start({ sendLimit: 100 });
      const { server } = running;
      const { socket, request } = await open();
      server.close();
      assert.throws(() => socket.send('x'.repeat(101)), { code: 'ERR_SEND_LIMIT' });
      const expected = { ...NOTHING, accepted: 1, overSendLimit: 1 };
      assert.deepEqual(server.stats, { ...expected, connections: 1 });
      const closed = Promise.all([closeOf(server), closeOf(request.socket)]);
      socket.terminate();
      await closed;
      assert.deepEqual(server.stats, expected);
    });
  });
}

describe('server: stats', () => {
  it('what has been counted stays after close()', async () => {
    const running = await (WAYS['its own listener'] as (typeof WAYS)[string])({});
    const { server } = running;
    await exchange(running.connect(), 'GET / HTTP/1.1\r\nHost: h\r\n\r\n');
    // The engine hears of the client's end after the client.
    while (server.stats.connections > 0) await new Promise(setImmediate);
    assert.deepEqual(server.stats, { ...NOTHING, accepted: 1, notUpgrades: 1 });
    await running.close();
    assert.deepEqual(server.stats, { ...NOTHING, accepted: 1, notUpgrades: 1 });
  });

  it('over HTTP/2 each stream is a connection', async () => {
    const web = http2.createServer();
    const server = new WebSocketServer({ server: web, idleTimeout: 20 });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const session = http2.connect(`http://127.0.0.1:${(web.address() as AddressInfo).port}`);
    await once(session, 'remoteSettings');
    const ask = (): unknown =>
      session
        .request({
          ':method': 'CONNECT',
          ':protocol': 'websocket',
          ':path': '/',
          'sec-websocket-version': '13',
        })
        .on('error', () => undefined);
    for (let i = 0; i < 2; ++i) {
      const connected = once(server, 'connection') as Promise<[WebSocket]>;
      ask();
      const [socket] = await connected;
      assert.equal(server.stats.connections, 1);
      await once(socket, 'close');
      while (server.stats.connections > 0) await new Promise(setImmediate);
    }
    assert.deepEqual(server.stats, { ...NOTHING, accepted: 2, idle: 2 });
    session.destroy();
    await new Promise((resolve) => web.close(resolve));
  });
});
