/** The end of a socket: close() and terminate() in each state, codes, the order of events. */
import { strict as assert } from 'node:assert';
import {
  closed,
  endSockets,
  failure,
  open,
  opening,
  pair,
  record,
  uncaught,
  until,
} from './support/sockets';
import { close as closeFrame, Opcode, text } from '../support/frames';
import { freePort } from '../support/free-port';
import { type RawConnection, RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { WebSocket } from '../../lib';

const EARLY = 'WebSocket was closed before the connection was established';

describe('WebSocket: closing', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  for (const method of ['close', 'terminate'] as const) {
    it(`${method}() while connecting: error, then close with 1006, later`, async () => {
      const socket = open(server.url);
      const seen = record(socket, ['open', 'error', 'close']);
      const end = closed(socket);
      socket[method]();
      assert.equal(socket.readyState, WebSocket.CLOSING);
      assert.deepEqual(seen, []);
      const { code, errors } = await end;
      assert.equal(code, 1006);
      assert.deepEqual(
        errors.map(({ message }) => message),
        [EARLY],
      );
      assert.deepEqual(seen, ['error 2', 'close 3']);
      assert.equal(socket.readyState, WebSocket.CLOSED);
    });

    it(`${method}() again, and after the end, does nothing`, async () => {
      const [socket] = await pair(server);
      const end = closed(socket);
      socket[method]();
      socket[method]();
      await end;
      socket[method]();
      assert.equal(socket.readyState, WebSocket.CLOSED);
    });
  }

  it('close() within open', async () => {
    const socket = open(server.url);
    socket.on('open', () => socket.close(3001, 'at once'));
    assert.deepEqual(await closed(socket), { code: 3001, reason: 'at once', errors: [] });
  });

  it('close() within upgrade is a close while connecting', async () => {
    const socket = open(server.url);
    const seen = record(socket, ['open', 'error', 'close']);
    socket.on('upgrade', () => socket.close());
    const { code, errors } = await closed(socket);
    assert.equal(code, 1006);
    assert.equal(errors[0]?.message, EARLY);
    assert.deepEqual(seen, ['error 2', 'close 3']);
  });

  it('close() without a code: the peer sees 1005', async () => {
    const [socket, peer] = await pair(server);
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    socket.close();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    assert.equal((await closed(socket)).code, 1005);
    assert.equal(await theirs, 1005);
  });

  for (const [code, reason] of [
    [1000, ''],
    [1001, 'going'],
    [1003, 'x'.repeat(123)],
    [1014, 'bad gateway'],
    [3000, 'ü'.repeat(61)],
    [4999, '💤'],
  ] as const) {
    it(`close(${code}, ${reason.length} characters) arrives there and here`, async () => {
      const [socket, peer] = await pair(server);
      const theirs = new Promise((resolve) => {
        peer.once('close', (theirCode, theirReason) =>
          resolve([theirCode, theirReason.toString()]),
        );
      });
      socket.close(code, reason);
      assert.deepEqual(await closed(socket), { code, reason, errors: [] });
      assert.deepEqual(await theirs, [code, reason]);
    });
  }

  it('takes the reason as bytes', async () => {
    const [socket] = await pair(server);
    socket.close(1000, Buffer.from('bytes'));
    assert.equal((await closed(socket)).reason, 'bytes');
  });

  it('refuses codes and reasons that no Close frame may carry', async () => {
    const [socket] = await pair(server);
    for (const code of [
      0,
      999,
      1004,
      1005,
      1006,
      1015,
      2999,
      5000,
      1000.5,
      -1,
      NaN,
      '1000',
      null,
    ]) {
      assert.throws(() => socket.close(code as number), {
        name: 'TypeError',
        message: 'First argument must be a valid error code number',
      });
    }
    assert.throws(() => socket.close(1000, 'x'.repeat(124)), {
      name: 'RangeError',
      message: 'The message must not be greater than 123 bytes',
    });
    assert.throws(() => socket.close(1000, ['x'] as unknown as string), TypeError);
    assert.equal(socket.readyState, WebSocket.OPEN);
  });

  it('the peer closes: CLOSING first, then close with its code and reason', async () => {
    const [socket, peer] = await pair(server);
    peer.close(4001, 'enough');
    assert.deepEqual(await closed(socket), { code: 4001, reason: 'enough', errors: [] });
  });

  it('everything sent before close() arrives', async () => {
    const [socket, peer] = await pair(server);
    let bytes = 0;
    peer.on('message', (data) => (bytes += (data as Buffer).length));
    for (let i = 0; i < 50; i++) socket.send(Buffer.alloc(100_000));
    socket.close();
    await closed(socket);
    assert.equal(bytes, 5_000_000);
  });

  it('terminate() ends TCP without a Close frame', async () => {
    const [socket, peer] = await pair(server);
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    socket.terminate();
    assert.equal(socket.readyState, WebSocket.CLOSING);
    assert.deepEqual(await closed(socket), { code: 1006, reason: '', errors: [] });
    assert.equal(await theirs, 1006);
  });

  it('a peer that vanishes: close with 1006 and no error, as in ws', async () => {
    const [socket, peer] = await pair(server);
    peer.terminate();
    assert.deepEqual(await closed(socket), { code: 1006, reason: '', errors: [] });
  });

  it('closeTimeout: 0 is no limit', async () => {
    const raw = await RawServer.listen(async (connection) => {
      await connection.accept();
      await connection.readFrame();
      // Time passes: other timers of the engine's loop run.
      await new Promise((resolve) => setTimeout(resolve, 20));
      connection.write(closeFrame(1000, 'late'));
      connection.end();
    });
    try {
      const socket = open(raw.url, { closeTimeout: 0 });
      const end = closed(socket);
      socket.on('open', () => socket.close(1000));
      assert.deepEqual(await end, { code: 1000, reason: 'late', errors: [] });
    } finally {
      await raw.close();
    }
  });

  it('a peer that does not answer the Close frame: 1006 after closeTimeout', async () => {
    const silent = await RawServer.listen(async (connection) => {
      await connection.accept();
      await connection.closed;
    });
    const socket = await opening(open(silent.url, { closeTimeout: 50 }));
    const begun = performance.now();
    socket.close(1000);
    const { code } = await closed(socket);
    assert.equal(code, 1006);
    assert.ok(performance.now() - begun >= 45);
    await silent.close();
  });

  it('sending while connecting throws', () => {
    const socket = open(server.url);
    socket.on('error', () => undefined);
    const expected = {
      message: 'WebSocket is not open: readyState 0 (CONNECTING)',
      code: 'ERR_NOT_OPEN',
    };
    assert.throws(() => socket.send('x'), expected);
    assert.throws(() => socket.ping(), expected);
    assert.throws(() => socket.pong(), expected);
  });

  it('sending after the end: the callback gets an error, the bytes count, nothing is thrown', async () => {
    const [socket] = await pair(server);
    const end = closed(socket);
    socket.close();
    const errors: string[] = [];
    const note = (error?: Error): void => void errors.push((error as Error).message);
    assert.equal(socket.send('abc', note), false);
    socket.ping('de', true, note);
    await end;
    socket.send(Buffer.alloc(5), {}, note);
    socket.pong(note);
    assert.equal(socket.bufferedAmount, 10);
    await until(() => errors.length === 4);
    assert.deepEqual(errors, [
      'WebSocket is not open: readyState 2 (CLOSING)',
      'WebSocket is not open: readyState 2 (CLOSING)',
      'WebSocket is not open: readyState 3 (CLOSED)',
      'WebSocket is not open: readyState 3 (CLOSED)',
    ]);
  });

  it('a connection that is refused: error with the system’s code, then close', async () => {
    const port = await freePort();
    const socket = open(`ws://127.0.0.1:${port}`);
    const seen = record(socket, ['open', 'error', 'close']);
    const error = await failure(socket);
    assert.equal(error.code, 'ECONNREFUSED');
    assert.equal(error.message, `connect ECONNREFUSED 127.0.0.1:${port}`);
    assert.deepEqual(seen, ['error 2', 'close 3']);
  });

  it('an error nobody listens to is thrown, and close follows all the same', async () => {
    const socket = new WebSocket(`ws://127.0.0.1:${await freePort()}`);
    const end = new Promise((resolve) => socket.once('close', resolve));
    const thrown = uncaught();
    assert.equal((await thrown).code, 'ECONNREFUSED');
    assert.equal(await end, 1006);
  });

  it('a protocol error: error with ws’s code, the code for it on the wire, then close', async () => {
    let sent: number | undefined;
    const bad = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(Buffer.concat([text('good'), text(Buffer.from([0xff]))]));
      const frames = await connection.readFrames(true);
      sent = frames.find(({ opcode }) => opcode === Opcode.Close)?.closeCode;
      connection.write(closeFrame(sent));
      connection.end();
    });
    const socket = open(bad.url);
    const seen = record(socket, ['open', 'message', 'error', 'close']);
    const error = await failure(socket);
    assert.equal(error.code, 'WS_ERR_INVALID_UTF8');
    assert.deepEqual(seen, ['open 1', 'message 1', 'error 2', 'close 3']);
    await bad.close();
    assert.equal(sent, 1007);
  });

  it('a message over maxPayload: WS_ERR_UNSUPPORTED_MESSAGE_LENGTH and 1009', async () => {
    const [socket, peer] = await pair(server, { maxPayload: 10 });
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    peer.send('0123456789');
    peer.send('0123456789a');
    const error = await failure(socket);
    assert.equal(error.code, 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH');
    assert.equal(await theirs, 1009);
  });

  it('more fragments than maxFragments: WS_ERR_TOO_MANY_BUFFERED_PARTS and 1008', async () => {
    const [socket, peer] = await pair(server, { maxFragments: 2 });
    const theirs = new Promise((resolve) => peer.once('close', resolve));
    peer.send('a', { fin: false });
    peer.send('b', { fin: false });
    peer.send('c', { fin: true });
    const error = await failure(socket);
    assert.equal(error.code, 'WS_ERR_TOO_MANY_BUFFERED_PARTS');
    assert.equal(await theirs, 1008);
  });

  it('a listener of close that throws loses nothing', async () => {
    const [socket, peer] = await pair(server);
    const [other] = await pair(server);
    const thrown = uncaught();
    socket.once('close', () => {
      throw new Error('from close');
    });
    const end = closed(other);
    other.close();
    peer.close();
    assert.equal((await thrown).message, 'from close');
    await end;
  });
});

describe('WebSocket: a server that closes', () => {
  afterEach(endSockets);

  /** Its script begins when the handshake is done. */
  const served = async (
    script: (connection: RawConnection) => Promise<void>,
    run: (url: string) => Promise<void>,
    tls = false,
  ): Promise<void> => {
    let played: Promise<void> | undefined;
    const server = await RawServer.listen(
      async (connection) => {
        await connection.accept({ then: closeFrame(4001, 'no') });
        await (played = script(connection));
      },
      tls ? { tls: true } : {},
    );
    try {
      await run(server.url);
      await played;
    } finally {
      await server.close();
    }
  };
  const reads = async (connection: RawConnection): Promise<string[]> => {
    const seen: string[] = [];
    for (;;) {
      const frame = await connection.readFrame();
      if (!frame) return seen;
      seen.push(frame.opcode === Opcode.Close ? `close ${frame.closeCode}` : String(frame.payload));
    }
  };

  for (const tls of [false, true]) {
    const over = tls ? ' (TLS)' : '';

    it(`at once: what open sends goes out before the answer${over}`, async () => {
      let seen: string[] = [];
      await served(
        async (connection) => {
          const reading = reads(connection);
          await connection.ended;
          seen = await reading;
          connection.end();
        },
        async (url) => {
          const socket = open(url, { rejectUnauthorized: false });
          const flushed = new Promise((resolve) => {
            socket.on('open', () => {
              socket.send('1');
              socket.send('2', resolve);
            });
          });
          assert.deepEqual(await closed(socket), { code: 4001, reason: 'no', errors: [] });
          assert.equal(await flushed, undefined);
        },
        tls,
      );
      assert.deepEqual(seen, ['1', '2', 'close 4001']);
    });

    it(`and ends TCP at once: code and reason arrive, and it was clean if it still read${over}`, async () => {
      let seen: string[] = [];
      await served(
        async (connection) => {
          connection.end();
          seen = await reads(connection);
        },
        async (url) => {
          const socket = open(url, { rejectUnauthorized: false });
          socket.on('open', () => socket.send('1'));
          assert.deepEqual(await closed(socket), { code: 4001, reason: 'no', errors: [] });
        },
        tls,
      );
      if (!tls) assert.deepEqual(seen, ['1', 'close 4001']);
    });
  }

  it('while the socket is paused: the answer waits, closeTimeout at most', async () => {
    let seen: string[] = [];
    await served(
      async (connection) => {
        seen = await reads(connection);
        connection.end();
      },
      async (url) => {
        const socket = open(url, { closeTimeout: 50 });
        const end = closed(socket);
        socket.on('open', () => {
          socket.pause();
          socket.send('1');
        });
        await until(() => seen.length > 0);
        assert.equal(socket.readyState, WebSocket.OPEN);
        socket.resume();
        assert.deepEqual(await end, { code: 4001, reason: 'no', errors: [] });
      },
    );
    assert.deepEqual(seen, ['1', 'close 4001']);
  });

  it('its own close() before it has heard of it: that code goes out, the server’s comes', async () => {
    let seen: string[] = [];
    await served(
      async (connection) => {
        seen = await reads(connection);
        connection.end();
      },
      async (url) => {
        const socket = open(url);
        socket.on('open', () => socket.close(3000, 'mine'));
        assert.deepEqual(await closed(socket), { code: 4001, reason: 'no', errors: [] });
      },
    );
    assert.deepEqual(seen, ['close 3000']);
  });
});
