/** server.drain(): who is closed when, who is cut off, and who is refused meanwhile, on each way in. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import {
  WebSocket,
  type DrainOptions,
  type DrainResult,
  type ServerOptions,
  type WebSocketServer,
} from '../../lib';
import { certificates } from '../support/certificates';
import { finishAndBeClosed } from './support/late';
import { exchange, head, upgradeRequest, WAYS, type Running } from './support/ways';

const REQUEST = upgradeRequest();

describe('server.drain()', () => {
  let running: Running;
  const clients: WebSocket[] = [];
  const raw: Socket[] = [];

  async function start(way: string, options: ServerOptions = {}): Promise<WebSocketServer> {
    running = await (WAYS[way] as (typeof WAYS)[string])(options);
    return running.server;
  }

  async function join(count: number): Promise<WebSocket[]> {
    const made = await Promise.all(
      Array.from({ length: count }, async () => {
        const connected = once(running.server, 'connection');
        const client = new WebSocket(running.url, {
          ca: certificates().ca,
          servername: 'localhost',
        });
        clients.push(client);
        await Promise.all([once(client, 'open'), connected]);
        return client;
      }),
    );
    return made;
  }

  /** A client that answers no Close frame. */
  async function joinSilent(): Promise<Socket> {
    const socket = running.connect();
    raw.push(socket);
    socket.on('error', () => undefined);
    socket.write(REQUEST);
    await once(running.server, 'connection');
    return socket;
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    for (const socket of raw.splice(0)) socket.destroy();
    await running.close();
  });

  for (const way of Object.keys(WAYS)) {
    it(`closes all with the code and the reason: ${way}`, async () => {
      const server = await start(way);
      const joined = await join(5);
      const closes = joined.map((client) => once(client, 'close'));
      const closed = once(server, 'close');
      const result = await server.drain({ code: 1012, reason: 'bye', spread: 10 });
      assert.deepEqual(result, { closed: 5, left: 0, terminated: 0 });
      await closed;
      for (const [code, reason] of (await Promise.all(closes)) as [number, Buffer][]) {
        assert.deepEqual([code, reason.toString()], [1012, 'bye']);
      }
    });

    it(`cuts off who is left at the deadline, without clientTracking too: ${way}`, async () => {
      const server = await start(way, { clientTracking: false });
      const silent = await joinSilent();
      await join(1);
      const end = once(silent, 'close');
      silent.resume();
      const result = await server.drain({ spread: 0, deadline: 50 });
      assert.deepEqual(result, { closed: 1, left: 0, terminated: 1 });
      await end;
    });
  }

  for (const way of ["Node's http server", 'a Duplex given to handleUpgrade()']) {
    it(`answers 503 until all have gone, and lets the HTTP server be: ${way}`, async () => {
      const server = await start(way);
      const silent = await joinSilent();
      const drained = server.drain({ spread: 0 });
      assert.match(await exchange(running.connect(), REQUEST), /^HTTP\/1\.1 503 /);
      silent.destroy();
      assert.deepEqual(await drained, { closed: 1, left: 0, terminated: 0 });
      const plain = 'GET /nothing HTTP/1.0\r\n\r\n';
      const http = exchange(running.connect(), plain);
      // Nobody answers it; what matters is that it is heard.
      const listener = running.http as NonNullable<Running['http']>;
      const [, response] = (await once(listener, 'request')) as [unknown, { end(): void }];
      response.end();
      assert.match(await http, /^HTTP\/1\.1 200 /);
    });
  }

  it('listens no more', async () => {
    const server = await start('its own listener');
    const silent = await joinSilent();
    const drained = server.drain({ spread: 0 });
    // The engine may still take who comes until it has heard of it; nobody is let in.
    for (let code: string | undefined; code !== 'ECONNREFUSED';) {
      const attempt = exchange(connect(running.port, '127.0.0.1'), REQUEST);
      code = await attempt.then(
        (answer) => void assert.doesNotMatch(answer, /^HTTP\/1\.1 101 /),
        (error: NodeJS.ErrnoException) => error.code,
      );
    }
    assert.equal(server.address(), null);
    silent.destroy();
    await drained;
  });

  it('spreads the Close frames evenly, and counts who leaves before', async () => {
    const server = await start('its own listener');
    const joined: WebSocket[] = [];
    for (let i = 0; i < 8; ++i) joined.push(...(await join(1)));
    const ends = joined.map((client) => once(client, 'close'));
    const began = performance.now();
    const times: number[] = [];
    for (const client of joined) {
      client.once('close', (code: number) => {
        if (code === 1001) times.push(performance.now() - began);
      });
    }
    // The last in the queue.
    const last = joined.at(-1) as WebSocket;
    const drained = server.drain({ spread: 400 });
    last.close(1000);
    assert.deepEqual(await drained, { closed: 7, left: 1, terminated: 0 });
    await Promise.all(ends);
    assert.equal(times.length, 7);
    // One every 50 ms. Timers may be late, never early, but for their rounding.
    times.forEach((time, i) => assert.ok(time >= 50 * i - 2, `${i}: ${times.join(' ')}`));
  });

  it('closes sockets that are paused', async () => {
    const server = await start('its own listener');
    server.on('connection', (socket: WebSocket) => socket.pause());
    await join(2);
    const result = await server.drain({ spread: 0 });
    assert.deepEqual(result, { closed: 2, left: 0, terminated: 0 });
  });

  it('refuses at the deadline what verifyClient has not decided', async () => {
    let answer: ((verified: boolean) => void) | undefined;
    const asked = new Promise<void>((resolve) => {
      void start('its own listener', {
        verifyClient: (_, callback) => {
          answer = callback;
          resolve();
        },
      }).then(() => raw.push(running.connect()) && raw[0]?.write(REQUEST));
    });
    await asked;
    const answered = new Promise<string>((resolve) => {
      raw[0]?.once('data', (chunk: Buffer) => resolve(chunk.toString()));
    });
    const closed = once(running.server, 'close');
    const result = await running.server.drain({ spread: 0, deadline: 20 });
    assert.deepEqual(result, { closed: 0, left: 0, terminated: 0 });
    assert.match(await answered, /^HTTP\/1\.1 503 /);
    answer?.(true);
    await closed;
  });

  for (const way of Object.keys(WAYS)) {
    it(`lets in whom verifyClient was deciding about, and closes it: ${way}`, async () => {
      const asked = new Promise<(verified: boolean) => void>((resolve) => {
        void start(way, { verifyClient: (_, callback) => resolve(callback) }).then(() => {
          clients.push(
            new WebSocket(running.url, { ca: certificates().ca, servername: 'localhost' }),
          );
        });
      });
      const answer = await asked;
      const drained = running.server.drain({ spread: 0 });
      const [client] = clients as [WebSocket];
      const open = once(client, 'open');
      const closed = once(client, 'close');
      answer(true);
      await open;
      assert.equal((await closed)[0], 1001);
      assert.deepEqual(await drained, { closed: 1, left: 0, terminated: 0 });
    });
  }

  for (const way of ['its own listener', 'its own listener over TLS']) {
    it(`lets in who is in the middle of the handshake, and closes it: ${way}`, async () => {
      const server = await start(way);
      const socket = running.connect();
      raw.push(socket);
      await once(socket, way.endsWith('TLS') ? 'secureConnect' : 'connect');
      socket.write(REQUEST.slice(0, 30));
      while (server.stats?.handshakes !== 1) await new Promise(setImmediate);
      const drained = server.drain({ spread: 0 });
      await finishAndBeClosed(socket, REQUEST.slice(30));
      assert.equal((await drained).terminated, 0);
    });
  }

  it('does not wait longer than the deadline for a handshake', async () => {
    const server = await start('its own listener');
    raw.push(connect(running.port, '127.0.0.1'));
    while (server.stats?.handshakes !== 1) await new Promise(setImmediate);
    const result = await server.drain({ spread: 0, deadline: 50 });
    assert.deepEqual(result, { closed: 0, left: 0, terminated: 0 });
  });

  it('gives the same promise to a second call, and close() waits for it', async () => {
    const server = await start('its own listener');
    const silent = await joinSilent();
    const first = server.drain({ spread: 0 });
    assert.equal(server.drain({ spread: 5 }), first);
    const order: string[] = [];
    const closed = new Promise<void>((resolve) => {
      server.close((error) => {
        assert.equal(error, undefined);
        order.push('closed');
        resolve();
      });
    });
    const left = once(silent, 'close');
    order.push('told');
    silent.destroy();
    await Promise.all([left, first, closed]);
    assert.deepEqual(order, ['told', 'closed']);
    assert.deepEqual(await server.drain(), await first);
  });

  it('closes whom close() has left', async () => {
    const server = await start('its own listener');
    await join(2);
    let closes = 0;
    server.on('close', () => (closes += 1));
    const closed = new Promise((resolve) => server.close(resolve));
    const result = await server.drain({ spread: 0 });
    assert.deepEqual(result, { closed: 2, left: 0, terminated: 0 });
    await closed;
    assert.equal(closes, 1);
  });

  it('resolves at once where nobody is, also on a server that has closed', async () => {
    const server = await start('its own listener');
    const closed = once(server, 'close');
    assert.deepEqual(await server.drain(), { closed: 0, left: 0, terminated: 0 });
    await closed;
    const other = await WAYS['its own listener']?.({});
    await other?.close();
    assert.deepEqual(await other?.server.drain(), { closed: 0, left: 0, terminated: 0 });
  });

  it('a WebSocket that is open already goes on until its turn', async () => {
    const server = await start('its own listener');
    server.on('connection', (socket: WebSocket) => {
      socket.on('message', (data: Buffer) => socket.send(data));
    });
    const [first, second] = (await join(2)) as [WebSocket, WebSocket];
    const gone = once(first, 'close');
    const drained = server.drain({ spread: 60_000 });
    await gone;
    second.send('still here');
    const [data] = (await once(second, 'message')) as [Buffer];
    assert.equal(data.toString(), 'still here');
    second.close();
    assert.deepEqual(await drained, { closed: 1, left: 1, terminated: 0 });
  });

  const WRONG: readonly [DrainOptions, string][] = [
    [{ code: 1005 }, 'TypeError'],
    [{ code: 999 }, 'RangeError'],
    [{ reason: 'x'.repeat(124) }, 'RangeError'],
    [{ reason: 1 as unknown as string }, 'TypeError'],
    [{ spread: -1 }, 'RangeError'],
    [{ spread: 10, deadline: 9 }, 'RangeError'],
    [{ deadline: NaN }, 'RangeError'],
    [null as unknown as DrainOptions, 'TypeError'],
  ];
  it('refuses wrong options, and goes on serving', async () => {
    const server = await start('its own listener');
    for (const [options, name] of WRONG) {
      assert.throws(() => server.drain(options), { name }, JSON.stringify(options));
    }
    assert.match(await head(running.connect(), REQUEST), /^HTTP\/1\.1 101 /);
    const result: DrainResult = await server.drain({ spread: 0, deadline: 1000 });
    assert.equal(result.terminated, 0);
  });
});
