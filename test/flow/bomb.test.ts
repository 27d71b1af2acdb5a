/** A few compressed bytes that become very many: JavaScript has its turns while they do. */
import { strict as assert } from 'node:assert';
import { constants, deflateRawSync } from 'node:zlib';
import { expectExit } from '../support/child';
import { binary, close } from '../support/frames';
import { RawServer } from '../support/raw-server';

const SIZE = 64 << 20;

/** Counts the turns of its event loop between the message before and the large one. */
const client = `
  lib.configure({ service: args.service });
  const socket = new lib.WebSocket(args.url, { perMessageDeflate: true });
  let turns = 0;
  let counting = false;
  const count = () => { turns += 1; if (counting) setImmediate(count); };
  socket.on('message', (data) => {
    if (data.length < 10) { counting = true; setImmediate(count); return; }
    counting = false;
    console.log(data.length + ' ' + turns);
  });
`;

describe('a message that is much larger than what came', () => {
  for (const service of ['adaptive', 'loop', 'thread']) {
    it(`${service}: leaves turns to Node's loop while it is inflated`, async () => {
      const deflated = deflateRawSync(Buffer.alloc(SIZE), {
        finishFlush: constants.Z_SYNC_FLUSH,
      }).subarray(0, -4);
      const server = await RawServer.listen(async (connection) => {
        await connection.accept({ extensions: 'permessage-deflate' });
        const bomb = binary(deflated, { rsv: 4 });
        connection.write(Buffer.concat([binary(Buffer.from('start')), bomb, close(1000)]));
        await connection.readFrame();
        connection.end();
      });
      try {
        const { stdout } = await expectExit(client, { args: { url: server.url, service } });
        const [size, turns] = stdout.trim().split(' ').map(Number);
        assert.equal(size, SIZE);
        // Inflated in one go there would be one or two.
        assert.ok((turns ?? 0) >= 10, `${turns} turns`);
      } finally {
        await server.close();
      }
    });
  }
});
