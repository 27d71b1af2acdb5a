/** Inputs of published advisories against WebSocket servers, whatever they were against: none does harm here. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../lib';
import { binary, continuation, ping, text } from '../support/frames';
import { floodWithPings } from './support/flood';
import { exchange, head, upgradeRequest, WAYS, type Running } from './support/ways';

const MASK = { mask: Buffer.of(1, 2, 3, 4) };
const LONG = 1_000_000;
const EMPTY = Buffer.alloc(0);

for (const way of ['its own listener', "Node's http server"]) {
  describe(`server: advisories, ${way}`, () => {
    const start = WAYS[way] as (typeof WAYS)[string];
    let running: Running;
    afterEach(() => running.close());

    /** An open socket, and its peer, of which nothing but the bytes behind the answer is told. */
    async function open(
      options: ServerOptions = {},
    ): Promise<{ socket: WebSocket; peer: Socket; received: () => Buffer }> {
      running = await start(options);
      const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
      const peer = running.connect().on('error', () => undefined);
      const chunks: Buffer[] = [];
      peer.on('data', (chunk: Buffer) => chunks.push(chunk));
      peer.write(upgradeRequest());
      const [socket] = await connected;
      const received = (): Buffer => {
        const all = Buffer.concat(chunks);
        const end = all.indexOf('\r\n\r\n');
        return end < 0 ? Buffer.alloc(0) : all.subarray(end + 4);
      };
      return { socket, peer, received };
    }

    async function until(condition: () => boolean, peer: Socket): Promise<void> {
      while (!condition()) await once(peer, 'data');
    }

    /** The code of the Close frame that answers those bytes. */
    async function closeCode(bytes: Buffer, options: ServerOptions = {}): Promise<number> {
      const { socket, peer, received } = await open(options);
      const failed = once(socket, 'error');
      peer.write(bytes);
      await failed;
      await until(() => received().length >= 4, peer);
      assert.equal(received()[0], 0x88);
      return received().readUInt16BE(2);
    }

    it('CVE-2016-10518 (ws): a number as the payload of a ping is its digits, not memory', async () => {
      const { socket, peer, received } = await open();
      socket.ping(100);
      await until(() => received().length >= 5, peer);
      assert.equal(received().toString('latin1'), '\x89\x03100');
    });

    for (const length of [2n ** 40n, 2n ** 62n]) {
      it(`CVE-2016-10542 (ws): a declared length of ${length}: 1009`, async () => {
        const frame = binary(Buffer.alloc(0), { ...MASK, claimedLength: length, lengthForm: 127 });
        assert.equal(await closeCode(frame), 1009);
      });
    }

    const NAMES = [
      'constructor',
      '__proto__',
      'toString',
      'hasOwnProperty; valueOf',
      'a; __proto__=1',
    ];
    for (const names of NAMES) {
      it(`GHSA-5v72-xg48-5rpm (ws): Sec-WebSocket-Extensions: ${names}`, async () => {
        running = await start({ perMessageDeflate: true });
        const request = upgradeRequest({ 'Sec-WebSocket-Extensions': names });
        assert.match(await head(running.connect(), request), /^HTTP\/1\.1 101 /);
      });
    }

    // What takes quadratic time here would take an hour. Node's own limit is 16 KiB.
    const length = way === 'its own listener' ? LONG : 10_000;
    for (const [what, headers] of [
      [
        'CVE-2021-32640 (ws): many blanks in Sec-WebSocket-Protocol',
        { 'Sec-WebSocket-Protocol': `a${' '.repeat(length)}b` },
      ],
      [
        'CVE-2020-7662 (websocket-extensions): a quoted string that does not end',
        { 'Sec-WebSocket-Extensions': `a; b="${'\\"'.repeat(length / 2)}` },
      ],
      [
        'CVE-2020-7662 (websocket-extensions): blanks in it',
        { 'Sec-WebSocket-Extensions': `a;${' '.repeat(length)}!?` },
      ],
    ] as const) {
      it(`${what}: 400, at once`, async () => {
        running = await start({ perMessageDeflate: true, maxHeaderSize: 2 * LONG });
        const answer = await exchange(running.connect(), upgradeRequest(headers));
        assert.match(answer, /^HTTP\/1\.1 400 /);
      });
    }

    it('CVE-2026-45736 (ws): a reason that is a typed array of others than bytes sends no memory', async () => {
      const { socket, peer, received } = await open();
      assert.throws(() => socket.close(1000, new Float32Array(20) as never), TypeError);
      socket.send('x');
      await until(() => received().length >= 3, peer);
      assert.equal(received().toString('latin1'), '\x81\x01x');
    });

    it('CVE-2026-48779 (ws): fragments without end: 1008', async () => {
      const empty = continuation('', { ...MASK, fin: false });
      const frames = Buffer.concat([
        text('', { ...MASK, fin: false }),
        ...Array.from({ length: 20_000 }, () => empty),
      ]);
      assert.equal(await closeCode(frames), 1008);
    });

    it('CVE-2026-48779 (ws): a message in single bytes takes no more memory than its length', async () => {
      const { socket, peer } = await open();
      const whole = once(socket, 'message');
      peer.setNoDelay();
      for (const byte of text('x'.repeat(2000), MASK)) {
        peer.write(Buffer.of(byte));
        await new Promise(setImmediate);
      }
      assert.equal(((await whole)[0] as Buffer).length, 2000);
      assert.ok(((await whole)[0] as Buffer).buffer.byteLength <= 64 * 1024);
    });

    it('ws 8.23.0: a client that pings and does not read the pongs is cut off', async () => {
      const { socket, peer } = await open();
      const closed = once(socket, 'close');
      peer.pause();
      floodWithPings(peer, MASK.mask);
      assert.equal((await closed)[0], 1006);
    });

    it('ws 8.23.0: its pings cost no memory where they are not counted', async () => {
      const { socket, peer } = await open({ maxPendingAutoPongs: 0 });
      peer.pause();
      let pings = 0;
      const all = new Promise<void>((resolve) => {
        socket.on('ping', () => {
          if (++pings === 100_000) resolve();
        });
      });
      const frame = ping('x'.repeat(125), MASK);
      peer.write(Buffer.concat(Array.from({ length: 100_000 }, () => frame)));
      await all;
      // What waits is in the system's buffers, and 64 KiB.
      assert.ok(socket.bufferedAmount < 256 * 1024, String(socket.bufferedAmount));
    });

    it('CVE-2026-54466 (websocket-driver): a length of the hixie drafts is a breach of the protocol', async () => {
      assert.equal(await closeCode(Buffer.from([0x80, 0xff, 0xff, 0xff, 0xff, 0x7f])), 1002);
    });

    it('CVE-2026-54466 (websocket-driver): a handshake of those drafts: 400', async () => {
      running = await start({});
      const request = upgradeRequest({
        'Sec-WebSocket-Key': undefined,
        'Sec-WebSocket-Version': undefined,
        'Sec-WebSocket-Key1': '4 @1  46546xW%0l 1 5',
        'Sec-WebSocket-Key2': '12998 5 Y3 1  .P00',
      });
      assert.match(await exchange(running.connect(), `${request}^n:ds[4U`), /^HTTP\/1\.1 400 /);
    });

    it('CVE-2022-21676 (engine.io): a bad frame right behind the request is told to the socket', async () => {
      running = await start({});
      const failed = new Promise<Error>((resolve) => {
        running.server.on('connection', (socket: WebSocket) => socket.on('error', resolve));
      });
      running
        .connect()
        .on('error', () => undefined)
        .write(Buffer.concat([Buffer.from(upgradeRequest()), binary(EMPTY, { ...MASK, rsv: 3 })]));
      assert.match((await failed).message, /^Invalid WebSocket frame: /);
    });

    it('CVE-2022-41940 (engine.io): a client that resets while its request is refused', async () => {
      let reset = (): void => undefined;
      running = await start({
        verifyClient: (_, callback) => {
          reset();
          setImmediate(() => callback(false));
        },
      });
      const peer = running.connect();
      reset = () => peer.resetAndDestroy();
      const closed = once(peer, 'close');
      peer.write(upgradeRequest());
      await closed;
      // Nothing was thrown, and the next one is answered.
      reset = () => undefined;
      assert.match(await exchange(running.connect(), upgradeRequest()), /^HTTP\/1\.1 401 /);
    });

    it('a client that resets throws nothing that nobody caught', async () => {
      const { socket, peer } = await open();
      const closed = once(socket, 'close');
      socket.send('x'.repeat(1_000_000));
      peer.resetAndDestroy();
      assert.equal((await closed)[0], 1006);
    });

    it('CVE-2025-11677 (libwebsockets): an unknown protocol to upgrade to: 400', async () => {
      running = await start({});
      const request = upgradeRequest({ Upgrade: 'unknown' });
      assert.match(await exchange(running.connect(), `${request}more`), /^HTTP\/1\.1 400 /);
    });
  });
}

describe('server: advisories', () => {
  // What engine.io reads a body of, its own listener reads none of.
  const POSTS: Readonly<Record<string, string[]>> = {
    'CVE-2020-36048 (engine.io): a large POST': [
      `POST /engine.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: h\r\nContent-Length: ${LONG}\r\n\r\n`,
      'x'.repeat(LONG),
    ],
    'CVE-2026-59725 (engine.io): a binary POST that is malformed': [
      'POST /engine.io/?EIO=3&transport=polling HTTP/1.1\r\nHost: h\r\n' +
        'Content-Type: application/octet-stream\r\nContent-Length: 4\r\n\r\n',
      '\x01\xff\x00\x09',
    ],
  };
  for (const [what, pieces] of Object.entries(POSTS)) {
    it(`${what}: 426, and its body is not read`, async () => {
      const running = await (WAYS['its own listener'] as (typeof WAYS)[string])({});
      const socket = running.connect();
      const answer = new Promise<string>((resolve) => {
        socket.once('data', (data: Buffer) => resolve(data.toString('latin1')));
      });
      socket.on('error', () => undefined);
      for (const piece of pieces) socket.write(piece, 'latin1');
      assert.match(await answer, /^HTTP\/1\.1 426 /);
      assert.equal(running.server.stats.notUpgrades, 1);
      socket.destroy();
      await running.close();
    });
  }

  it('CVE-2024-38355 (socket.io): a packet that names an event "error" is a message as any other', async () => {
    const running = await (WAYS['its own listener'] as (typeof WAYS)[string])({});
    const message = new Promise<string>((resolve) => {
      running.server.on('connection', (socket: WebSocket) => {
        socket.on('message', (data: Buffer) => resolve(data.toString()));
      });
    });
    const packet = '42["error",{"message":"x"}]';
    running.connect().write(Buffer.concat([Buffer.from(upgradeRequest()), text(packet, MASK)]));
    assert.equal(await message, packet);
    await running.close();
  });

  it('CVE-2025-24010 (vite), CVE-2025-30360 (webpack-dev-server): a page of somebody else: 403', async () => {
    const running = await (WAYS["Node's http server"] as (typeof WAYS)[string])({
      origins: ['http://localhost:5173'],
    });
    for (const [origin, answer] of [
      ['http://evil.example', /^HTTP\/1\.1 403 /],
      ['http://localhost:5173', /^HTTP\/1\.1 101 /],
      ['http://localhost:5173.evil.example', /^HTTP\/1\.1 403 /],
    ] as const) {
      const request = upgradeRequest({ Origin: origin, 'Sec-WebSocket-Protocol': 'vite-hmr' });
      assert.match(await head(running.connect(), request), answer);
    }
    await running.close();
  });

  it('CVE-2024-37890 (ws): more headers than maxHeadersCount of an http server', async () => {
    const http = createServer();
    http.maxHeadersCount = 2;
    const server = new WebSocketServer({ server: http });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const { port } = http.address() as AddressInfo;
    const request = upgradeRequest({ Upgrade: undefined, 'X-Last': '1', upgrade: 'websocket' });
    // By us, or by Node's own server in its later versions.
    assert.match(await exchange(connect(port, '127.0.0.1'), request), /^HTTP\/1\.1 4(?:00|31) /);
    await new Promise((resolve) => server.close(resolve));
    http.close();
  });

  /** What has led to request smuggling (uNetworking/uWebSockets#1497): each is refused by our own parser. */
  const SMUGGLED: Readonly<Record<string, string>> = {
    'a folded header': upgradeRequest({ 'X-A': 'b\r\n c' }),
    'a line that ends with LF': upgradeRequest().replace('\r\nUpgrade', '\nUpgrade'),
    'a CR in a value': upgradeRequest({ 'X-A': 'b\rc' }),
    'a NUL': upgradeRequest({ 'X-A': 'b\0c' }),
    'white space before a colon': upgradeRequest({ 'X-A ': 'b' }),
    'two Host headers': upgradeRequest({ host: 'other' }),
    'no Host header': upgradeRequest({ Host: undefined }),
    'a Content-Length': upgradeRequest({ 'Content-Length': '5' }),
    'a Content-Length twice': upgradeRequest({ 'Content-Length': '0\r\nContent-Length: 5' }),
    'a Transfer-Encoding': upgradeRequest({ 'Transfer-Encoding': 'chunked' }),
    'a header without a name': upgradeRequest({ '': 'b' }),
    'another version of HTTP': upgradeRequest({}, 'GET / HTTP/1.2'),
    'two blanks in the request line': upgradeRequest({}, 'GET  / HTTP/1.1'),
  };
  for (const [what, request] of Object.entries(SMUGGLED)) {
    it(`uWebSockets#1497: ${what}: 400`, async () => {
      const running = await (WAYS['its own listener'] as (typeof WAYS)[string])({});
      running.server.on('connection', () => assert.fail('accepted'));
      assert.match(await exchange(running.connect(), request), /^HTTP\/1\.1 400 /);
      assert.equal(running.server.stats.malformed, 1);
      await running.close();
    });
  }

  it('tungstenite#376: a long header in small pieces is read once: 431', async () => {
    const running = await (WAYS['its own listener'] as (typeof WAYS)[string])({
      maxHeaderSize: LONG,
    });
    const socket = running.connect();
    socket.setNoDelay();
    const answer = exchange(socket, upgradeRequest().slice(0, -2) + 'X-A: ');
    for (let sent = 0; sent < LONG && !socket.destroyed; sent += 1000) {
      socket.write('a'.repeat(1000));
      await new Promise(setImmediate);
    }
    assert.match(await answer, /^HTTP\/1\.1 431 /);
    await running.close();
  });
});
