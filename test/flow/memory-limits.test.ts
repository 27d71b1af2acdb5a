/**
 * What a peer can make us keep is bounded by memory, however little it sends at a time: each test is a peer that tries
 * to pass a limit while JavaScript is blocked.
 */
import { strict as assert } from 'node:assert';
import { Child } from '../support/child';
import { binary, Opcode, ping, text } from '../support/frames';
import { type RawConnection, RawServer } from '../support/raw-server';

const mebibyte = 1 << 20;
/** The high-water mark of 8 MiB, the batch under way, and what a process grows by anyway. */
const allowed = 32;

/** Blocks its thread at the first message until a line comes on its input; tells what was held then. */
const client = `
  const fs = require('node:fs');
  const seen = { message: 0, ping: 0 };
  lib.configure({ service: 'thread' });
  const socket = new lib.WebSocket(args.url);
  socket.on('ping', () => { seen.ping += 1; });
  socket.on('message', () => {
    if (seen.message++ > 0) return;
    const before = process.memoryUsage.rss();
    fs.writeSync(1, 'blocked\\n');
    fs.readSync(0, Buffer.alloc(1));
    fs.writeSync(1, (process.memoryUsage.rss() - before) + '\\n');
  });
  socket.on('close', () => fs.writeSync(1, JSON.stringify(seen) + '\\n'));
`;

/** A blocked client, and what it has grown by when the attack is over. */
async function attack(
  sends: (connection: RawConnection) => Promise<void>,
): Promise<{ growth: number; seen: { message: number; ping: number } }> {
  let begin = (): void => {};
  const blocked = new Promise<void>((resolve) => (begin = resolve));
  let finish = (): void => {};
  const finished = new Promise<void>((resolve) => (finish = resolve));
  const server = await RawServer.listen(async (connection) => {
    await connection.accept();
    connection.write(text('block'));
    await blocked;
    await sends(connection);
    finish();
    await connection.closed;
  });
  const child = new Child(client, { args: { url: server.url }, timeout: 50_000 });
  try {
    assert.equal(await child.line(), 'blocked');
    begin();
    await finished;
    child.write('\n');
    const growth = Number(await child.line()) / mebibyte;
    await server.close();
    return { growth, seen: JSON.parse(await child.line()) as { message: number; ping: number } };
  } finally {
    child.kill();
    await server.close();
  }
}

/** Resolves when the client answers a ping, which it does though JavaScript is blocked: it has read all before. */
async function answered(connection: RawConnection): Promise<void> {
  connection.write(ping('all'));
  for (;;) {
    const frame = await connection.readFrame();
    if (!frame || (frame.opcode === Opcode.Pong && String(frame.payload) === 'all')) return;
  }
}

describe('limits of memory', () => {
  it('messages of one byte, each read by itself', async () => {
    const messages = 8000;
    const { growth, seen } = await attack(async (connection) => {
      const message = binary(Buffer.alloc(1));
      for (let sent = 0; sent < messages; ++sent) {
        connection.write(message);
        await answered(connection);
      }
    });
    assert.ok(growth < 16, `${growth} MiB for ${messages} bytes`);
    assert.equal(seen.message, messages + 1);
  }).timeout(60_000);

  it('pings at full speed', async () => {
    const many = Buffer.concat(Array(1000).fill(ping(Buffer.alloc(125))));
    const { growth } = await attack(async (connection) => {
      let taken = 0;
      connection.socket.resume();
      // Far more than is kept: the socket is not read any more, long before all are taken.
      for (let i = 0; i < 400; ++i) connection.socket.write(many, () => (taken += 1));
      for (let before = -1; before !== taken;) {
        before = taken;
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      assert.ok(taken < 400, 'the client never stopped reading');
      connection.socket.destroy();
    });
    assert.ok(growth < allowed, `${growth} MiB`);
  }).timeout(60_000);
});
