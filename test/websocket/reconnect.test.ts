/** Reconnecting: when, how soon, how often, and what becomes of messages that were not sent. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, failure, open, opening, record, until } from './support/sockets';
import { freePort } from '../support/free-port';
import { Opcode } from '../support/frames';
import { RawServer, type RawConnection } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { type ReconnectInfo, type ReconnectOptions, WebSocket } from '../../lib';
import { delayBefore, reconnectPolicy, type ReconnectPolicy } from '../../lib/client/reconnect';

const SIZE = 512 * 1024;
const FAST: ReconnectOptions = { min: 1, max: 5 };

describe('WebSocket: reconnecting', () => {
  let server: WsServer;
  beforeEach(async () => (server = await startWsServer()));
  afterEach(async () => {
    await endSockets();
    await server.close();
  });

  describe('policy', () => {
    const policy = (options: ReconnectOptions): ReconnectPolicy =>
      reconnectPolicy(options) as ReconnectPolicy;

    it('grows by the factor to the maximum', () => {
      const p = policy({ min: 100, max: 1000, factor: 3, jitter: 0 });
      assert.deepEqual(
        [1, 2, 3, 4, 50, 5000].map((n) => delayBefore(p, n)),
        [100, 300, 900, 1000, 1000, 1000],
      );
    });

    it('jitter takes away its part of the wait', () => {
      const p = policy({ min: 1000, jitter: 0.5 });
      assert.equal(delayBefore(p, 1, 0), 1000);
      assert.equal(delayBefore(p, 1, 1), 500);
      assert.equal(delayBefore(policy({ min: 1000, jitter: 1 }), 1, 1), 0);
    });

    it('is off unless asked for', () => {
      assert.equal(reconnectPolicy(undefined), undefined);
      assert.equal(reconnectPolicy(false), undefined);
    });

    it('has defaults', () => {
      const { when, ...rest } = reconnectPolicy(true) as ReconnectPolicy;
      assert.equal(typeof when, 'function');
      assert.deepEqual(rest, {
        min: 500,
        max: 30_000,
        factor: 2,
        jitter: 0.5,
        attempts: Infinity,
        keep: false,
      });
    });

    it('does not try after 1000, nor after most 4xx', () => {
      const { when } = reconnectPolicy(true) as ReconnectPolicy;
      const info = (code: number, status?: number): ReconnectInfo => ({
        attempt: 1,
        delay: 0,
        code,
        reason: '',
        error: status === undefined ? undefined : Object.assign(new Error(), { status }),
      });
      assert.deepEqual(
        [1000, 1001, 1005, 1006, 1012, 4000].map((code) => when(info(code))),
        [false, true, true, true, true, true],
      );
      assert.deepEqual(
        [400, 401, 404, 408, 425, 429, 500, 503].map((status) => when(info(1006, status))),
        [false, false, false, true, true, true, true, true],
      );
    });

    for (const [options, name] of [
      [{ min: -1 }, 'RangeError'],
      [{ min: 10, max: 5 }, 'RangeError'],
      [{ factor: 0.5 }, 'RangeError'],
      [{ jitter: 1.5 }, 'RangeError'],
      [{ jitter: NaN }, 'RangeError'],
      [{ attempts: 0 }, 'RangeError'],
      [{ min: '1' }, 'TypeError'],
      [{ unsent: 'lose' }, 'TypeError'],
      [{ when: true }, 'TypeError'],
      [{ minimum: 1 }, 'TypeError'],
      ['yes', 'TypeError'],
    ] as const) {
      it(`refuses ${JSON.stringify(options)}`, () => {
        assert.throws(() => new WebSocket(server.url, { reconnect: options as ReconnectOptions }), {
          name,
          message: /options\.reconnect/,
        });
      });
    }
  });

  it('comes back after a loss: reconnecting, open, reconnected; no error and no close', async () => {
    const socket = await opening(open(server.url, { reconnect: FAST }));
    const seen = record(socket, ['open', 'error', 'close', 'reconnecting', 'reconnected']);
    const events: string[] = [];
    socket.addEventListener('reconnecting', (event) =>
      events.push(`${event.attempt} ${event.code}`),
    );
    socket.addEventListener('reconnected', (event) => events.push(event.type));
    (await server.nextConnection()).socket.terminate();
    await opening(socket);
    socket.send('again');
    await new Promise((resolve) => socket.once('message', resolve));
    assert.deepEqual(seen, ['reconnecting 0', 'open 1', 'reconnected 1']);
    assert.deepEqual(events, ['1 1006', 'reconnected']);
  });

  it('asks with headers as they are by then', async () => {
    const headers = { authorization: 'Bearer one' };
    const socket = open(server.url, { headers, reconnect: FAST });
    socket.on('reconnecting', () => (headers.authorization = 'Bearer two'));
    const first = await server.nextConnection();
    first.socket.terminate();
    const second = await server.nextConnection();
    assert.equal(first.request.headers.authorization, 'Bearer one');
    assert.equal(second.request.headers.authorization, 'Bearer two');
  });

  it('comes back after a restart, trying in between', async () => {
    const { port, url } = server;
    const socket = await opening(open(url, { reconnect: FAST }));
    const infos: ReconnectInfo[] = [];
    socket.on('reconnecting', (info) => infos.push(info));
    await server.close();
    await until(() => infos.length >= 3);
    assert.deepEqual(infos.map(({ attempt }) => attempt).slice(0, 3), [1, 2, 3]);
    assert.equal((infos[1]?.error as NodeJS.ErrnoException).code, 'ECONNREFUSED');
    const reconnected = new Promise((resolve) => socket.once('reconnected', resolve));
    server = await startWsServer({ port });
    assert.ok(((await reconnected) as number) >= 3);
    assert.equal(socket.readyState, WebSocket.OPEN);
    const echoed = new Promise((resolve) => socket.once('message', resolve));
    socket.send('back');
    assert.equal(String(await echoed), 'back');
    socket.close();
    assert.equal((await closed(socket)).code, 1005);
  });

  it('tries the first connection again as well', async () => {
    let count = 0;
    const flaky = await RawServer.listen(async (connection) => {
      if (++count < 3) connection.reset();
      else await connection.accept();
      await connection.closed;
    });
    const socket = open(flaky.url, { reconnect: FAST });
    const attempts: number[] = [];
    socket.on('reconnecting', ({ attempt }) => attempts.push(attempt));
    await opening(socket);
    assert.deepEqual(attempts, [1, 2]);
    await endSockets();
    await flaky.close();
  });

  it('gives up after `attempts`: error, close', async () => {
    const socket = open(`ws://127.0.0.1:${await freePort()}`, {
      reconnect: { ...FAST, attempts: 2 },
    });
    const seen = record(socket, ['error', 'close', 'reconnecting']);
    assert.equal((await failure(socket)).code, 'ECONNREFUSED');
    assert.deepEqual(seen, ['reconnecting 0', 'reconnecting 0', 'error 2', 'close 3']);
  });

  it('counts attempts anew after each success', async () => {
    const socket = await opening(open(server.url, { reconnect: { ...FAST, attempts: 1 } }));
    const attempts: number[] = [];
    socket.on('reconnecting', ({ attempt }) => attempts.push(attempt));
    for (let i = 0; i < 3; i++) {
      const again = opening(socket);
      (await server.nextConnection()).socket.terminate();
      await again;
    }
    assert.deepEqual(attempts, [1, 1, 1]);
  });

  it('does not come back after close(), nor after the peer’s 1000', async () => {
    const mine = await opening(open(server.url, { reconnect: FAST }));
    mine.close(1001);
    assert.equal((await closed(mine)).code, 1001);
    await server.nextConnection();
    const theirs = await opening(open(server.url, { reconnect: FAST }));
    (await server.nextConnection()).socket.close(1000);
    assert.equal((await closed(theirs)).code, 1000);
  });

  it('`when` decides', async () => {
    const infos: ReconnectInfo[] = [];
    const when = (info: ReconnectInfo): boolean => infos.push(info) < 2;
    const socket = await opening(open(server.url, { reconnect: { ...FAST, when } }));
    let again = opening(socket);
    (await server.nextConnection()).socket.close(1000, 'bye');
    await again;
    const end = closed(socket);
    (await server.nextConnection()).socket.close(4000, 'over');
    assert.equal((await end).code, 4000);
    assert.deepEqual(
      infos.map(({ code, reason }) => [code, reason]),
      [
        [1000, 'bye'],
        [4000, 'over'],
      ],
    );
    again = Promise.resolve(socket);
  });

  it('close() while it waits ends it, without an error once it was open', async () => {
    const socket = await opening(open(server.url, { reconnect: { min: 60_000, max: 60_000 } }));
    const waiting = new Promise((resolve) => socket.once('reconnecting', resolve));
    (await server.nextConnection()).socket.terminate();
    await waiting;
    const end = closed(socket);
    socket.close();
    assert.deepEqual(await end, { code: 1006, reason: '', errors: [] });
  });

  it('an error of the protocol is told only if it is the end', async () => {
    let count = 0;
    const bad = await RawServer.listen(async (connection) => {
      await connection.accept();
      if (count++ === 0) {
        connection.write(Buffer.from([0xff, 0x00]));
        await connection.readFrames(true);
        connection.end();
      }
      await connection.closed;
    });
    const socket = open(bad.url, { reconnect: FAST });
    socket.on('error', (error) => assert.fail(error));
    // Both may come in one batch.
    const lost = new Promise<ReconnectInfo>((resolve) => socket.once('reconnecting', resolve));
    await opening(socket);
    const info = await lost;
    assert.match((info.error as NodeJS.ErrnoException).code ?? '', /^WS_ERR_/);
    await opening(socket);
    await endSockets();
    await bad.close();
  });

  describe('unsent messages', () => {
    /** A server whose first connection does not read; later ones collect payloads. */
    async function losing(): Promise<{
      raw: RawServer;
      first: Promise<RawConnection>;
      got: Buffer[];
    }> {
      let resolve: (connection: RawConnection) => void;
      const first = new Promise<RawConnection>((done) => (resolve = done));
      const got: Buffer[] = [];
      let count = 0;
      const raw = await RawServer.listen(async (connection) => {
        await connection.accept();
        if (count++ === 0) {
          connection.socket.pause();
          resolve(connection);
          await connection.closed;
          return;
        }
        for (
          let frame = await connection.readFrame();
          frame;
          frame = await connection.readFrame()
        ) {
          if (frame.opcode <= Opcode.Binary) got.push(frame.payload);
        }
      });
      return { raw, first, got };
    }

    it('are discarded by default: their callbacks get an error', async () => {
      const { raw, first, got } = await losing();
      const socket = await opening(open(raw.url, { reconnect: FAST, perMessageDeflate: false }));
      const results: (Error | undefined)[] = [];
      for (let i = 0; i < 64; i++)
        socket.send(Buffer.alloc(1024 * 1024, i), (error) => results.push(error));
      (await first).reset();
      await new Promise((resolve) => socket.once('reconnecting', resolve));
      assert.throws(() => socket.send('x'), { code: 'ERR_NOT_OPEN' });
      await opening(socket);
      assert.equal(results.length, 64);
      const lost = results.filter((error) => error !== undefined);
      assert.ok(lost.length > 0);
      assert.ok(lost.every((error) => (error as NodeJS.ErrnoException).code === 'ERR_NOT_SENT'));
      socket.send('new');
      await until(() => got.length === 1);
      assert.equal(got[0]?.toString(), 'new');
      await endSockets();
      await raw.close();
    });

    it("are sent on the next connection with unsent: 'keep', in order, behind those of open", async () => {
      const { raw, first, got } = await losing();
      const socket = open(raw.url, {
        reconnect: { ...FAST, unsent: 'keep' },
        perMessageDeflate: false,
      });
      socket.send('before open');
      await opening(socket);
      const results: (Error | undefined)[] = [];
      for (let i = 0; i < 24; i++) {
        const data = Buffer.alloc(SIZE, i);
        socket.send(data, (error) => results.push(error));
        data.fill(0xee);
      }
      socket.on('open', () => socket.send('login'));
      (await first).reset();
      await new Promise((resolve) => socket.once('reconnecting', resolve));
      socket.send('while away');
      assert.ok(socket.bufferedAmount > 1024 * 1024);
      await until(() => got.at(-1)?.toString() === 'while away');
      assert.equal(got[0]?.toString(), 'login');
      const numbers = got.slice(1, -1).map((data) => data[0] as number);
      assert.equal(numbers.at(-1), 23);
      numbers.forEach((number, index) => assert.equal(number, (numbers[0] as number) + index));
      assert.ok(got.slice(1, -1).every((data) => data.length === SIZE));
      await until(() => results.length === 24);
      assert.ok(results.every((error) => error === undefined));
      await endSockets();
      await raw.close();
    });

    it('are refused past sendLimit', async () => {
      const socket = open(`ws://127.0.0.1:${await freePort()}`, {
        reconnect: { min: 60_000, max: 60_000, unsent: 'keep' },
        sendLimit: 1000,
        highWaterMark: 100,
      });
      socket.on('error', () => undefined);
      socket.send(Buffer.alloc(900));
      assert.throws(() => socket.send(Buffer.alloc(200)), { code: 'ERR_SEND_LIMIT' });
      const waiting = new Promise<Error | undefined>((resolve) => socket.send('callback', resolve));
      socket.terminate();
      assert.equal(((await waiting) as NodeJS.ErrnoException).code, 'ERR_NOT_SENT');
    });

    it('are refused past sendLimit though they have no payload', async () => {
      const socket = open(`ws://127.0.0.1:${await freePort()}`, {
        reconnect: { min: 60_000, max: 60_000, unsent: 'keep' },
        sendLimit: 1000,
        highWaterMark: 100,
      });
      socket.on('error', () => undefined);
      const keepEmpty = (): void => {
        for (let i = 0; i < 10_000; ++i) socket.send('');
      };
      assert.throws(keepEmpty, { code: 'ERR_SEND_LIMIT' });
      assert.equal(socket.bufferedAmount, 0);
      socket.terminate();
    });

    it('a message whose first fragment is lost is refused to its end', async () => {
      const socket = await opening(open(server.url, { reconnect: FAST }));
      socket.send('first', { fin: false });
      const again = opening(socket);
      (await server.nextConnection()).socket.terminate();
      await again;
      assert.throws(() => socket.send('second', { fin: false }), { code: 'ERR_NOT_SENT' });
      assert.throws(() => socket.send('last'), { code: 'ERR_NOT_SENT' });
      socket.send('whole');
      const data = await new Promise((resolve) =>
        socket.once('message', (bytes) => resolve(bytes.toString())),
      );
      assert.equal(data, 'whole');
    });
  });
});
