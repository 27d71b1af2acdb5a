/** Blobs that cannot be read, or whose bytes cannot be sent. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { closed, endSockets, open, pair, until } from './support/sockets';
import { close as closeFrame } from '../support/frames';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { WebSocket } from '../../lib';

/** As that of a file that has changed since. */
class Unreadable extends Blob {
  override arrayBuffer(): Promise<ArrayBuffer> {
    return Promise.reject(new DOMException('The blob could not be read', 'NotReadableError'));
  }
}

/** Is read when the test says so. */
class Slow extends Blob {
  read: () => void = () => {};
  readonly #gate = new Promise<void>((resolve) => (this.read = resolve));

  override async arrayBuffer(): Promise<ArrayBuffer> {
    await this.#gate;
    return super.arrayBuffer();
  }
}

describe('WebSocket: Blobs', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  it('one that cannot be read is an error of the socket, which ends', async () => {
    const [socket] = await pair(server);
    const end = closed(socket);
    socket.send(new Unreadable(['x']));
    socket.send('after it');
    const { code, errors } = await end;
    assert.equal(code, 1006);
    assert.deepEqual(
      errors.map(({ name }) => name),
      ['NotReadableError'],
    );
  });

  it('its callback has the error too, and those behind it one of their own', async () => {
    const [socket] = await pair(server);
    const seen: string[] = [];
    const end = closed(socket);
    socket.send(new Unreadable(['x']), (error) => seen.push(String(error?.name)));
    socket.send('after it', (error) => seen.push(String((error as { code?: string })?.code)));
    await end;
    assert.deepEqual(seen, ['NotReadableError', 'ERR_NOT_SENT']);
  });

  it('is the only error, though the server breaks the protocol at the same time', async () => {
    const raw = await RawServer.listen(async (connection) => {
      await connection.accept({ then: Buffer.from([0x83, 0]) });
      await connection.closed;
    });
    try {
      const socket = open(raw.url);
      const end = closed(socket);
      socket.on('open', () => {
        // Known to be unreadable before anything else is: its error and the server's are then in one batch.
        socket.send(new Unreadable(['x']));
        socket.pause();
        setImmediate(() => socket.resume());
      });
      const { errors } = await end;
      assert.deepEqual(
        errors.map(({ name }) => name),
        ['NotReadableError'],
      );
    } finally {
      await raw.close();
    }
  });

  it('bytes of one sent as text that are not UTF-8 are an error of the socket', async () => {
    const [socket] = await pair(server);
    const end = closed(socket);
    socket.send(new Blob([new Uint8Array([0xff])]), { binary: false });
    const { errors } = await end;
    assert.deepEqual(
      errors.map((error) => (error as { code?: string }).code),
      ['ERR_INVALID_UTF8'],
    );
  });

  it('one that is read when the server has begun to close throws nothing', async () => {
    let end = (): void => {};
    const raw = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(closeFrame(4000));
      await new Promise<void>((resolve) => (end = resolve));
      connection.end();
    });
    try {
      const socket = open(raw.url);
      const ended = once(socket, 'close');
      const blob = new Slow(['x']);
      socket.once('open', () => socket.send(blob));
      await until(() => socket.readyState === WebSocket.CLOSING);
      blob.read();
      // An exception would be uncaught, and fail the test.
      await until(() => socket.bufferedAmount === 0);
      end();
      const [code] = (await ended) as [number];
      assert.equal(code, 4000);
    } finally {
      await raw.close();
    }
  });
});
