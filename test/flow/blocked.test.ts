/** A JavaScript thread that is blocked: pings are answered all the same, each with its payload, and none is lost. */
import { strict as assert } from 'node:assert';
import { Child } from '../support/child';
import { close, Opcode, ping, text } from '../support/frames';
import { RawServer } from '../support/raw-server';

const PINGS = 5000;

/** Blocks its thread at the first message until a line comes on its input. */
const client = `
  const fs = require('node:fs');
  let pings = 0;
  const socket = new lib.WebSocket(args.url);
  socket.on('ping', (data) => { if (String(data) === String(pings)) pings += 1; });
  socket.once('message', () => {
    fs.writeSync(1, 'blocked\\n');
    fs.readSync(0, Buffer.alloc(1));
  });
  socket.on('close', (code) => fs.writeSync(1, code + ' ' + pings + '\\n'));
`;

describe('a blocked JavaScript thread', () => {
  it(`${PINGS} pings are answered meanwhile, in order, and told of afterwards`, async () => {
    const pongs: string[] = [];
    let block = (): void => {};
    const blocked = new Promise<void>((resolve) => (block = resolve));
    let answered = (): void => {};
    const all = new Promise<void>((resolve) => (answered = resolve));
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(text('block'));
      await blocked;
      // In batches, so that what waits for us to read stays below the bound on pongs.
      for (let sent = 0; sent < PINGS; sent += 100) {
        const batch = Array.from({ length: 100 }, (_, index) => ping(String(sent + index)));
        connection.write(Buffer.concat(batch));
        for (let read = 0; read < batch.length; ++read) {
          const frame = await connection.readFrame();
          if (frame?.opcode === Opcode.Pong) pongs.push(String(frame.payload));
        }
      }
      answered();
      connection.write(close(1000));
      await connection.readFrame();
      connection.end();
    });
    const child = new Child(client, { args: { url: server.url } });
    try {
      assert.equal(await child.line(), 'blocked');
      block();
      await all;
      assert.deepEqual(
        pongs,
        Array.from({ length: PINGS }, (_, index) => String(index)),
      );
      child.write('\n');
      assert.equal(await child.line(), `1000 ${PINGS}`);
    } finally {
      child.kill();
      await server.close();
    }
  }).timeout(20_000);
});
