/** Flow both ways: drain, the limit, pause and resume, one event a turn. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, message, open, opening, pair, until } from './support/sockets';
import { RawServer, type RawConnection } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';

const KIB = 1024;

/** A server that reads only when told to. */
async function reluctant(): Promise<{ server: RawServer; accepted: Promise<RawConnection> }> {
  let accept: (connection: RawConnection) => void;
  const accepted = new Promise<RawConnection>((resolve) => (accept = resolve));
  const server = await RawServer.listen(async (connection) => {
    await connection.accept();
    connection.socket.pause();
    accept(connection);
    await connection.closed;
  });
  return { server, accepted };
}

describe('WebSocket: flow', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  it('send() returns false over highWaterMark, and drain follows', async () => {
    const { server: slow, accepted } = await reluctant();
    const socket = await opening(
      open(slow.url, { highWaterMark: 64 * KIB, perMessageDeflate: false }),
    );
    let drains = 0;
    let events = 0;
    socket.on('drain', () => drains++);
    socket.addEventListener('drain', () => events++);
    assert.equal(socket.send('small'), true);
    let sent = 0;
    assert.equal(socket.writableNeedDrain, false);
    while (socket.send(Buffer.alloc(16 * KIB))) sent++;
    assert.ok(sent >= 3, `${sent}`);
    assert.equal(socket.writableNeedDrain, true);
    // The system's own buffers are full at last.
    while (socket.bufferedAmount < 4096 * KIB) socket.send(Buffer.alloc(256 * KIB));
    assert.equal(drains, 0);
    (await accepted).socket.resume();
    await until(() => drains > 0);
    assert.equal(events, drains);
    assert.equal(socket.send('goes on'), true);
    socket.terminate();
    await slow.close();
  });

  it('send() past sendLimit throws, or tells its callback; nothing of it is queued', async () => {
    const { server: slow } = await reluctant();
    const socket = await opening(
      open(slow.url, {
        sendLimit: 8 * 1024 * KIB,
        highWaterMark: 64 * KIB,
        perMessageDeflate: false,
      }),
    );
    let taken = 0;
    let error: NodeJS.ErrnoException | undefined;
    while (!error) {
      try {
        socket.send(Buffer.alloc(256 * KIB));
        taken++;
      } catch (caught) {
        error = caught as NodeJS.ErrnoException;
      }
    }
    assert.equal(error.code, 'ERR_SEND_LIMIT');
    assert.ok(taken >= 32, `${taken}`);
    const buffered = socket.bufferedAmount;
    assert.ok(buffered <= 8 * 1024 * KIB);
    const told = await new Promise<Error | undefined>((resolve) => {
      assert.equal(socket.send(Buffer.alloc(8 * 1024 * KIB), resolve), false);
    });
    assert.equal((told as NodeJS.ErrnoException).code, 'ERR_SEND_LIMIT');
    assert.ok(socket.bufferedAmount <= buffered);
    socket.terminate();
    await slow.close();
  });

  it('bufferedAmount is payload, and 0 when it has gone', async () => {
    const { server: slow, accepted } = await reluctant();
    const socket = await opening(open(slow.url, { perMessageDeflate: false }));
    assert.equal(socket.bufferedAmount, 0);
    for (let i = 0; i < 100; i++) socket.send(Buffer.alloc(256 * KIB));
    const { bufferedAmount } = socket;
    assert.ok(
      bufferedAmount > 1024 * KIB && bufferedAmount <= 100 * 256 * KIB,
      `${bufferedAmount}`,
    );
    (await accepted).socket.resume();
    await until(() => socket.bufferedAmount === 0);
    socket.terminate();
    await slow.close();
  });

  it('pause() holds messages, pings and the end back; resume() gives them in order', async () => {
    const [socket, peer] = await pair(server);
    const seen: string[] = [];
    socket.on('message', (data) => {
      seen.push(data.toString());
      if (data.toString() === 'a') socket.pause();
    });
    socket.on('ping', (data) => seen.push(`ping ${data}`));
    const end = closed(socket).then(({ code }) => seen.push(`close ${code}`));
    peer.send('a');
    peer.ping('p');
    peer.send('b');
    peer.close(1000);
    await until(() => seen.length === 1);
    assert.equal(socket.isPaused, true);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(seen, ['a']);
    socket.resume();
    assert.equal(socket.isPaused, false);
    await end;
    assert.deepEqual(seen, ['a', 'ping p', 'b', 'close 1000']);
  });

  it('pause() and resume() do nothing while connecting and after the end', async () => {
    const socket = open(server.url);
    socket.pause();
    assert.equal(socket.isPaused, false);
    await opening(socket);
    const end = closed(socket);
    socket.close();
    await end;
    socket.pause();
    assert.equal(socket.isPaused, false);
    socket.resume();
  });

  it('a paused socket stops its sender', async () => {
    const [socket, peer] = await pair(server, { perMessageDeflate: false });
    socket.pause();
    for (let i = 0; i < 64; i++) peer.send(Buffer.alloc(1024 * KIB));
    let turns = 0;
    let last = -1;
    // What waits at the peer no longer shrinks.
    while (turns < 50) {
      turns = peer.bufferedAmount === last ? turns + 1 : 0;
      last = peer.bufferedAmount;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(last > 16 * 1024 * KIB, `${last}`);
    let received = 0;
    socket.on('message', (data) => (received += (data as Buffer).length));
    socket.resume();
    await until(() => received === 64 * 1024 * KIB);
  });

  it('allowSynchronousEvents: several events in a turn by default', async () => {
    assert.ok((await turnsOf(true)) < 100);
  });

  it('allowSynchronousEvents: false, one event a turn', async () => {
    assert.ok((await turnsOf(false)) >= 100);
  });

  /** Turns of the event loop in which 100 messages that lie ready are delivered. */
  async function turnsOf(allowSynchronousEvents: boolean): Promise<number> {
    const [socket, peer] = await pair(server, { allowSynchronousEvents });
    let turn = 0;
    let counting = true;
    const count = (): void => {
      turn++;
      if (counting) setImmediate(count);
    };
    const turns = new Set<number>();
    const seen: string[] = [];
    socket.on('message', (data) => {
      turns.add(turn);
      seen.push(data.toString());
    });
    for (let i = 0; i < 100; i++) peer.send(String(i));
    setImmediate(count);
    await until(() => seen.length === 100);
    counting = false;
    assert.deepEqual(seen, [...Array(100).keys()].map(String));
    return allowSynchronousEvents ? turns.size : turns.size === 100 ? 100 : 0;
  }

  it('a burst arrives once and in order', async () => {
    const socket = await opening(open(server.url));
    const seen: number[] = [];
    socket.on('message', (data) => seen.push(Number(data.toString())));
    for (let i = 0; i < 10_000; i++) socket.send(String(i));
    await until(() => seen.length === 10_000);
    assert.ok(seen.every((value, index) => value === index));
    socket.send('last');
    await message(socket);
  });
});
