/** Heartbeat: a dead peer is found in bounded time, a living one is left alone. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, open, opening, pair, until } from './support/sockets';
import { Opcode, pong, text } from '../support/frames';
import { type RawConnection, RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { WebSocket } from '../../lib';

describe('WebSocket: heartbeat', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  it('a peer that does not answer is closed with 1006 within interval and timeout', async () => {
    const dead = await RawServer.listen(async (connection) => {
      await connection.accept();
      await connection.closed;
    });
    const socket = await opening(open(dead.url, { heartbeat: { interval: 40, timeout: 60 } }));
    const begun = performance.now();
    const { code } = await closed(socket);
    const took = performance.now() - begun;
    assert.equal(code, 1006);
    assert.ok(took >= 80 && took < 2000, `${took} ms`);
    await dead.close();
  });

  it('a peer that answers lives on; the round trip is measured', async () => {
    const [socket, peer] = await pair(server, { heartbeat: 15 });
    assert.equal(socket.stats.roundTripTime, -1);
    let pings = 0;
    await new Promise<void>((resolve) => {
      peer.on('ping', () => {
        if (++pings === 4) resolve();
      });
    });
    assert.equal(socket.readyState, WebSocket.OPEN);
    assert.ok(socket.stats.roundTripTime >= 0);
  });

  it('any frame is a sign of life', async () => {
    let beats = 0;
    const chatty = await RawServer.listen(async (connection) => {
      await connection.accept();
      for (;;) {
        const frame = await connection.readFrame();
        if (frame?.opcode !== Opcode.Ping) break;
        // The answers are to nothing that was asked.
        connection.write(beats++ % 2 ? text('alive') : pong('unasked'));
      }
    });
    const socket = await opening(open(chatty.url, { heartbeat: { interval: 15, timeout: 500 } }));
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        if (beats >= 4) resolve(clearInterval(timer));
      }, 5);
    });
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.terminate();
    await chatty.close();
  });

  // What a peer that hangs behind a slow program does: its system takes in, and the program reads, at leisure.
  async function readSlowly(connection: RawConnection, whole: Promise<unknown>): Promise<void> {
    let reading = true;
    void whole.then(() => (reading = false));
    connection.socket.on('data', () => {
      connection.socket.pause();
      setTimeout(() => connection.socket.resume(), reading ? 15 : 0);
    });
    await connection.accept();
  }

  // A Unix socket does not tell how much of it was taken, as TCP does.
  for (const on of ['127.0.0.1', 'unix'] as const) {
    it(`a peer that is slow to read a large message is not taken for dead: ${on}`, async () => {
      const payload = Buffer.alloc(8 << 20);
      const slow = await RawServer.listen(
        async (connection) => {
          const whole = connection.waitFor(payload.length);
          await readSlowly(connection, whole);
          await whole;
          for (;;) {
            const frame = await connection.readFrame();
            if (!frame) break;
            if (frame.opcode === Opcode.Ping) connection.write(pong(frame.payload));
          }
        },
        { on },
      );
      const heartbeat = { interval: 50, timeout: 1000 };
      const socket = await opening(open(slow.url, { heartbeat, perMessageDeflate: false }));
      const end = closed(socket);
      socket.send(payload);
      const done = until(() => socket.stats.roundTripTime >= 0).then(() => 'answered');
      assert.equal(await Promise.race([end, done]), 'answered');
      assert.equal(socket.bufferedAmount, 0);
      socket.terminate();
      await slow.close();
    });
  }

  it('a peer that takes nothing any more is dead, however much waits for it', async () => {
    const stuck = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.socket.pause();
      await connection.closed;
    });
    const heartbeat = { interval: 40, timeout: 60 };
    const socket = await opening(open(stuck.url, { heartbeat, perMessageDeflate: false }));
    for (let i = 0; i < 32; i++) socket.send(Buffer.alloc(1 << 20));
    const { code } = await closed(socket);
    assert.equal(code, 1006);
    assert.ok(socket.bufferedAmount > 0);
    await stuck.close();
  });

  it('what its system takes in after the ping does not keep a dead peer alive', async () => {
    const hanging = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.socket.pause();
      await connection.closed;
    });
    const heartbeat = { interval: 40, timeout: 60 };
    const socket = await opening(open(hanging.url, { heartbeat, perMessageDeflate: false }));
    const chatter = setInterval(() => socket.send('are you there?'), 5);
    const { code } = await closed(socket);
    clearInterval(chatter);
    assert.equal(code, 1006);
    await hanging.close();
  });

  it('refuses what is no interval', () => {
    for (const heartbeat of [0, -1, NaN, 2 ** 31, { interval: 0 }, { interval: 5, timeout: 0 }]) {
      assert.throws(() => new WebSocket(server.url, { heartbeat }), { name: 'RangeError' });
    }
    for (const heartbeat of ['5', {}, [], { interval: 5, other: 1 }]) {
      assert.throws(() => new WebSocket(server.url, { heartbeat: heartbeat as number }), {
        name: 'TypeError',
      });
    }
  });
});
