/** What all public objects have: a form for util.inspect(), and Symbol.asyncDispose. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { inspect } from 'node:util';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { endSockets, opening, pair, track } from './support/sockets';
import * as lib from '../../lib';

describe('util.inspect()', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  const facts = (binaryType: string): string =>
    `readyState: 'OPEN', url: '${server.url}/', protocol: '', extensions: '', ` +
    `bufferedAmount: 0, binaryType: '${binaryType}'`;
  const show = (value: unknown): string => inspect(value, { breakLength: Infinity });

  it('of a WebSocket: its state, and what users have put on it', async () => {
    const [socket] = await pair(server);
    assert.equal(show(socket), `WebSocket { ${facts('nodebuffer')} }`);
    (socket as unknown as { user: string }).user = 'anna';
    assert.equal(show(socket), `WebSocket { ${facts('nodebuffer')}, user: 'anna' }`);
    assert.equal(show([[[socket]]]), '[ [ [ [WebSocket] ] ] ]');
  });

  it('of a StandardWebSocket, and of a class that extends it', async () => {
    class Mine extends lib.StandardWebSocket {}
    const [one, other] = [new lib.StandardWebSocket(server.url), new Mine(server.url)];
    await Promise.all([opening(track(one)), opening(track(other))]);
    assert.equal(show(one), `WebSocket { ${facts('blob')} }`);
    assert.equal(show(other), `Mine { ${facts('blob')} }`);
  });

  it('of whoever asks for it without a function, as chai does', async () => {
    const [socket] = await pair(server);
    const custom = (socket as unknown as Record<symbol, (...args: unknown[]) => unknown>)[
      inspect.custom
    ] as (...args: unknown[]) => unknown;
    const options = { depth: 2, breakLength: Infinity, stylize: (text: string) => text };
    assert.equal(custom.call(socket, 2, options), show(socket));
    assert.equal(custom.call(socket, -1), '[WebSocket]');
  });

  it('of a WebSocketStream', async () => {
    const stream = new lib.WebSocketStream(server.url);
    assert.equal(show(stream), `WebSocketStream { url: '${server.url}/', state: 'CONNECTING' }`);
    await stream.opened;
    assert.equal(show(stream), `WebSocketStream { url: '${server.url}/', state: 'OPEN' }`);
    stream.close();
    await stream.closed;
    assert.equal(show(stream), `WebSocketStream { url: '${server.url}/', state: 'CLOSED' }`);
  });

  it('of a WebSocketServer', async () => {
    const listening = new lib.WebSocketServer({ port: 0, host: '127.0.0.1', path: '/chat' });
    await once(listening, 'listening');
    const { port } = listening.address() as { port: number };
    const address = `{ address: '127.0.0.1', family: 'IPv4', port: ${port} }`;
    assert.equal(
      show(listening),
      `WebSocketServer { state: 'running', address: ${address}, clients: 0, path: '/chat' }`,
    );
    listening.close();
    await once(listening, 'close');
    assert.match(show(listening), /^WebSocketServer \{ state: 'closed', address: null/);
    const none = new lib.WebSocketServer({ noServer: true, clientTracking: false });
    assert.match(show(none), /^WebSocketServer \{ state: 'running', address: null, clients: undef/);
  });

  it('of an object of create()', () => {
    const wso = lib.create({ url: 'ws://h.example/', event_handlers: {} });
    assert.equal(
      show(wso),
      "WebSocketObject { url: 'ws://h.example/', state: 'idle', standalone: false, " +
        "protocol: '', extensions: '', bufferedAmount: 0 }",
    );
  });

  it('of events', () => {
    const { MessageEvent, CloseEvent, ErrorEvent, ReconnectingEvent } = lib;
    assert.equal(
      show(new MessageEvent('message', { data: 'x', origin: 'ws://h' })),
      "MessageEvent { type: 'message', data: 'x', origin: 'ws://h' }",
    );
    assert.equal(
      show(new CloseEvent('close', { code: 1000, reason: 'r', wasClean: true })),
      "CloseEvent { type: 'close', code: 1000, reason: 'r', wasClean: true }",
    );
    assert.equal(
      show(new ErrorEvent('error', { message: 'm', error: 5 })),
      "ErrorEvent { type: 'error', message: 'm', error: 5 }",
    );
    const info = { attempt: 1, delay: 2, code: 1006, reason: '', error: undefined };
    assert.equal(
      show(new ReconnectingEvent(info)),
      "ReconnectingEvent { type: 'reconnecting', attempt: 1, delay: 2, code: 1006, reason: '', " +
        'error: undefined }',
    );
  });

  it('of the prototypes does not throw', () => {
    for (const value of Object.values(lib)) {
      if (typeof value !== 'function' || value.prototype === undefined) continue;
      // Node's own DOMException cannot be shown so either.
      if (value === lib.WebSocketStreamError) continue;
      assert.equal(typeof inspect(value.prototype), 'string');
    }
  });
});

describe('Symbol.asyncDispose', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  for (const [name, Face] of Object.entries({
    WebSocket: lib.WebSocket,
    StandardWebSocket: lib.StandardWebSocket,
  })) {
    describe(`of a ${name}`, () => {
      it('closes, and waits', async () => {
        const connection = once(server.wss, 'connection');
        const socket = await opening(track(new Face(server.url)));
        const [peer] = (await connection) as [NodeJS.EventEmitter];
        const end = once(peer, 'close');
        await socket[Symbol.asyncDispose]();
        assert.equal(socket.readyState, 3);
        assert.equal((await end)[0], 1005);
        await socket[Symbol.asyncDispose]();
      });

      it('while connecting: no error is thrown', async () => {
        const silent = await RawServer.listen((connection) => connection.closed);
        const socket = track(new Face(silent.url));
        await socket[Symbol.asyncDispose]();
        assert.equal(socket.readyState, 3);
        await silent.close();
      });

      it('paused, with messages that wait', async () => {
        const connection = once(server.wss, 'connection');
        const socket = await opening(track(new Face(server.url)));
        const [peer] = (await connection) as [{ send(data: string): void }];
        socket.pause();
        peer.send('unread');
        await socket[Symbol.asyncDispose]();
        assert.equal(socket.readyState, 3);
      });
    });
  }

  it('of a WebSocketStream, whatever its state', async () => {
    const stream = new lib.WebSocketStream(server.url);
    await stream.opened;
    await stream[Symbol.asyncDispose]();
    assert.equal((await stream.closed).closeCode, 1005);
    const early = new lib.WebSocketStream(server.url);
    await early[Symbol.asyncDispose]();
    await assert.rejects(early.opened);
  });

  it('of a WebSocketServer: its sockets go away', async () => {
    const own = new lib.WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(own, 'listening');
    const { port } = own.address() as { port: number };
    const socket = await opening(track(new lib.WebSocket(`ws://127.0.0.1:${port}`)));
    const close = once(socket, 'close');
    await own[Symbol.asyncDispose]();
    assert.equal((await close)[0], 1001);
    assert.equal(own.address(), null);
    await own[Symbol.asyncDispose]();
  });

  it('of an object of create(): event 4 has been told', async () => {
    const seen: number[] = [];
    const established = new Promise<void>((resolve) => {
      const wso = lib.create({
        url: server.url,
        event_handlers: { 3: () => resolve(), 4: () => void seen.push(4) },
      });
      lib.connect(wso);
      objects.push(wso);
    });
    await established;
    const wso = objects.pop() as lib.WebSocketObject;
    await wso[Symbol.asyncDispose]();
    assert.deepEqual([seen, wso.state], [[4], 'closed']);
    await wso[Symbol.asyncDispose]();
    await lib.create({ url: server.url, event_handlers: {} })[Symbol.asyncDispose]();
  });
  const objects: lib.WebSocketObject[] = [];
});
