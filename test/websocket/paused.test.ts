/** The end of a socket that is paused: what had arrived comes before it, as with ws. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, open, until } from './support/sockets';
import { expectExit } from '../support/child';
import { binary, close, frame, Opcode, text } from '../support/frames';
import { type RawConnection, RawServer } from '../support/raw-server';
import { slowness } from '../support/slowness';
import { WebSocket, type ClientOptions } from '../../lib';
import { deflateRawSync } from 'node:zlib';

/** A socket that pauses when it is open, and what it emits; `send` has arrived when it resolves. */
async function paused(
  send: Buffer,
  run: (socket: WebSocket, connection: RawConnection, seen: string[]) => Promise<void>,
  options: ClientOptions = {},
  tls = false,
): Promise<void> {
  let accept: (connection: RawConnection) => void;
  const accepted = new Promise<RawConnection>((resolve) => (accept = resolve));
  const server = await RawServer.listen(
    async (connection) => {
      await connection.accept();
      accept(connection);
      await connection.closed;
    },
    tls ? { tls: true } : {},
  );
  try {
    const socket = open(server.url, { rejectUnauthorized: false, ...options });
    const seen: string[] = [];
    for (const event of ['message', 'ping', 'error', 'reconnecting', 'close']) {
      socket.on(event, (data: unknown) =>
        seen.push(
          typeof data === 'object' && !Buffer.isBuffer(data) ? event : `${event} ${String(data)}`,
        ),
      );
    }
    await new Promise<void>((resolve) => {
      socket.on('open', () => {
        socket.pause();
        resolve();
      });
    });
    const connection = await accepted;
    await new Promise<void>((resolve) => connection.socket.write(send, () => resolve()));
    await run(socket, connection, seen);
  } finally {
    await server.close();
  }
}

/** Ends TCP by a reset: over TLS, what closing a socket makes that has not been read. */
async function reset(connection: RawConnection, socket: WebSocket, tls: boolean): Promise<void> {
  if (!tls) {
    connection.reset();
    return;
  }
  connection.socket.pause();
  await new Promise((resolve) => socket.send(Buffer.alloc(1 << 20), resolve));
  connection.socket.destroy();
}

/** Answers the client's Close frame, as a server does, and ends TCP. */
async function answer(connection: RawConnection): Promise<void> {
  const [frame] = await connection.readFrames(true);
  connection.write(close(frame?.closeCode));
  connection.end();
}

const many = Array.from({ length: 200 }, (_, index) => `message ${index} ${'x'.repeat(100)}`);
const arrived = Buffer.concat(many.map((one) => text(one)));
const expected = many.map((one) => `message ${one}`);

describe('WebSocket: the end of a socket that is paused', () => {
  afterEach(endSockets);

  for (const tls of [false, true]) {
    const over = tls ? ' (TLS)' : '';

    it(`close(): after closeTimeout, messages, and the server's code${over}`, async () => {
      await paused(
        arrived,
        async (socket, connection, seen) => {
          const end = closed(socket);
          socket.close(1000);
          await answer(connection);
          assert.deepEqual(seen, []);
          assert.equal((await end).code, 1000);
          assert.deepEqual(seen, [...expected, 'close 1000']);
        },
        // The server's answer has to come within it.
        { closeTimeout: 1000 * slowness },
        tls,
      );
    });

    it(`close(), then resume(): at once${over}`, async () => {
      await paused(
        arrived,
        async (socket, connection, seen) => {
          const end = closed(socket);
          socket.close(4000);
          await answer(connection);
          socket.resume();
          assert.equal((await end).code, 4000);
          assert.deepEqual(seen, [...expected, 'close 4000']);
        },
        { closeTimeout: 30_000 },
        tls,
      );
    });

    it(`terminate(): messages, then 1006${over}`, async () => {
      await paused(
        arrived,
        async (socket, _, seen) => {
          const end = closed(socket);
          socket.terminate();
          assert.deepEqual(seen, []);
          await end;
          assert.deepEqual(seen, [...expected, 'close 1006']);
        },
        {},
        tls,
      );
    });

    it(`terminate() behind the server's Close frame: its code${over}`, async () => {
      await paused(
        Buffer.concat([arrived, close(4001, 'bye')]),
        async (socket, _, seen) => {
          const end = closed(socket);
          socket.terminate();
          assert.equal((await end).reason, 'bye');
          assert.deepEqual(seen, [...expected, 'close 4001']);
        },
        {},
        tls,
      );
    });

    it(`the server resets: at once, behind what had arrived${over}`, async () => {
      await paused(
        arrived,
        async (socket, connection, seen) => {
          const end = closed(socket);
          await reset(connection, socket, tls);
          assert.equal((await end).code, 1006);
          assert.equal(socket.isPaused, true);
          assert.deepEqual(seen, [...expected, 'close 1006']);
        },
        {},
        tls,
      );
    });

    it(`the server has reset before pause(): the same${over}`, async () => {
      await paused(
        Buffer.alloc(0),
        async (socket, connection) => {
          socket.resume();
          const end = closed(socket);
          await reset(connection, socket, tls);
          socket.pause();
          assert.equal((await end).code, 1006);
        },
        {},
        tls,
      );
    });
  }

  it('the server ends TCP in order: that waits for resume(), as with ws', async () => {
    await paused(text('m'), async (socket, connection, seen) => {
      connection.end();
      socket.send('x');
      await connection.readFrame();
      assert.deepEqual(seen, []);
      const end = closed(socket);
      socket.resume();
      await end;
      assert.deepEqual(seen, ['message m', 'close 1006']);
    });
  });

  it('a violation of the protocol that had arrived: error, then 1006', async () => {
    await paused(Buffer.concat([text('m'), frame({ opcode: 3 })]), async (socket, _, seen) => {
      const end = closed(socket);
      socket.terminate();
      await end;
      assert.deepEqual(seen, ['message m', 'error', 'close 1006']);
    });
  });

  it('one event a turn, where that was asked for', async () => {
    await paused(
      Buffer.concat([text('1'), text('2'), text('3')]),
      async (socket, connection, seen) => {
        const turns: number[] = [];
        let turn = 0;
        const count = (): void => {
          turn += 1;
          if (socket.readyState !== WebSocket.CLOSED) setImmediate(count);
        };
        count();
        socket.on('message', () => turns.push(turn));
        const end = closed(socket);
        connection.socket.resetAndDestroy();
        await end;
        assert.deepEqual(seen, ['message 1', 'message 2', 'message 3', 'close 1006']);
        assert.equal(new Set(turns).size, 3);
      },
      { allowSynchronousEvents: false },
    );
  });

  it('with reconnect: the next connection is paused, as the socket is', async () => {
    let connections = 0;
    let client: RawConnection | undefined;
    const server = await RawServer.listen(async (connection) => {
      connections += 1;
      await connection.accept({ then: text(`of ${connections}`) });
      client = connection;
      await connection.closed;
    });
    try {
      const socket = open(server.url, { reconnect: { min: 1, max: 1 } });
      const seen: string[] = [];
      socket.on('message', (data) => seen.push(String(data)));
      socket.on('open', () => socket.pause());
      await until(() => connections === 1 && client !== undefined && socket.readyState === 1);
      client?.socket.resetAndDestroy();
      await until(() => connections === 2 && socket.readyState === 1);
      assert.deepEqual(seen, ['of 1']);
      assert.equal(socket.isPaused, true);
      // Time for what has arrived to come through, if it could.
      socket.send('x');
      await client?.readFrame();
      assert.deepEqual(seen, ['of 1']);
      socket.resume();
      await until(() => seen.length === 2);
    } finally {
      await server.close();
    }
  });

  it('what is kept for it is bounded, however little was sent', async () => {
    // 100 bombs: a kilobyte each on the wire, a megabyte in memory.
    const bomb = Buffer.concat([deflateRawSync(Buffer.alloc(1 << 20)), Buffer.from([0])]);
    const bytes = binary(bomb, { rsv: 4 });
    const server = await RawServer.listen(async (connection) => {
      await connection.accept({ extensions: 'permessage-deflate; server_no_context_takeover' });
      const ping = await connection.readFrame();
      assert.equal(ping?.opcode, Opcode.Ping);
      const all = Buffer.concat(Array.from({ length: 100 }, () => bytes));
      connection.socket.write(all, () => connection.socket.resetAndDestroy());
    });
    try {
      const { stdout } = await expectExit(
        `lib.configure({ inboundHighWaterMark: 4 << 20, inboundLowWaterMark: 1 << 20 });
         const socket = new lib.WebSocket(args.url);
         let bytes = 0;
         socket.on('open', () => { socket.pause(); socket.ping(); });
         socket.on('message', (data) => (bytes += data.length));
         socket.on('close', (code) => console.log(code, bytes >> 20));`,
        { args: { url: server.url } },
      );
      const [code, megabytes] = stdout.split(' ').map(Number);
      assert.equal(code, 1006);
      assert.ok((megabytes as number) >= 1 && (megabytes as number) <= 6, `${megabytes} MiB`);
    } finally {
      await server.close();
    }
  });
});
