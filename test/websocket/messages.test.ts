/** Messages both ways: types of data, binaryType, fragments, compression, callbacks, order. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, message, open, opening, pair, until } from './support/sockets';
import { startWsServer, type WsServer } from '../support/ws-server';
import { Opcode } from '../support/frames';
import { RawServer } from '../support/raw-server';
import type { Frame } from '../support/frames';
import { WebSocket, type MessageEvent } from '../../lib';

/** The frames a client sends before its Close frame. */
async function framesOf(
  use: (socket: WebSocket) => void | Promise<void>,
  extensions?: string,
): Promise<Frame[]> {
  const collected: Promise<Frame[]>[] = [];
  const server = await RawServer.listen(async (connection) => {
    await connection.accept(extensions === undefined ? {} : { extensions });
    const frames = connection.readFrames(true);
    collected.push(frames);
    await frames;
  });
  try {
    const socket = await opening(open(server.url));
    await use(socket);
    socket.close();
    await until(() => collected.length > 0);
    return (await (collected[0] as Promise<Frame[]>)).filter(
      ({ opcode }) => opcode !== Opcode.Close,
    );
  } finally {
    await endSockets();
    await server.close();
  }
}

describe('WebSocket: messages', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer({ ws: { perMessageDeflate: true } })));
  afterEach(endSockets);
  after(() => server.close());

  it('gives text as a Buffer and isBinary false, as ws does', async () => {
    const socket = await opening(open(server.url));
    socket.send('Grüße, 世界');
    const [data, isBinary] = await message(socket);
    assert.ok(Buffer.isBuffer(data));
    assert.equal(data.toString(), 'Grüße, 世界');
    assert.equal(isBinary, false);
  });

  it('gives text as a string to addEventListener and onmessage', async () => {
    const socket = await opening(open(server.url));
    const seen: unknown[] = [];
    socket.onmessage = (event) => seen.push(event.data);
    socket.addEventListener('message', (event) =>
      seen.push(event.data, event.origin, event.target === socket),
    );
    socket.send('text');
    await message(socket);
    assert.deepEqual(seen, ['text', 'text', server.url, true]);
  });

  const bytes = Buffer.from([1, 2, 3, 4]);
  const shared = new Uint8Array(new SharedArrayBuffer(4));
  shared.set(bytes);
  const inputs: [string, unknown, Buffer, boolean][] = [
    ['a string', 'a', Buffer.from('a'), false],
    ['an empty string', '', Buffer.alloc(0), false],
    ['a number', 42, Buffer.from('42'), false],
    ['a Buffer', bytes, bytes, true],
    [
      'a Uint8Array within a larger buffer',
      new Uint8Array([0, 1, 2, 3, 4, 5]).subarray(1, 5),
      bytes,
      true,
    ],
    ['an ArrayBuffer', new Uint8Array(bytes).buffer, bytes, true],
    ['a SharedArrayBuffer', shared.buffer, bytes, true],
    ['a view of shared memory', shared, bytes, true],
    ['a DataView', new DataView(new Uint8Array(bytes).buffer), bytes, true],
    ['a Float64Array', new Float64Array([1]), Buffer.from(new Float64Array([1]).buffer), true],
    ['a Blob', new Blob([bytes]), bytes, true],
    ['an array of numbers', [1, 2, 3, 4], bytes, true],
    ['an object with valueOf()', { valueOf: () => new Uint8Array(bytes) }, bytes, true],
    ['nothing', undefined, Buffer.alloc(0), true],
    ['null', null, Buffer.alloc(0), true],
  ];
  for (const [name, input, expected, binary] of inputs) {
    it(`sends ${name}`, async () => {
      const socket = await opening(open(server.url));
      socket.send(input as string);
      const [data, isBinary] = await message(socket);
      assert.ok(data.equals(expected), `${data.toString('hex')}`);
      assert.equal(isBinary, binary);
    });
  }

  it('lets the option binary decide', async () => {
    const socket = await opening(open(server.url));
    socket.send('text', { binary: true });
    assert.deepEqual(await message(socket), [Buffer.from('text'), true]);
    socket.send(Buffer.from('bytes'), { binary: false });
    assert.deepEqual(await message(socket), [Buffer.from('bytes'), false]);
  });

  it('copies bytes before send() returns', async () => {
    const socket = await opening(open(server.url));
    const data = Buffer.from('before');
    socket.send(data);
    data.fill(0);
    assert.equal((await message(socket))[0].toString(), 'before');
  });

  it('refuses bytes that are no UTF-8 as text', async () => {
    const socket = await opening(open(server.url));
    assert.throws(() => socket.send(Buffer.from([0xff]), { binary: false }), {
      code: 'ERR_INVALID_UTF8',
    });
    const error = await new Promise<Error | undefined>((resolve) => {
      socket.send(Buffer.from([0xc3]), { binary: false }, resolve);
    });
    assert.equal((error as NodeJS.ErrnoException).code, 'ERR_INVALID_UTF8');
    socket.send('goes on');
    assert.equal((await message(socket))[0].toString(), 'goes on');
  });

  for (const [type, check] of [
    ['nodebuffer', (data: unknown) => assert.ok(Buffer.isBuffer(data))],
    [
      'arraybuffer',
      (data: unknown) => assert.ok(data instanceof ArrayBuffer && data.byteLength === 4),
    ],
    [
      'fragments',
      (data: unknown) =>
        assert.ok(Array.isArray(data) && Buffer.concat(data as Buffer[]).equals(bytes)),
    ],
    ['blob', (data: unknown) => assert.ok(data instanceof Blob && data.size === 4)],
  ] as const) {
    it(`binaryType '${type}'`, async () => {
      const socket = await opening(open(server.url));
      socket.binaryType = type;
      assert.equal(socket.binaryType, type);
      const events: MessageEvent[] = [];
      socket.addEventListener('message', (event) => events.push(event));
      socket.send(bytes);
      const [data] = await message(socket);
      check(data);
      check(events[0]?.data);
      socket.send('text stays text');
      assert.equal((await message(socket))[0].toString(), 'text stays text');
    });
  }

  it('ignores a binaryType that is none', () => {
    const socket = open(server.url);
    socket.on('error', () => undefined);
    (socket as { binaryType: string }).binaryType = 'nothing';
    assert.equal(socket.binaryType, 'nodebuffer');
  });

  it('an ArrayBuffer holds the message and nothing else', async () => {
    const socket = await opening(open(server.url));
    socket.binaryType = 'arraybuffer';
    for (const size of [0, 1, 1000, 100_000]) {
      socket.send(Buffer.alloc(size, 7));
      const [data] = (await message(socket)) as unknown as [ArrayBuffer];
      assert.equal(data.byteLength, size);
    }
  });

  it('sends in the order of the calls, Blobs among the rest', async () => {
    const socket = await opening(open(server.url));
    const sent: string[] = [];
    const seen: string[] = [];
    socket.on('message', (data) => seen.push(data.toString()));
    for (let i = 0; i < 30; i++) {
      sent.push(`message ${i}`);
      socket.send(
        i % 3 === 0
          ? new Blob([`message ${i}`])
          : i % 3 === 1
            ? `message ${i}`
            : Buffer.from(`message ${i}`),
      );
    }
    socket.close(1000);
    await closed(socket);
    assert.deepEqual(seen, sent);
  });

  it('sends fragments as one message', async () => {
    const frames = await framesOf((socket) => {
      socket.send('one ', { fin: false });
      socket.ping('between');
      socket.send('two ', { fin: false });
      socket.send('three', { fin: true });
      socket.send(Buffer.from('bytes'), { fin: false });
      socket.send('', { fin: true });
    });
    assert.deepEqual(
      frames.map(({ fin, opcode, payload }) => [fin, opcode, payload.toString()]),
      [
        [false, Opcode.Text, 'one '],
        [true, Opcode.Ping, 'between'],
        [false, Opcode.Continuation, 'two '],
        [true, Opcode.Continuation, 'three'],
        [false, Opcode.Binary, 'bytes'],
        [true, Opcode.Continuation, ''],
      ],
    );
  });

  it('masks each frame, unless told otherwise', async () => {
    const frames = await framesOf((socket) => {
      socket.send('masked');
      socket.send('bare', { mask: false });
      socket.ping('bare', false);
      socket.pong('masked', true);
    });
    assert.deepEqual(
      frames.map(({ masked, payload }) => [masked, payload.toString()]),
      [
        [true, 'masked'],
        [false, 'bare'],
        [false, 'bare'],
        [true, 'masked'],
      ],
    );
  });

  it('compresses unless told not to', async () => {
    const text = 'abc'.repeat(1000);
    const frames = await framesOf((socket) => {
      socket.send(text);
      socket.send(text, { compress: false });
    }, 'permessage-deflate');
    assert.equal(frames.length, 2);
    assert.ok((frames[0] as Frame).payload.length < 100);
    assert.equal((frames[1] as Frame).payload.length, text.length);
  });

  it('calls back when the message was given to the system, once each and in order', async () => {
    const socket = await opening(open(server.url));
    const calls: (number | Error)[] = [];
    await new Promise<void>((resolve) => {
      for (let i = 0; i < 5; i++) {
        socket.send(Buffer.alloc(i * 1000), (error) => {
          calls.push(error ?? i);
          if (calls.length === 7) resolve();
        });
      }
      socket.ping('x', true, () => calls.push(5));
      socket.send('', {}, (error) => {
        calls.push(error ?? 6);
        resolve();
      });
    });
    assert.deepEqual(calls, [0, 1, 2, 3, 4, 5, 6]);
    assert.equal(socket.bufferedAmount, 0);
  });

  it('calls back with an error for what was not sent', async () => {
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.socket.pause();
      await connection.closed;
    });
    const socket = await opening(open(server.url));
    const outcome = new Promise<Error | undefined>((resolve) => {
      socket.send(Buffer.alloc(16 * 1024 * 1024), resolve);
    });
    socket.terminate();
    assert.equal(((await outcome) as NodeJS.ErrnoException).code, 'ERR_NOT_SENT');
    await server.close();
  });

  it('pings and pongs', async () => {
    const [socket, peer] = await pair(server);
    const pings: string[] = [];
    socket.on('ping', (data) => pings.push(data.toString()));
    const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
    socket.ping(Buffer.from('hello'));
    assert.equal(await pong, 'hello');
    const answered = new Promise((resolve) =>
      peer.once('pong', (data) => resolve(data.toString())),
    );
    // The service answers before JavaScript hears of it.
    const pinged = new Promise((resolve) => socket.once('ping', resolve));
    peer.ping('from there');
    assert.equal(await answered, 'from there');
    await pinged;
    assert.deepEqual(pings, ['from there']);
    const unasked = new Promise((resolve) => peer.once('pong', (data) => resolve(data.toString())));
    socket.pong('unasked');
    assert.equal(await unasked, 'unasked');
    for (const data of [undefined, null, '', Buffer.alloc(0), 7]) {
      const answer = new Promise((resolve) =>
        socket.once('pong', (bytes) => resolve(bytes.toString())),
      );
      socket.ping(data);
      assert.equal(await answer, data === 7 ? '7' : '');
    }
    const again = new Promise((resolve) => socket.once('pong', resolve));
    await new Promise<void>((resolve) => socket.ping(() => resolve()));
    await again;
  });

  it('refuses pings and pongs of more than 125 bytes', async () => {
    const socket = await opening(open(server.url));
    assert.throws(() => socket.ping(Buffer.alloc(126)), RangeError);
    assert.throws(() => socket.pong('x'.repeat(126)), RangeError);
    socket.ping(Buffer.alloc(125));
  });

  it('does not answer pings with autoPong: false', async () => {
    const [socket, peer] = await pair(server, { autoPong: false });
    const pinged = new Promise<void>((resolve) => socket.once('ping', () => resolve()));
    let pongs = 0;
    peer.on('pong', () => pongs++);
    peer.ping();
    await pinged;
    socket.send('after');
    await message(socket);
    assert.equal(pongs, 0);
  });
});
