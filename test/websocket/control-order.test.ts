/** Where control frames go among what is queued: between messages (RFC 6455 §5.4), and Close behind all of it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { closed, endSockets, open, opening } from './support/sockets';
import { closePayload, frame, Opcode, ping } from '../support/frames';
import { type RawConnection, RawServer, type RawServerOptions } from '../support/raw-server';
import type { WebSocket } from '../../lib';

// More than the buffers of both systems hold, so that most of it is queued when the ping comes.
const PIECE = Buffer.alloc(256 << 10, 0x61);
const PIECES = 72;

interface Scene {
  socket: WebSocket;
  connection: RawConnection;
  /** Sends a ping; resolves when the socket has seen it. The connection is not read meanwhile. */
  ping: (payload: string) => Promise<void>;
  /** Reads every frame up to the Close frame, or as many: opcodes and first bytes, pieces as "piece". */
  read: (frames: number) => Promise<string[]>;
  end: () => Promise<void>;
}

async function scene(options: RawServerOptions = {}): Promise<Scene> {
  let begin: (connection: RawConnection) => void;
  const begun = new Promise<RawConnection>((resolve) => (begin = resolve));
  const server = await RawServer.listen(async (connection) => {
    await connection.accept();
    connection.socket.pause();
    begin(connection);
    await connection.closed;
  }, options);
  const socket = await opening(
    open(server.url, {
      perMessageDeflate: false,
      sendLimit: 1 << 30,
      rejectUnauthorized: false,
    }),
  );
  const connection = await begun;
  return {
    socket,
    connection,
    ping: async (payload) => {
      const seen = once(socket, 'ping');
      connection.write(ping(payload));
      await seen;
    },
    read: async (frames) => {
      connection.socket.resume();
      const names: string[] = [];
      while (names.length < frames) {
        const got = await connection.readFrame();
        if (!got) break;
        const { opcode, payload } = got;
        if (payload.length === PIECE.length) {
          assert.equal(payload.compare(PIECE), 0);
          names.push('piece');
        } else {
          names.push(`${opcode}:${opcode === Opcode.Close ? payload.readUInt16BE() : payload}`);
        }
      }
      return names;
    },
    end: async () => {
      socket.terminate();
      await server.close();
    },
  };
}

describe('WebSocket: the order of control frames', () => {
  afterEach(endSockets);

  const pieces = (names: string[]): number => names.filter((name) => name === 'piece').length;

  for (const [kind, options] of [
    ['plain', {}],
    ['TLS', { tls: true }],
  ] as const) {
    it(`an answer to a ping goes out between the messages that wait (${kind})`, async () => {
      const { socket, ping, read, end } = await scene(options);
      for (let i = 0; i < PIECES; i++) socket.send(PIECE);
      await ping('first');
      await ping('second');
      const names = await read(PIECES + 2);
      assert.equal(pieces(names), PIECES);
      assert.ok(names.indexOf('10:first') < PIECES - 10, `at ${names.indexOf('10:first')}`);
      // The order of the answers is that of the pings.
      assert.ok(names.indexOf('10:first') < names.indexOf('10:second'));
      assert.ok(names.indexOf('10:second') < PIECES - 5);
      await end();
    });

    it(`and between the fragments of a message (${kind})`, async () => {
      const { socket, ping, read, end } = await scene(options);
      for (let i = 0; i < PIECES; i++) socket.send(PIECE, { fin: i === PIECES - 1 });
      await ping('now');
      const names = await read(PIECES + 1);
      assert.equal(pieces(names), PIECES);
      assert.ok(names.indexOf('10:now') < PIECES - 10, `at ${names.indexOf('10:now')}`);
      await end();
    });
  }

  it('small messages: at the next boundary inside the burst that is under way', async () => {
    const { socket, ping, read, end } = await scene();
    const count = 60_000;
    for (let i = 0; i < count; i++) socket.send(`message ${i} ${'x'.repeat(i % 200)}`);
    await ping('now');
    const names = await read(count + 1);
    const at = names.indexOf('10:now');
    assert.ok(at >= 0 && at < count - 1000, `at ${at}`);
    names.splice(at, 1);
    for (let i = 0; i < count; i++) {
      if (names[i] !== `1:message ${i} ${'x'.repeat(i % 200)}`) assert.fail(`${i}: ${names[i]}`);
    }
    await end();
  });

  it('a Close frame goes behind everything, and pings are answered until it leaves', async () => {
    const { socket, connection, ping, read, end } = await scene();
    for (let i = 0; i < PIECES; i++) socket.send(PIECE);
    const gone = closed(socket);
    socket.close(1000);
    await ping('still there?');
    const names = await read(PIECES + 2);
    assert.equal(pieces(names), PIECES);
    assert.ok(names.includes('10:still there?'));
    assert.equal(names[PIECES + 1], '8:1000');
    connection.write(frame({ opcode: Opcode.Close, payload: closePayload(1000) }));
    connection.socket.end();
    assert.equal((await gone).code, 1000);
    await end();
  });

  it('a ping of the user keeps its turn, and its callback comes with it', async () => {
    const { socket, ping, read, end } = await scene();
    const told: string[] = [];
    for (let i = 0; i < PIECES; i++) socket.send(PIECE, () => told.push('piece'));
    const all = new Promise<void>((resolve) => {
      socket.ping('mine', true, () => resolve(void told.push('ping')));
    });
    await ping('yours');
    assert.ok(!told.includes('ping'));
    const names = await read(PIECES + 2);
    assert.equal(names[PIECES + 1], '9:mine');
    assert.ok(names.includes('10:yours'));
    await all;
    assert.deepEqual(told, [...Array.from({ length: PIECES }, () => 'piece'), 'ping']);
    assert.equal(socket.bufferedAmount, 0);
    await end();
  });
});
