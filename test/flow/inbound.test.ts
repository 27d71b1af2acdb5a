/**
 * The way up: a JavaScript thread that is slow stops the reading of the socket, so that the server notices, and memory
 * stays bounded; afterwards everything is there, in order.
 */
import { strict as assert } from 'node:assert';
import { Child } from '../support/child';
import { binary } from '../support/frames';
import { RawServer } from '../support/raw-server';

const mebibyte = 1 << 20;
const total = 256;

/** Counts numbered messages of a mebibyte, and blocks its thread at the first until a line comes on its input. */
const client = `
  const fs = require('node:fs');
  let count = 0;
  let peak = 0;
  const wso = lib.create({ url: args.url, event_handlers: {
    1(reason) { throw new Error(reason); },
    8(data) {
      if (data.readUInt32BE(0) !== count || data.length !== args.size) { console.log('wrong', count); process.exit(1); }
      if (count++ === 0) {
        fs.writeSync(1, 'blocked ' + process.memoryUsage.rss() + '\\n');
        fs.readSync(0, Buffer.alloc(1));
        fs.writeSync(1, 'free ' + process.memoryUsage.rss() + '\\n');
      }
      peak = Math.max(peak, process.memoryUsage.rss());
    },
    4() { fs.writeSync(1, 'closed ' + count + ' ' + peak + '\\n'); },
  } });
  lib.connect(wso);
`;

/** Resolves when the promise has not changed the counter for a while: back-pressure has no event of its own. */
async function stalled(counter: () => number): Promise<void> {
  for (let before = -1; before !== counter();) {
    before = counter();
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

describe('inbound flow', () => {
  it('a blocked JavaScript thread stops the reading; nothing is lost', async () => {
    let written = 0;
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      for (let index = 0; index < total; ++index) {
        const payload = Buffer.alloc(mebibyte, index & 0xff);
        payload.writeUInt32BE(index);
        await connection.writeAll(binary(payload));
        written = index + 1;
      }
      connection.end();
    });
    const child = new Child(client, { args: { url: server.url, size: mebibyte }, timeout: 60_000 });
    try {
      const blocked = (await child.line()).split(' ');
      assert.equal(blocked[0], 'blocked');
      await stalled(() => written);
      // The high-water mark of 8 MiB, what both ends' socket buffers hold, and the message under way.
      assert.ok(written < 48, `${written} MiB were taken by a client that handles nothing`);
      child.write('\n');
      const free = (await child.line()).split(' ');
      assert.equal(free[0], 'free');
      const [, count, peak] = (await child.line()).split(' ').map(Number);
      assert.equal(count, total);
      const growth = (bytes: number): number => (bytes - Number(blocked[1])) / mebibyte;
      assert.ok(growth(Number(free[1])) < 48, `${growth(Number(free[1]))} MiB more while blocked`);
      assert.ok(growth(peak as number) < 160, `${growth(peak as number)} MiB more at the peak`);
      const { code } = await child.ended;
      assert.equal(code, 0);
    } finally {
      child.kill();
      await server.close();
    }
  }).timeout(60_000);

  it('one connection that floods does not starve another', async () => {
    const flood = await RawServer.listen(async (connection) => {
      await connection.accept();
      await connection.flood(Buffer.concat(Array(1024).fill(binary(Buffer.alloc(64)))));
    });
    const echo = await RawServer.listen(async (connection) => {
      await connection.accept();
      for (;;) {
        const frame = await connection.readFrame();
        if (!frame || frame.opcode === 8) return connection.end();
        connection.write(binary(frame.payload));
      }
    });
    const child = new Child(
      `
      let flooded = 0;
      let echoed = 0;
      const flood = lib.create({ url: args.flood, event_handlers: { 3() { lib.connect(echo); }, 8() { flooded++; } } });
      const echo = lib.create({ url: args.echo, event_handlers: {
        3() { lib.send(echo, Buffer.alloc(8)); },
        8() { if (++echoed < 50) return lib.send(echo, Buffer.alloc(8)); console.log(flooded > 0, echoed); process.exit(0); },
      } });
      lib.connect(flood);
      `,
      { args: { flood: flood.url, echo: echo.url }, timeout: 20_000 },
    );
    try {
      assert.equal(await child.line(), 'true 50');
    } finally {
      child.kill();
      await Promise.all([flood.close(), echo.close()]);
    }
  }).timeout(30_000);
});
