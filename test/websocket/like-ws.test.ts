/** What ws's class and ours are told by the same server: the same events in the same order. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { createWebSocketStream as wsStream, WebSocket as WsSocket } from 'ws';
import { close, frame, Opcode, text } from '../support/frames';
import { type AcceptOptions, type RawConnection, RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { createWebSocketStream, WebSocket, type ClientOptions } from '../../lib';

type AnySocket = WebSocket;

const CLASSES = { ws: WsSocket as unknown as typeof WebSocket, ours: WebSocket };
const EVENTS = ['upgrade', 'open', 'message', 'ping', 'error', 'close'];

interface Scene {
  server: (connection: RawConnection) => Promise<void>;
  options?: ClientOptions;
  client?: (socket: AnySocket, seen: string[]) => void;
}

/** Everything that a socket emits until it has closed, or `open` if it does not. */
async function seenBy(Class: typeof WebSocket, scene: Scene): Promise<string[]> {
  const seen: string[] = [];
  const server = await RawServer.listen(scene.server);
  const socket = new Class(server.url, { perMessageDeflate: false, ...scene.options });
  try {
    for (const name of EVENTS) {
      socket.on(name, (...args: unknown[]) => {
        const words = args.map((arg) =>
          arg instanceof Error
            ? arg.message
            : Buffer.isBuffer(arg)
              ? String(arg)
              : typeof arg === 'number'
                ? arg
                : '',
        );
        seen.push(`${name} ${socket.readyState} ${words.join(' ')}`.trim());
      });
    }
    scene.client?.(socket, seen);
    await new Promise((resolve) => socket.once('close', resolve));
  } finally {
    socket.terminate();
    await server.close();
  }
  return seen;
}

async function same(scene: Scene): Promise<string[]> {
  const theirs = await seenBy(CLASSES.ws, scene);
  assert.deepEqual(await seenBy(CLASSES.ours, scene), theirs);
  return theirs;
}

describe('WebSocket beside ws: the answer to the handshake', () => {
  const accepts: [string, AcceptOptions, ClientOptions?][] = [
    ['a wrong Sec-WebSocket-Accept', { accept: 'foo' }],
    ['no Sec-WebSocket-Accept', { accept: null }],
    ['another Upgrade', { upgrade: 'foo' }],
    ['a subprotocol nobody asked for', { protocol: 'foo' }],
    ['an extension nobody asked for', { extensions: 'permessage-deflate' }],
    ['an extension there is not', { extensions: 'foo' }, { perMessageDeflate: true }],
    [
      'a parameter there is not',
      { extensions: 'permessage-deflate; foo' },
      { perMessageDeflate: true },
    ],
  ];
  for (const [what, accept, options = {}] of accepts) {
    it(`${what}: 'upgrade', then the error`, async () => {
      const seen = await same({
        options,
        server: async (connection) => {
          await connection.accept(accept);
          await connection.ended;
        },
      });
      assert.equal(seen[0], 'upgrade 0');
      assert.equal(seen.length, 3);
    });
  }

  for (const method of ['close', 'terminate'] as const) {
    it(`${method}() in the listener of 'upgrade' is what ends it`, async () => {
      const seen = await same({
        server: async (connection) => {
          await connection.accept({ accept: 'foo' });
          await connection.ended;
        },
        client: (socket) => socket.on('upgrade', () => socket[method]()),
      });
      assert.match(seen[1] ?? '', /closed before the connection was established/);
    });
  }

  it("another status: no 'upgrade'", async () => {
    const seen = await same({
      server: async (connection) => {
        await connection.readRequest();
        connection.write(
          Buffer.from('HTTP/1.1 400 No\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
        );
        connection.end();
      },
    });
    assert.equal(seen.length, 2);
  });

  for (const status of [300, 301, 302, 303, 304, 305, 306, 307, 308, 309, 399]) {
    it(`a redirect by ${status}`, async () => {
      const redirect =
        (location: string) =>
        async (connection: RawConnection): Promise<void> => {
          const { path } = await connection.peekRequest();
          if (path === '/there') {
            await connection.accept({ then: close(1000) });
            await connection.readFrames(true);
          } else {
            await connection.readRequest();
            connection.write(
              Buffer.from(`HTTP/1.1 ${status} Moved\r\n${location}Content-Length: 0\r\n\r\n`),
            );
          }
          connection.end();
        };
      const followed = {
        server: redirect('Location: /there\r\n'),
        options: { followRedirects: true },
      };
      assert.equal((await same(followed)).at(-1), 'close 3 1000');
      assert.match((await same({ ...followed, options: {} }))[0] ?? '', new RegExp(`${status}$`));
      // Nowhere to go.
      await same({ ...followed, server: redirect('') });
    });
  }
});

describe('WebSocket beside ws: Close frames', () => {
  const ends: [string, Buffer, ClientOptions?][] = [
    ['a code and a reason', close(4001, 'bye')],
    ['a code', close(1001)],
    ['no code', close()],
    ['a reason of 123 bytes', close(1000, 'x'.repeat(123))],
    ['a reason that is not UTF-8', close(1000, Buffer.from([0xff])), { skipUTF8Validation: true }],
    ['a length of 2^63', frame({ opcode: Opcode.Binary, claimedLength: 1n << 63n })],
    ['a length of 2^53', frame({ opcode: Opcode.Binary, claimedLength: 1n << 53n })],
    ['an opcode there is not', frame({ opcode: 3 })],
    ['a continuation of nothing', Buffer.concat([text('m'), frame({ opcode: 0 })])],
    ['text that is not UTF-8', text(Buffer.from([0xff]))],
  ];
  for (const [what, bytes, options = {}] of ends) {
    it(`${what}: the same answer`, async () => {
      const answers: string[] = [];
      for (const Class of Object.values(CLASSES)) {
        await seenBy(Class, {
          options,
          server: async (connection) => {
            await connection.accept({ then: bytes });
            for (const { opcode, payload } of await connection.readFrames(true)) {
              answers.push(`${opcode} ${payload.toString('hex')}`);
            }
            connection.end();
          },
        });
      }
      assert.equal(answers.length, 2);
      assert.equal(answers[1], answers[0]);
    });
  }
});

describe('createWebSocketStream beside ws', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());

  const both = async (run: (stream: Duplex, socket: AnySocket) => void): Promise<string[]> => {
    const logs: string[][] = [];
    for (const [name, Class] of Object.entries(CLASSES)) {
      const make =
        name === 'ws'
          ? (wsStream as unknown as typeof createWebSocketStream)
          : createWebSocketStream;
      const socket = new Class(server.url, { perMessageDeflate: false });
      const stream = make(socket);
      const seen: string[] = [];
      for (const event of ['finish', 'end', 'error', 'close']) {
        stream.on(event, () => seen.push(`${event}${stream.destroyed ? ', destroyed' : ''}`));
      }
      run(stream, socket);
      await new Promise((resolve) => stream.once('close', resolve));
      logs.push(seen);
    }
    assert.deepEqual(logs[1], logs[0]);
    return logs[0] as string[];
  };

  it('end(): finish, end, close; in end it is destroyed', async () => {
    const seen = await both((stream) => stream.resume().end('bye'));
    assert.deepEqual(seen, ['finish', 'end, destroyed', 'close, destroyed']);
  });

  it('the socket ends, then the writable side', async () => {
    await both((stream, socket) => {
      stream.resume().on('end', () => stream.end());
      socket.on('open', () => socket.close());
    });
  });

  it('destroy()', async () => {
    await both((stream, socket) => socket.on('open', () => stream.destroy()));
  });

  it('destroy() with an error', async () => {
    await both((stream, socket) => socket.on('open', () => stream.destroy(new Error('mine'))));
  });

  it('destroy() while connecting', async () => {
    await both((stream) => stream.destroy());
  });

  for (const side of ["the server's", "ws's client"]) {
    it(`runs over a socket of ws: ${side}`, async () => {
      const connected = once(server.wss, 'connection') as Promise<[WsSocket]>;
      const client = side === "the server's" ? new WebSocket(server.url) : new WsSocket(server.url);
      const [peer] = await connected;
      const socket = side === "the server's" ? peer : (client as WsSocket);
      socket.removeAllListeners('message');
      const stream = createWebSocketStream(socket as WsSocket);
      let written = 0;
      for (let i = 0; i < 100; i++) stream.write(Buffer.alloc(100_000, i), () => written++);
      const other = (side === "the server's" ? client : peer) as WsSocket;
      let bytes = 0;
      other.on('message', (data) => (bytes += (data as Buffer).length));
      const seen: string[] = [];
      for (const event of ['finish', 'end', 'close']) stream.on(event, () => seen.push(event));
      stream.resume().end();
      await once(stream, 'close');
      assert.equal(bytes, 10_000_000);
      assert.equal(written, 100);
      assert.deepEqual(seen, ['finish', 'end', 'close']);
    });
  }
});
