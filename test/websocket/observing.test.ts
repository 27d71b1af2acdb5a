/** What can be seen from outside: counters, diagnostics_channel, the process kept alive or not. */
import { strict as assert } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { closed, endSockets, message, open, opening, pair } from './support/sockets';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';
import type { WebSocket } from '../../lib';

describe('WebSocket: observing', () => {
  let server: WsServer;
  before(
    async () => (server = await startWsServer({ ws: { perMessageDeflate: { threshold: 0 } } })),
  );
  afterEach(endSockets);
  after(() => server.close());

  it('stats: zeros before anything, then what went over the wire', async () => {
    const socket = open(server.url, { perMessageDeflate: false });
    assert.equal(socket.stats.messagesSent, 0);
    assert.equal(socket.stats.roundTripTime, -1);
    await opening(socket);
    socket.send('12345');
    await message(socket);
    socket.send(Buffer.alloc(1000));
    await message(socket);
    const { stats } = socket;
    assert.deepEqual(
      [stats.messagesSent, stats.messagesReceived, stats.framesSent, stats.framesReceived],
      [2, 2, 2, 2],
    );
    assert.deepEqual([stats.payloadBytesSent, stats.payloadBytesReceived], [1005, 1005]);
    // Headers of 2 and 4 bytes, and masks of 4.
    assert.deepEqual([stats.wireBytesSent, stats.wireBytesReceived], [1005 + 6 + 8, 1005 + 2 + 4]);
    assert.deepEqual([stats.sentCompressionRatio, stats.receivedCompressionRatio], [1, 1]);
    assert.deepEqual([stats.sendQueueBytes, stats.receiveQueueBytes], [0, 0]);
  });

  it('stats: compression', async () => {
    const [socket] = await pair(server);
    const text = 'the same again and again. '.repeat(400);
    socket.send(text);
    await message(socket);
    const { stats } = socket;
    assert.ok(stats.sentCompressionRatio > 20, `${stats.sentCompressionRatio}`);
    assert.ok(stats.receivedCompressionRatio > 20, `${stats.receivedCompressionRatio}`);
    assert.equal(stats.deflatedBytesSent, text.length);
    assert.equal(stats.inflatedBytesReceived, text.length);
    assert.ok(stats.compressedBytesSent < text.length / 20);
  });

  it('stats: the round trip of ping() as well; they stay after the end', async () => {
    const [socket] = await pair(server);
    socket.ping('x');
    await new Promise((resolve) => socket.once('pong', resolve));
    assert.ok(socket.stats.roundTripTime >= 0 && socket.stats.roundTripTime < 5000);
    socket.send('x');
    await message(socket);
    const end = closed(socket);
    socket.close();
    await end;
    assert.equal(socket.stats.messagesReceived, 1);
    assert.ok(socket.stats.framesReceived >= 2);
    assert.ok(socket.stats.roundTripTime >= 0);
  });

  it('diagnostics_channel: open, ping, pong, close, error, reconnecting', async () => {
    const seen: [string, Record<string, unknown>][] = [];
    const names = ['open', 'close', 'error', 'ping', 'pong', 'reconnecting'];
    const listener = (data: unknown, name: string | symbol): void =>
      void seen.push([
        String(name).replace('verawebsockets:', ''),
        data as Record<string, unknown>,
      ]);
    for (const name of names) subscribe(`verawebsockets:${name}`, listener);
    try {
      const [socket, peer] = await pair(server);
      const pinged = new Promise((resolve) => socket.once('ping', resolve));
      peer.ping('hello');
      await pinged;
      const ponged = new Promise((resolve) => socket.once('pong', resolve));
      socket.ping('there');
      await ponged;
      const end = closed(socket);
      socket.close(1000, 'bye');
      await end;
      const failing = open('ws://127.0.0.1:1', { reconnect: { min: 0, max: 0, attempts: 1 } });
      await closed(failing);
      assert.deepEqual(
        seen.map(([name]) => name),
        ['open', 'ping', 'pong', 'close', 'reconnecting', 'error', 'close'],
      );
      const of = (index: number): Record<string, unknown> =>
        (seen[index] as [string, Record<string, unknown>])[1];
      assert.equal(of(0)['websocket'], socket);
      assert.deepEqual(
        [of(0)['url'], of(0)['address'], of(0)['extensions']],
        [socket.url, '127.0.0.1', 'permessage-deflate'],
      );
      assert.deepEqual(of(1)['payload'], Buffer.from('hello'));
      assert.deepEqual(of(2)['payload'], Buffer.from('there'));
      assert.deepEqual([of(3)['code'], of(3)['reason'], of(3)['wasClean']], [1000, 'bye', true]);
      assert.equal((of(4)['info'] as { attempt: number }).attempt, 1);
      assert.equal((of(5)['error'] as NodeJS.ErrnoException).code, 'ECONNREFUSED');
      assert.equal(of(6)['websocket'], failing);
    } finally {
      for (const name of names) unsubscribe(`verawebsockets:${name}`, listener);
    }
  });

  it('an open socket keeps the process alive', async () => {
    const { stdout } = await expectExit(
      `const socket = new lib.WebSocket(args.url);
       socket.on('open', () => setTimeout(() => { console.log('still here'); socket.close(); }, 50).unref());`,
      { args: { url: server.url } },
    );
    assert.equal(stdout, 'still here\n');
  });

  for (const unref of ['unref()', "[Symbol.for('nodejs.unref')]()"]) {
    it(`${unref} lets it end`, async () => {
      await expectExit(
        `const socket = new lib.WebSocket(args.url);
         socket.on('open', () => { console.log('open'); socket${unref.startsWith('[') ? '' : '.'}${unref}; });
         socket.on('close', () => console.log('not reached'));`,
        { args: { url: server.url } },
      );
    });
  }

  it('unref() holds while reconnecting too, and ref() takes it back', async () => {
    await expectExit(
      `const socket = new lib.WebSocket('ws://127.0.0.1:1', { reconnect: { min: 60000, max: 60000 } });
       socket.on('reconnecting', () => socket.unref());`,
    );
    const { stdout } = await expectExit(
      `const socket = new lib.WebSocket(args.url).unref();
       socket[Symbol.for('nodejs.ref')]();
       socket.on('open', () => { console.log('open'); socket.terminate(); });`,
      { args: { url: server.url } },
    );
    assert.equal(stdout, 'open\n');
  });

  it('two sockets of one process do not disturb each other', async () => {
    const sockets = await Promise.all(Array.from({ length: 20 }, () => opening(open(server.url))));
    await Promise.all(
      sockets.map(async (socket: WebSocket, index) => {
        socket.send(`for ${index}`);
        assert.equal((await message(socket))[0].toString(), `for ${index}`);
      }),
    );
  });
});
