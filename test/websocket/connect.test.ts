/** await WebSocket.connect(), and AbortSignal. */
import { strict as assert } from 'node:assert';
import { getEventListeners, once } from 'node:events';
import { closed, endSockets, failure, open, opening, track } from './support/sockets';
import { freePort } from '../support/free-port';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer, type WsSocket } from '../support/ws-server';
import { StandardWebSocket, WebSocket } from '../../lib';

describe('WebSocket.connect()', () => {
  let server: WsServer;
  let silent: RawServer;
  before(async () => {
    server = await startWsServer();
    silent = await RawServer.listen((connection) => connection.closed);
  });
  afterEach(endSockets);
  after(() => Promise.all([server.close(), silent.close()]));

  it('resolves with the open socket', async () => {
    const socket = track(await WebSocket.connect(server.url));
    assert.ok(socket instanceof WebSocket);
    assert.equal(socket.readyState, WebSocket.OPEN);
  });

  it('takes subprotocols and options', async () => {
    const socket = track(await WebSocket.connect(server.url, ['a'], { headers: { x: 'y' } }));
    assert.equal(socket.protocol, 'a');
    assert.equal(track(await WebSocket.connect(server.url, { protocols: 'b' })).protocol, 'b');
  });

  it('makes objects of the class it is called on', async () => {
    class Mine extends WebSocket {
      readonly mine = true;
    }
    const socket = track(await Mine.connect(server.url));
    assert.equal(socket.mine, true);
    assert.ok(track(await StandardWebSocket.connect(server.url)) instanceof StandardWebSocket);
  });

  it('rejects with the error, and nothing is uncaught', async () => {
    await assert.rejects(WebSocket.connect(`ws://127.0.0.1:${await freePort()}`), {
      code: 'ECONNREFUSED',
    });
  });

  it('rejects for wrong arguments', async () => {
    await assert.rejects(WebSocket.connect('ftp://x'), { name: 'SyntaxError' });
    await assert.rejects(WebSocket.connect(server.url, { maxPayload: -1 }), { name: 'RangeError' });
  });

  it('loses no message that comes with the handshake', async () => {
    const greeting = await startWsServer({
      onConnection: (peer) => {
        peer.send('one');
        peer.send('two');
      },
    });
    const socket = await WebSocket.connect(greeting.url);
    const seen: string[] = [];
    const end = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        if (seen.push(data.toString()) === 2) resolve();
      });
    });
    await end;
    assert.deepEqual(seen, ['one', 'two']);
    socket.terminate();
    await greeting.close();
  });

  it('a socket nobody listens to sees its end', async () => {
    const connection = once(server.wss, 'connection') as Promise<[WsSocket]>;
    const socket = await WebSocket.connect(server.url);
    const end = closed(socket);
    (await connection)[0].close();
    await end;
  });

  const faces = {
    WebSocket,
    StandardWebSocket: StandardWebSocket as unknown as typeof WebSocket,
  };
  for (const [name, Face] of Object.entries(faces)) {
    describe(`signal, ${name}`, () => {
      it('aborted before: rejects with the reason, and does not connect', async () => {
        const { connections } = silent;
        const reason = new Error('never mind');
        await assert.rejects(
          Face.connect(silent.url, { signal: AbortSignal.abort(reason) }),
          reason,
        );
        assert.equal(silent.connections, connections);
      });

      it('aborted meanwhile: rejects with the reason', async () => {
        const controller = new AbortController();
        const connecting = Face.connect(silent.url, { signal: controller.signal });
        setImmediate(() => controller.abort(new Error('too slow')));
        await assert.rejects(connecting, /too slow/);
      });

      it('a timeout', async () => {
        await assert.rejects(Face.connect(silent.url, { signal: AbortSignal.timeout(20) }), {
          name: 'TimeoutError',
        });
      });

      it('aborted later: nothing happens', async () => {
        const controller = new AbortController();
        const socket = track(await Face.connect(server.url, { signal: controller.signal }));
        controller.abort();
        socket.send('still here');
        await new Promise((resolve) => socket.addEventListener('message', resolve));
      });
    });
  }

  it('signal with the constructor: an AbortError with the reason as its cause, then close', async () => {
    const controller = new AbortController();
    const socket = open(silent.url, { signal: controller.signal });
    const reason = new Error('changed my mind');
    setImmediate(() => controller.abort(reason));
    const error = await failure(socket);
    assert.equal(error.name, 'AbortError');
    assert.equal(error.code, 'ABORT_ERR');
    assert.equal(error.cause, reason);
    const early = open(silent.url, { signal: AbortSignal.abort() });
    assert.equal((await failure(early)).name, 'AbortError');
  });

  it('a signal that lives longer keeps nothing of a socket that is open, or has failed', async () => {
    const { signal } = new AbortController();
    const socket = open(server.url, { signal });
    assert.equal(getEventListeners(signal, 'abort').length, 1);
    await opening(socket);
    assert.equal(getEventListeners(signal, 'abort').length, 0);
    await closed(open(`ws://127.0.0.1:${await freePort()}`, { signal }));
    assert.equal(getEventListeners(signal, 'abort').length, 0);
  });

  it('signal ends the wait of reconnecting', async () => {
    const controller = new AbortController();
    const url = `ws://127.0.0.1:${await freePort()}`;
    const connecting = WebSocket.connect(url, {
      reconnect: { min: 60_000, max: 60_000 },
      signal: controller.signal,
    });
    setTimeout(() => controller.abort(new Error('enough')), 50);
    await assert.rejects(connecting, /enough/);
  });

  it('refuses what is no signal', () => {
    assert.throws(() => new WebSocket(server.url, { signal: {} as AbortSignal }), {
      name: 'TypeError',
      message: /signal/,
    });
  });

  it('leaves no listener behind', async () => {
    const socket = track(await WebSocket.connect(server.url));
    assert.deepEqual(socket.eventNames(), []);
    await opening(open(server.url));
  });
});
