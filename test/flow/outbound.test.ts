/**
 * The way down: the queue has a limit and an error at it, a signal when it has drained, and loses nothing.
 */
import { strict as assert } from 'node:assert';
import { close, send } from '../../lib';
import { Attempt } from '../support/attempt';
import { Opcode } from '../support/frames';
import { RawServer, type RawConnection } from '../support/raw-server';
import { startWsServer } from '../support/ws-server';

const block = 64 * 1024;

/** A block that begins with its number. */
function numbered(index: number): Buffer {
  const bytes = Buffer.alloc(block, index & 0xff);
  bytes.writeUInt32BE(index);
  return bytes;
}

/** Accepts, and reads only from when it is told to. */
async function withReluctantServer(
  test: (server: RawServer, accepted: Promise<RawConnection>) => Promise<void>,
): Promise<void> {
  let accept: (connection: RawConnection) => void;
  const accepted = new Promise<RawConnection>((resolve) => (accept = resolve));
  const server = await RawServer.listen(async (connection) => {
    await connection.accept();
    connection.socket.pause();
    accept(connection);
    await connection.closed;
  });
  try {
    await test(server, accepted);
  } finally {
    await server.close();
  }
}

/** Sends until it is refused; returns how many were taken. */
function fill(attempt: Attempt, first = 0): { taken: number; error: NodeJS.ErrnoException } {
  for (let index = first; index < 10_000; ++index) {
    try {
      send(attempt.wso, numbered(index));
    } catch (error) {
      return { taken: index, error: error as NodeJS.ErrnoException };
    }
  }
  throw new Error('There is no limit');
}

async function readNumbered(connection: RawConnection, first: number, end: number): Promise<void> {
  for (let index = first; index < end; ++index) {
    const frame = await connection.readFrame();
    assert.ok(frame, `message ${index} is missing`);
    assert.equal(frame.opcode, Opcode.Binary);
    assert.ok(frame.payload.equals(numbered(index)), `message ${index} is another`);
  }
}

describe('outbound flow', () => {
  it('past the limit send() throws; what was taken before arrives, in order', () =>
    withReluctantServer(async (server, accepted) => {
      const attempt = new Attempt(server.url, { sendLimit: 1 << 20 }).connect();
      await attempt.established();
      const connection = await accepted;
      const { taken, error } = fill(attempt);
      assert.equal(error.code, 'ERR_SEND_LIMIT');
      assert.match(error.message, /1048576|1,048,576/);
      assert.ok(taken >= 16, String(taken));
      connection.socket.resume();
      await readNumbered(connection, 0, taken);
      close(attempt.wso);
      const last = await connection.readFrame();
      assert.equal(last?.opcode, Opcode.Close);
    }));

  it('a message of exactly the limit is taken, one byte more is not', () =>
    withReluctantServer(async (server, accepted) => {
      const attempt = new Attempt(server.url, { sendLimit: 1 << 20 }).connect();
      await attempt.established();
      const connection = await accepted;
      assert.throws(() => send(attempt.wso, Buffer.alloc((1 << 20) + 1)), {
        code: 'ERR_SEND_LIMIT',
      });
      send(attempt.wso, Buffer.alloc(1 << 20));
      connection.socket.resume();
      const frame = await connection.readFrame();
      assert.equal(frame?.payload.length, 1 << 20);
    }));

  it('the limit holds before the connection is established as well', async () => {
    const server = await startWsServer();
    try {
      const attempt = new Attempt(server.url, { sendLimit: 1 << 20 }).connect();
      const { taken, error } = fill(attempt);
      assert.equal(taken, 16);
      assert.equal(error.code, 'ERR_SEND_LIMIT');
      await attempt.seen(8, 16);
      await attempt.finish();
      const received = attempt.events
        .filter(({ id }) => id === 8)
        .map(({ args }) => args[0] as Buffer);
      received.forEach((bytes, index) => assert.ok(bytes.equals(numbered(index)), String(index)));
      assert.equal(received.length, 16);
    } finally {
      await server.close();
    }
  });

  it('event 10 says that the queue has drained, once for each time that send() said it was full', () =>
    withReluctantServer(async (server, accepted) => {
      const attempt = new Attempt(server.url, {
        sendLimit: 64 << 20,
        highWaterMark: 1 << 20,
      }).connect();
      await attempt.established();
      const connection = await accepted;
      const drained = (): number => attempt.events.filter(({ id }) => id === 10).length;
      let next = 0;
      for (let round = 1; round <= 5; ++round) {
        const first = next;
        while (send(attempt.wso, numbered(next++)));
        assert.equal(drained(), round - 1, 'not before it has');
        connection.socket.resume();
        await Promise.all([readNumbered(connection, first, next), attempt.seen(10, round)]);
        connection.socket.pause();
        assert.equal(drained(), round, 'once');
      }
    }));

  it('event 10 does not come for what never reached the high-water mark', async () => {
    const server = await startWsServer();
    try {
      const attempt = new Attempt(server.url, { highWaterMark: 1 << 20 }).connect();
      await attempt.established();
      for (let i = 0; i < 15; ++i) {
        send(attempt.wso, numbered(i));
        await attempt.seen(8, i + 1);
      }
      await attempt.finish();
      assert.equal(attempt.events.filter(({ id }) => id === 10).length, 0);
    } finally {
      await server.close();
    }
  });

  it('what was sent before event 3 goes out first, in order, text and binary', async () => {
    const server = await startWsServer();
    try {
      const attempt = new Attempt(server.url).connect();
      const expected: (string | Buffer)[] = [];
      const post = (index: number): void => {
        const data = index % 2 ? `text ${index} ✓` : Buffer.from(`binary ${index}`);
        expected.push(data);
        send(attempt.wso, data);
      };
      for (let i = 0; i < 1000; ++i) post(i);
      await attempt.seen(3);
      for (let i = 1000; i < 2000; ++i) post(i);
      await attempt.seen(8, 2000);
      assert.deepEqual(
        attempt.events.filter(({ id }) => id === 8).map(({ args }) => args[0]),
        expected,
      );
      await attempt.finish();
    } finally {
      await server.close();
    }
  });

  it('close() comes after everything queued', () =>
    withReluctantServer(async (server, accepted) => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const connection = await accepted;
      for (let i = 0; i < 300; ++i) send(attempt.wso, numbered(i));
      close(attempt.wso, 4000, 'done');
      assert.throws(
        () => send(attempt.wso, 'too late'),
        (error: NodeJS.ErrnoException) => typeof error.code === 'string',
      );
      connection.socket.resume();
      await readNumbered(connection, 0, 300);
      const last = await connection.readFrame();
      assert.equal(last?.closeCode, 4000);
      assert.equal(last?.payload.subarray(2).toString(), 'done');
    }));

  it('messages of all sizes, echoed, are the same and in order', async () => {
    const server = await startWsServer();
    try {
      const attempt = new Attempt(server.url).connect();
      const sizes = [
        0,
        1,
        2,
        124,
        125,
        126,
        127,
        128,
        1000,
        65_534,
        65_535,
        65_536,
        65_537,
        200_000,
        3 << 20,
      ];
      // A small generator of its own, so that every run is the same.
      let state = 1;
      const random = (): number => (state = (state * 48_271) % 0x7fffffff);
      const sent: (string | Buffer)[] = [];
      for (let i = 0; i < 600; ++i) {
        const size = i < sizes.length ? (sizes[i] as number) : random() % 20_000;
        const bytes = Buffer.alloc(size);
        for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE(random(), at);
        sent.push(i % 3 ? bytes : bytes.toString('base64'));
      }
      for (const data of sent) send(attempt.wso, data);
      await attempt.seen(8, sent.length);
      const received = attempt.events
        .filter(({ id }) => id === 8)
        .map(({ args }) => args[0] as string | Buffer);
      sent.forEach((data, index) => {
        const same =
          typeof data === 'string'
            ? received[index] === data
            : data.equals(received[index] as Buffer);
        assert.ok(same, `message ${index} of ${data.length}`);
      });
      await attempt.finish();
    } finally {
      await server.close();
    }
  });

  it('a buffer may be overwritten as soon as send() has returned', async () => {
    const server = await startWsServer();
    try {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const buffer = Buffer.alloc(100_000);
      for (let i = 0; i < 50; ++i) send(attempt.wso, buffer.fill(i));
      buffer.fill(0xff);
      await attempt.seen(8, 50);
      attempt.events
        .filter(({ id }) => id === 8)
        .forEach(({ args }, index) =>
          assert.ok((args[0] as Buffer).equals(Buffer.alloc(100_000, index)), String(index)),
        );
      await attempt.finish();
    } finally {
      await server.close();
    }
  });
});
