/** `idleTimeout`: connections without traffic are closed. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { WebSocketServer, type WebSocket } from '../../lib';
import { ping, pong } from '../support/frames';
import { upgradeRequest, WAYS, type Running } from './support/ways';

/** In ms. The longer one is for those that must speak in time, on a machine that is busy. */
const SHORT = 40;
const LONG = 500;
const MASK = { mask: Buffer.of(1, 2, 3, 4) };

const SPEAKING = ['its own listener', 'a Duplex given to handleUpgrade()'];

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: idleTimeout, ${way}`, () => {
    let running: Running;
    const peers: Socket[] = [];
    afterEach(async () => {
      for (const peer of peers.splice(0)) peer.destroy();
      await running.close();
    });

    async function open(): Promise<{ socket: WebSocket; peer: Socket }> {
      const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
      const peer = running.connect().on('error', () => undefined);
      peers.push(peer);
      peer.write(upgradeRequest());
      const [socket] = await connected;
      return { socket, peer: peer.resume() };
    }

    it('closes with 1006, without an error', async () => {
      const began = performance.now();
      running = await start({ idleTimeout: SHORT });
      const { socket, peer } = await open();
      socket.on('error', assert.fail);
      const [code, reason] = (await once(socket, 'close')) as [number, Buffer];
      assert.deepEqual([code, reason.length], [1006, 0]);
      assert.ok(performance.now() - began >= SHORT - 1);
      if (!peer.closed) await once(peer, 'close');
      assert.equal(running.server.stats.idle, 1);
    });

    it('a paused socket is not idle', async () => {
      running = await start({ idleTimeout: SHORT });
      const { socket } = await open();
      socket.pause();
      // As long as it takes others to be closed.
      for (let i = 0; i < 2; ++i) await once((await open()).socket, 'close');
      assert.equal(socket.readyState, socket.OPEN);
      socket.resume();
      await once(socket, 'close');
    });

    if (!SPEAKING.includes(way)) return;

    for (const [what, speak] of [
      ['comes', ({ peer }) => void peer.write(ping('', MASK))],
      ['goes', ({ socket }) => socket.send('x')],
    ] as [string, (both: { socket: WebSocket; peer: Socket }) => void][]) {
      it(`what ${what} is traffic`, async () => {
        running = await start({ idleTimeout: LONG });
        const both = await open();
        const began = performance.now();
        let spoken = 0;
        const timer = setInterval(() => {
          speak(both);
          if (++spoken === 8) clearInterval(timer);
        }, LONG / 5);
        await once(both.socket, 'close');
        assert.equal(spoken, 8);
        assert.ok(performance.now() - began >= (LONG / 5) * 8 + LONG - 2);
      });
    }

    it('the heartbeat keeps those open that answer', async () => {
      running = await start({ idleTimeout: LONG, heartbeat: { interval: 100, timeout: 5000 } });
      const { socket, peer } = await open();
      let pings = 0;
      await new Promise<void>((resolve) => {
        peer.on('data', (data: Buffer) => {
          if (data[0] !== 0x89) return; // the answer
          peer.write(pong(data.subarray(2), MASK));
          if (++pings === 8) resolve();
        });
      });
      assert.equal(socket.readyState, socket.OPEN);
    });
  });
}

describe('server: idleTimeout', () => {
  it('is checked when the server is made', () => {
    const make = (idleTimeout: unknown) => () =>
      new WebSocketServer({ noServer: true, idleTimeout: idleTimeout as number });
    assert.throws(make('1'), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(make(-1), { code: 'ERR_OUT_OF_RANGE' });
    assert.throws(make(2 ** 31), { code: 'ERR_OUT_OF_RANGE' });
    make(0)();
  });
});
