/** Messages between a server and ws's client, in each of the ways into a server. */
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { WebSocket as WsClient, type ClientOptions } from 'ws';
import type { WebSocket } from '../../lib';
import { certificates } from '../support/certificates';
import { upgradeRequest, WAYS, type Running } from './support/ways';
import { binary, frameSize, Opcode, parseFrame, type Frame } from '../support/frames';

/** Options of tls.connect(), which `@types/ws` does not have. */
const trusting = { ca: certificates().ca, servername: 'localhost' } as ClientOptions;

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: messages, ${way}`, () => {
    let running: Running;
    const clients: WsClient[] = [];
    afterEach(async () => {
      for (const client of clients.splice(0)) client.terminate();
      await running.close();
    });

    async function pair(
      options: Parameters<typeof start>[0] = {},
      clientOptions: ClientOptions = {},
    ): Promise<[WsClient, WebSocket]> {
      running = await start(options);
      const connection = once(running.server, 'connection');
      const client = new WsClient(running.url, { ...trusting, ...clientOptions });
      clients.push(client);
      const [[socket]] = (await Promise.all([connection, once(client, 'open')])) as [
        [WebSocket],
        unknown,
      ];
      return [client, socket];
    }

    function echo(socket: WebSocket): void {
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        socket.send(data, { binary: isBinary });
      });
    }

    it('of every size come back as they were sent', async () => {
      const [client, socket] = await pair();
      echo(socket);
      const sizes = [0, 1, 125, 126, 127, 4096, 16_383, 16_384, 65_535, 65_536, 300_000, 3_000_000];
      const sent = sizes.map((size) => randomBytes(size));
      const received: Buffer[] = [];
      const all = new Promise<void>((resolve) => {
        client.on('message', (data: Buffer, isBinary) => {
          assert.equal(isBinary, true);
          received.push(data);
          if (received.length === sent.length) resolve();
        });
      });
      for (const data of sent) client.send(data);
      await all;
      sent.forEach((data, i) => assert.ok(data.equals(received[i] as Buffer), `message ${i}`));
    });

    it('texts and fragments', async () => {
      const [client, socket] = await pair();
      echo(socket);
      client.send('grüße', { fin: false });
      client.send(' und 𝄞', { fin: true });
      const [data, isBinary] = (await once(client, 'message')) as [Buffer, boolean];
      assert.equal(data.toString(), 'grüße und 𝄞');
      assert.equal(isBinary, false);
    });

    it('compressed ones', async () => {
      const [client, socket] = await pair({ perMessageDeflate: { threshold: 0 } });
      echo(socket);
      assert.equal(client.extensions, 'permessage-deflate');
      assert.equal(socket.extensions, 'permessage-deflate');
      for (const size of [0, 10, 1000, 200_000]) {
        const text = JSON.stringify({ text: 'abc'.repeat(size) });
        client.send(text);
        const [data] = (await once(client, 'message')) as [Buffer];
        assert.equal(data.toString(), text);
      }
      assert.ok(socket.stats.compressedBytesSent < socket.stats.deflatedBytesSent / 10);
    });

    it('pings and pongs both ways', async () => {
      const [client, socket] = await pair();
      const heard = once(socket, 'ping');
      client.ping('one');
      assert.equal(String((await once(client, 'pong'))[0]), 'one');
      assert.equal(String((await heard)[0]), 'one');
      socket.ping('two');
      assert.equal(String((await once(socket, 'pong'))[0]), 'two');
    });

    it('many small ones in order, sent before anything was answered', async () => {
      const [client, socket] = await pair();
      echo(socket);
      const count = 5000;
      let next = 0;
      const all = new Promise<void>((resolve) => {
        client.on('message', (data: Buffer) => {
          assert.equal(data.toString(), String(next));
          if (++next === count) resolve();
        });
      });
      for (let i = 0; i < count; ++i) client.send(String(i));
      await all;
    });

    it('what came in one packet with the request is not lost', async () => {
      running = await start({});
      const connection = once(running.server, 'connection');
      running.server.on('connection', echo);
      const socket = running.connect();
      const mask = Buffer.from([1, 2, 3, 4]);
      const frames = ['first', 'second'].map((word) => binary(Buffer.from(word), { mask }));
      socket.write(Buffer.concat([Buffer.from(upgradeRequest()), ...frames]));
      const answers = await framesAfterHead(socket, 2);
      await connection;
      assert.deepEqual(
        answers.map(({ payload }) => payload.toString()),
        ['first', 'second'],
      );
      socket.destroy();
    });

    it('the codes of both closes', async () => {
      const [client, socket] = await pair();
      const end = once(socket, 'close');
      client.close(4001, 'bye');
      const [code, reason] = (await end) as [number, Buffer];
      assert.deepEqual([code, reason.toString()], [4001, 'bye']);
      const [second, other] = await again();
      const closed = once(second, 'close');
      other.close(3500, 'away');
      const [theirs, words] = (await closed) as [number, Buffer];
      assert.deepEqual([theirs, words.toString()], [3500, 'away']);

      async function again(): Promise<[WsClient, WebSocket]> {
        const connection = once(running.server, 'connection');
        const made = new WsClient(running.url, trusting);
        clients.push(made);
        const [[accepted]] = (await Promise.all([connection, once(made, 'open')])) as [
          [WebSocket],
          unknown,
        ];
        return [made, accepted];
      }
    });

    it('a client that vanishes: 1006', async () => {
      const [client, socket] = await pair();
      const end = once(socket, 'close');
      client.terminate();
      assert.equal((await end)[0], 1006);
      assert.equal(running.server.clients.size, 0);
    });

    it('a client that ends behind its messages is answered in vain, and nothing is thrown', async () => {
      running = await start({});
      const end = new Promise<[number, number]>((resolve) => {
        running.server.on('connection', (accepted: WebSocket) => {
          let count = 0;
          accepted.on('message', (data) => {
            count += 1;
            accepted.send(data);
          });
          accepted.on('close', (code) => resolve([count, code]));
        });
      });
      const socket = running.connect();
      const frame = binary(Buffer.alloc(20), { mask: Buffer.from([1, 2, 3, 4]) });
      socket.end(
        Buffer.concat([Buffer.from(upgradeRequest()), ...new Array<Buffer>(50).fill(frame)]),
      );
      socket.resume();
      assert.deepEqual(await end, [50, 1006]);
    });

    it('an unmasked frame is refused with 1002', async () => {
      running = await start({});
      const end = new Promise<[Error, number]>((resolve) => {
        running.server.on('connection', (accepted: WebSocket) => {
          accepted.on('error', (error) => {
            accepted.on('close', (code) => resolve([error, code]));
          });
        });
      });
      const socket = running.connect();
      socket.write(Buffer.concat([Buffer.from(upgradeRequest()), binary(Buffer.from('x'))]));
      const [close] = await framesAfterHead(socket, 1);
      assert.equal(close?.opcode, Opcode.Close);
      assert.equal(close?.payload.readUInt16BE(0), 1002);
      socket.destroy();
      const [error, code] = await end;
      assert.equal((error as { code?: string }).code, 'WS_ERR_EXPECTED_MASK');
      assert.equal(code, 1006);
    });

    it('larger ones than maxPayload are refused with 1009', async () => {
      const [client, socket] = await pair({ maxPayload: 1000 });
      socket.on('error', () => undefined);
      client.send(Buffer.alloc(1001));
      assert.equal((await once(client, 'close'))[0], 1009);
    });
  });
}

/** Frames that follow the answer's head. */
function framesAfterHead(socket: NodeJS.ReadableStream, count: number): Promise<Frame[]> {
  return new Promise((resolve, reject) => {
    let bytes = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('data', (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      const end = bytes.indexOf('\r\n\r\n');
      if (end < 0) return;
      const frames: Frame[] = [];
      for (let rest = bytes.subarray(end + 4); frames.length < count;) {
        const frame = parseFrame(rest);
        if (!frame) return;
        frames.push(frame);
        rest = rest.subarray(frameSize(rest));
      }
      resolve(frames);
    });
  });
}
