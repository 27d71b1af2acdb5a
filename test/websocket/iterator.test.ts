/** for await (const message of socket). */
import { strict as assert } from 'node:assert';
import { closed, endSockets, open, opening, pair } from './support/sockets';
import { MessageQueue } from '../../lib/session/message-queue';
import { startWsServer, type WsServer } from '../support/ws-server';
import { StandardWebSocket, WebSocket } from '../../lib';

describe('WebSocket: iteration', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  it('gives strings for text and Buffers for the rest, and ends with the socket', async () => {
    const [socket, peer] = await pair(server);
    peer.send('text');
    peer.send(Buffer.from('bytes'));
    peer.close(1000);
    const seen: unknown[] = [];
    for await (const data of socket) seen.push(data);
    assert.deepEqual(seen, ['text', Buffer.from('bytes')]);
  });

  it('follows binaryType', async () => {
    const [socket, peer] = await pair(server);
    socket.binaryType = 'arraybuffer';
    peer.send(Buffer.from('bytes'));
    for await (const data of socket) {
      assert.ok(data instanceof ArrayBuffer);
      break;
    }
  });

  it('a loop and listeners share what was made of a message', async () => {
    for (const binaryType of ['blob', 'arraybuffer', 'fragments'] as const) {
      const [socket, peer] = await pair(server);
      socket.binaryType = binaryType;
      const heard: unknown[] = [];
      socket.on('message', (data) => heard.push(data));
      socket.addEventListener('message', ({ data }) => heard.push(data));
      peer.send(Buffer.from('bytes'));
      for await (const data of socket) {
        assert.notEqual(data, undefined);
        assert.equal(heard.length, 2);
        assert.ok(
          heard.every((one) => one === data),
          binaryType,
        );
        break;
      }
    }
  });

  it('text is made a string of once', async () => {
    const [socket, peer] = await pair(server);
    let conversions = 0;
    const { toString } = Buffer.prototype;
    socket.on('message', (data: Buffer) => {
      data.toString = () => {
        conversions++;
        return toString.call(data);
      };
    });
    const heard: unknown[] = [];
    socket.addEventListener('message', ({ data }) => heard.push(data));
    const seen: unknown[] = [];
    peer.send('one');
    peer.send('two');
    for await (const data of socket) if (seen.push(data) === 2) break;
    assert.deepEqual(seen, ['one', 'two']);
    assert.deepEqual(heard, ['one', 'two']);
    // The loop has had its string before listeners are called.
    assert.equal(conversions, 0);
  });

  it('works from the first message on, though it came with the handshake', async () => {
    const greeting = await startWsServer({ onConnection: (peer) => peer.send('hello') });
    for (let i = 0; i < 20; i++) {
      const socket = await WebSocket.connect(greeting.url);
      for await (const data of socket) {
        assert.equal(data, 'hello');
        break;
      }
      socket.terminate();
    }
    await greeting.close();
  });

  it('a slow loop stops the sender', async () => {
    const [socket, peer] = await pair(server, { perMessageDeflate: false });
    const size = 256 * 1024;
    const count = 256;
    for (let i = 0; i < count; i++) peer.send(Buffer.alloc(size, i));
    let seen = 0;
    for await (const data of socket) {
      assert.equal((data as Buffer)[0], seen & 0xff);
      if (seen++ === 0) {
        let last = -1;
        for (let same = 0; same < 50;) {
          same = peer.bufferedAmount === last ? same + 1 : 0;
          last = peer.bufferedAmount;
          await new Promise((resolve) => setImmediate(resolve));
        }
        assert.ok(last > 16 * 1024 * 1024, `${last} bytes wait at the sender`);
      }
      if (seen === count) break;
    }
  });

  it('leaving it keeps the socket open; the next loop goes on with the next message', async () => {
    const [socket, peer] = await pair(server);
    for (let i = 0; i < 100; i++) peer.send(String(i));
    const seen: unknown[] = [];
    for await (const data of socket) if (seen.push(data) === 3) break;
    assert.equal(socket.readyState, WebSocket.OPEN);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    for await (const data of socket) if (seen.push(data) === 100) break;
    assert.deepEqual(seen, [...Array(100).keys()].map(String));
  });

  it('after leaving, resume() and close() let the socket go', async () => {
    const [socket, peer] = await pair(server);
    for (let i = 0; i < 10; i++) peer.send('x');
    for await (const _ of socket) break;
    socket.resume();
    peer.send('seen by listeners');
    await new Promise<void>((resolve) => {
      socket.on('message', (data) => data.toString() === 'seen by listeners' && resolve());
    });
    peer.send('x');
    for await (const _ of socket) break;
    peer.send('y');
    const end = closed(socket);
    socket.close();
    await end;
  });

  it('throws when the connection is lost', async () => {
    const [socket, peer] = await pair(server);
    peer.send('one', () => peer.terminate());
    const seen: unknown[] = [];
    await assert.rejects(async () => {
      for await (const data of socket) seen.push(data);
    }, /lost/);
    assert.deepEqual(seen, ['one']);
    // Told once.
    for await (const data of socket) assert.fail(String(data));
  });

  it('throws the error of the protocol', async () => {
    const [socket, peer] = await pair(server, { maxPayload: 3 });
    socket.on('error', () => undefined);
    peer.send('1234');
    await assert.rejects(
      async () => {
        for await (const data of socket) assert.fail(String(data));
      },
      { code: 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' },
    );
  });

  it('throws when the connection cannot be made', async () => {
    const socket = open('ws://127.0.0.1:1');
    socket.on('error', () => undefined);
    await assert.rejects(
      async () => {
        for await (const data of socket) assert.fail(String(data));
      },
      { code: 'ECONNREFUSED' },
    );
  });

  it('ends at once on a socket that has closed', async () => {
    const [socket] = await pair(server);
    socket.close();
    await new Promise((resolve) => socket.once('close', resolve));
    for await (const data of socket) assert.fail(String(data));
  });

  it('works on the standard face', async () => {
    const socket = await StandardWebSocket.connect(server.url);
    socket.send('text');
    for await (const data of socket) {
      assert.equal(data, 'text');
      break;
    }
    socket.terminate();
  });

  it('several next() at once are answered in order', async () => {
    const [socket, peer] = await pair(server);
    const iterator = socket[Symbol.asyncIterator]();
    const three = Promise.all([iterator.next(), iterator.next(), iterator.next()]);
    for (const data of ['a', 'b', 'c']) peer.send(data);
    assert.deepEqual(
      (await three).map(({ value }) => value as string),
      ['a', 'b', 'c'],
    );
    await iterator.return?.();
    assert.deepEqual(await iterator.next(), { value: undefined, done: true });
  });

  describe('queue', () => {
    it('holds its owner above the high-water mark and lets it go half-way down', async () => {
      const holds: boolean[] = [];
      const queue = new MessageQueue<number>({ hold: (on) => holds.push(on) });
      const iterator = queue.iterate();
      for (let i = 0; i < 63; i++) queue.push(i, 1);
      assert.deepEqual(holds, []);
      queue.push(63, 1);
      assert.deepEqual(holds, [true]);
      for (let i = 0; i < 32; i++) assert.equal((await iterator.next()).value, i);
      assert.deepEqual(holds, [true, false]);
    });

    it('counts bytes as well', () => {
      const holds: boolean[] = [];
      const queue = new MessageQueue<number>({ hold: (on) => holds.push(on) });
      queue.iterate();
      queue.push(0, 1024 * 1024);
      assert.deepEqual(holds, [true]);
    });
  });

  it('a message and the listener both see it', async () => {
    const socket = await opening(open(server.url));
    const heard: string[] = [];
    socket.on('message', (data) => heard.push(data.toString()));
    socket.send('both');
    for await (const data of socket) {
      assert.equal(data, 'both');
      break;
    }
    assert.deepEqual(heard, ['both']);
  });
});
