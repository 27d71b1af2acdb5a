/** Requests larger than one TLS record, or than the socket takes at once. */
import { strict as assert } from 'node:assert';
import { endSockets, failure, open, opening } from './support/sockets';
import { certificates } from '../support/certificates';
import type { Frame } from '../support/frames';
import { RawServer, type RawServerOptions } from '../support/raw-server';

/** More than the buffers of a loopback connection hold, both ends together. */
const HUGE = 16 * 1024 * 1024;

describe('WebSocket: large requests', () => {
  afterEach(endSockets);

  const kinds: { scheme: string; server: RawServerOptions }[] = [
    { scheme: 'ws', server: {} },
    { scheme: 'wss', server: { tls: true } },
  ];
  for (const { scheme, server: options } of kinds) {
    for (const size of [15_000, 17_000, 100_000, HUGE]) {
      it(`${scheme}: a header of ${size} bytes`, async () => {
        const cookie = 'x'.repeat(size - 8) + '12345678';
        let seen: string | undefined;
        let frame: Promise<Frame | undefined> | undefined;
        const server = await RawServer.listen(async (connection) => {
          // The client has to stop when the buffers are full, and to go on when they are read.
          connection.socket.pause();
          setImmediate(() => connection.socket.resume());
          await connection.waitFor(size);
          seen = (await connection.accept()).headers['cookie'];
          frame = connection.readFrame();
          await frame;
        }, options);
        const socket = await opening(
          open(`${scheme}://localhost:${server.port}/`, {
            headers: { Cookie: cookie },
            ca: certificates().ca,
          }),
        );
        socket.send('behind it');
        const payload = (await frame)?.payload.toString();
        assert.equal(seen?.length, size);
        assert.equal(seen === cookie, true);
        assert.equal(payload, 'behind it');
        socket.terminate();
        await server.close();
      }).timeout(30_000);
    }

    it(`${scheme}: the server refuses before it has read it all`, async () => {
      const server = await RawServer.listen(async (connection) => {
        connection.socket.pause();
        connection.write(
          'HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\n\r\n',
        );
        await connection.closed;
      }, options);
      const error: Error & { code?: string; status?: number } = await failure(
        open(`${scheme}://localhost:${server.port}/`, {
          headers: { Cookie: 'x'.repeat(HUGE) },
          ca: certificates().ca,
        }),
      );
      assert.equal(error.code, 'ERR_HTTP_STATUS');
      assert.equal(error.status, 431);
      await server.close();
    });

    it(`${scheme}: the server accepts before it has read it all`, async () => {
      const server = await RawServer.listen(async (connection) => {
        connection.socket.pause();
        connection.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n',
        );
        await connection.closed;
      }, options);
      const error: Error & { code?: string; status?: number } = await failure(
        open(`${scheme}://localhost:${server.port}/`, {
          headers: { Cookie: 'x'.repeat(HUGE) },
          ca: certificates().ca,
        }),
      );
      assert.equal(error.code, 'ERR_RESPONSE_REFUSED');
      await server.close();
    });

    it(`${scheme}: the server goes away before it has read it all`, async () => {
      const server = await RawServer.listen(async (connection) => {
        connection.socket.pause();
        connection.reset();
        await connection.closed;
      }, options);
      const error: Error & { code?: string; status?: number } = await failure(
        open(`${scheme}://localhost:${server.port}/`, {
          headers: { Cookie: 'x'.repeat(HUGE) },
          ca: certificates().ca,
        }),
      );
      assert.match(String(error.code), /^(ERR_HANDSHAKE_READ|ERR_PEER_HUNG_UP|ECONNRESET)$/);
      await server.close();
    });
  }
});
