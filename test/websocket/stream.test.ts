/** createWebSocketStream: a real Duplex. */
import { strict as assert } from 'node:assert';
import { Duplex, PassThrough } from 'node:stream';
import { finished, pipeline } from 'node:stream/promises';
import { closed, endSockets, open, opening, pair, until } from './support/sockets';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { createWebSocketStream, WebSocket } from '../../lib';

describe('createWebSocketStream', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  it('is a Duplex', () => {
    const socket = open(server.url);
    const stream = createWebSocketStream(socket);
    assert.ok(stream instanceof Duplex);
    stream.on('error', () => undefined);
  });

  it('writes before open, and reads what comes back', async () => {
    const stream = createWebSocketStream(open(server.url), { encoding: 'utf8' });
    stream.write('hello');
    const [data] = (await new Promise((resolve) =>
      stream.once('data', (...args) => resolve(args)),
    )) as [string];
    assert.equal(data, 'hello');
    stream.end();
    await finished(stream.resume());
  });

  it('pipes much data through, without losing or mixing any', async () => {
    const stream = createWebSocketStream(open(server.url, { perMessageDeflate: false }));
    const source = new PassThrough();
    const chunks: Buffer[] = [];
    let received = 0;
    const total = 16 * 1024 * 1024;
    stream.on('data', (data: Buffer) => {
      chunks.push(data);
      received += data.length;
      if (received === total) stream.end();
    });
    source.pipe(stream, { end: false });
    const expected: Buffer[] = [];
    for (let i = 0; i < 256; i++) {
      const chunk = Buffer.alloc(65_536, i);
      expected.push(chunk);
      source.write(chunk);
    }
    await finished(stream);
    assert.ok(Buffer.concat(chunks).equals(Buffer.concat(expected)));
  });

  it('write() returns false and waits for drain when the peer does not read', async () => {
    let accept: (resume: () => void) => void;
    const resume = new Promise<() => void>((resolve) => (accept = resolve));
    const slow = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.socket.pause();
      accept(() => connection.socket.resume());
      await connection.closed;
    });
    const socket = await opening(
      open(slow.url, { perMessageDeflate: false, highWaterMark: 65_536 }),
    );
    const stream = createWebSocketStream(socket);
    let done = 0;
    for (let i = 0; i < 256; i++) stream.write(Buffer.alloc(65_536), () => done++);
    assert.equal(stream.writableNeedDrain, true);
    const release = await resume;
    let last = -1;
    for (let same = 0; same < 50;) {
      same = done === last ? same + 1 : 0;
      last = done;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(done < 256, `${done}`);
    release();
    await until(() => done === 256);
    stream.on('error', () => undefined);
    stream.destroy();
    await slow.close();
  });

  it('a reader that is slow stops the socket', async () => {
    const [socket, peer] = await pair(server, { perMessageDeflate: false });
    const stream = createWebSocketStream(socket);
    for (let i = 0; i < 64; i++) peer.send(Buffer.alloc(1024 * 1024, i));
    let last = -1;
    for (let same = 0; same < 50;) {
      same = peer.bufferedAmount === last ? same + 1 : 0;
      last = peer.bufferedAmount;
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.ok(last > 16 * 1024 * 1024);
    assert.equal(socket.isPaused, true);
    let seen = 0;
    stream.on('data', (data: Buffer) => assert.equal(data[0], seen++));
    await until(() => seen === 64);
  });

  it('end() closes the socket, after everything written', async () => {
    const [socket, peer] = await pair(server);
    let bytes = 0;
    peer.on('message', (data) => (bytes += (data as Buffer).length));
    const stream = createWebSocketStream(socket);
    stream.write(Buffer.alloc(1_000_000));
    stream.end('last');
    stream.resume();
    await finished(stream);
    assert.equal(bytes, 1_000_004);
    assert.equal(socket.readyState, WebSocket.CLOSED);
  });

  it('the socket’s end ends it, and it is destroyed', async () => {
    const [socket, peer] = await pair(server);
    const stream = createWebSocketStream(socket);
    peer.send('x');
    peer.close();
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.deepEqual(chunks, [Buffer.from('x')]);
    await until(() => stream.destroyed);
  });

  it('destroy() terminates the socket', async () => {
    const [socket, peer] = await pair(server);
    const stream = createWebSocketStream(socket);
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    const end = closed(socket);
    const error = new Error('mine');
    const told = new Promise((resolve) => stream.once('error', resolve));
    stream.destroy(error);
    assert.equal(await told, error);
    assert.equal((await end).code, 1006);
    assert.equal(await theirs, 1006);
  });

  it('an error of the socket is the stream’s; the Close frame still goes out', async () => {
    const [socket, peer] = await pair(server, { maxPayload: 3 });
    const stream = createWebSocketStream(socket);
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    const told = new Promise<NodeJS.ErrnoException>((resolve) => stream.once('error', resolve));
    stream.resume();
    peer.send('1234');
    assert.equal((await told).code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    assert.equal(await theirs, 1009);
  });

  it('a connection that fails is an error of the stream', async () => {
    const stream = createWebSocketStream(open('ws://127.0.0.1:1'));
    await assert.rejects(finished(stream.resume()), { code: 'ECONNREFUSED' });
  });

  it('destroy() while connecting', async () => {
    const socket = open(server.url);
    const stream = createWebSocketStream(socket);
    const told = new Promise<Error>((resolve) => stream.once('error', resolve));
    stream.destroy();
    assert.match((await told).message, /closed before the connection/);
    assert.equal(socket.readyState, WebSocket.CLOSED);
  });

  it('writing after the socket’s end is an error', async () => {
    const [socket] = await pair(server);
    const stream = createWebSocketStream(socket, { allowHalfOpen: true });
    const told = new Promise<Error>((resolve) => stream.once('error', resolve));
    socket.close();
    stream.write('late');
    assert.match((await told).message, /not open|not sent|closed/);
  });

  it('readableObjectMode: text as strings, one chunk a message', async () => {
    const [socket, peer] = await pair(server);
    const stream = createWebSocketStream(socket, { readableObjectMode: true });
    peer.send('a');
    peer.send('');
    peer.send(Buffer.from('b'));
    peer.close();
    const chunks: unknown[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    assert.deepEqual(chunks, ['a', '', Buffer.from('b')]);
  });

  it('text with decodeStrings: false goes as text', async () => {
    const [socket, peer] = await pair(server);
    const kinds: boolean[] = [];
    peer.on('message', (_data, isBinary) => kinds.push(isBinary));
    const stream = createWebSocketStream(socket, { decodeStrings: false });
    stream.write('text');
    stream.write(Buffer.from('bytes'));
    stream.end();
    await finished(stream.resume());
    assert.deepEqual(kinds, [false, true]);
  });

  it('works in a pipeline', async () => {
    const stream = createWebSocketStream(open(server.url));
    const chunks: Buffer[] = [];
    const sink = new PassThrough();
    sink.on('data', (data: Buffer) => {
      chunks.push(data);
      if (Buffer.concat(chunks).toString() === 'onetwo') stream.end();
    });
    stream.write('one');
    stream.write('two');
    await pipeline(stream, sink);
  });
});
