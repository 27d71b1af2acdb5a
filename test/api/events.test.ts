/** The documented events and their handlers, against npm ws. */
import { strict as assert } from 'node:assert';
import { close, connect, create, EVENTS, send, type Wso } from '../../lib';
import { Attempt } from '../support/attempt';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import * as frames from '../support/frames';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { ids, messages, withServer } from './attempts';

describe('events', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());

  it('have the names of libwebsockets', () => {
    assert.deepEqual(EVENTS, {
      CLIENT_CONNECTION_ERROR: 1,
      CLIENT_ESTABLISHED: 3,
      CLOSED: 4,
      CLIENT_RECEIVE: 8,
      CLIENT_RECEIVE_PONG: 9,
      CLIENT_WRITEABLE: 10,
      WS_PEER_INITIATED_CLOSE: 38,
    });
  });

  it('1: the reason and the error', async () => {
    const attempt = new Attempt(`ws://127.0.0.1:${await freePort()}/`).connect();
    const { args } = await attempt.seen(1);
    assert.equal(args.length, 2);
    const [reason, error] = args as [
      string,
      Error & { reason: string; code: string; detail: string; url: string },
    ];
    assert.equal(typeof reason, 'string');
    assert.ok(error instanceof Error);
    assert.equal(error.reason, reason);
    assert.equal(error.code, 'ECONNREFUSED');
    assert.match(error.detail, /ECONNREFUSED/);
    assert.equal(error.url, attempt.wso.url);
    assert.equal(attempt.wso.error, error);
  });

  it('3 and 4: no argument', async () => {
    const attempt = new Attempt(server.url).connect();
    await attempt.established();
    await attempt.finish();
    assert.deepEqual(attempt.events, [
      { id: 3, args: [] },
      { id: 4, args: [] },
    ]);
  });

  it('8: one call for a message in fragments, or in pieces', async () => {
    const peer = await RawServer.listen(async (connection) => {
      await connection.accept();
      const bytes = Buffer.concat([
        frames.text('frag', { fin: false }),
        frames.ping('between'),
        frames.continuation('men', { fin: false }),
        frames.continuation('ted'),
        frames.binary(Buffer.from('pieces')),
      ]);
      await connection.writeChopped(bytes, 1);
      connection.write(frames.close(1000));
      await connection.readFrames(true);
      connection.end();
    });
    try {
      const attempt = new Attempt(peer.url).connect();
      await attempt.seen(4);
      assert.deepEqual(messages(attempt), ['fragmented', Buffer.from('pieces')]);
    } finally {
      await peer.close();
    }
  });

  it('9: the payload of a pong', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const { socket } = await server.nextConnection();
      socket.pong('payload');
      socket.pong();
      await attempt.seen(9, 2);
      await attempt.finish();
      const pongs = attempt.events.filter(({ id }) => id === 9);
      assert.deepEqual(
        pongs.map(({ args }) => args),
        [[Buffer.from('payload')], [Buffer.alloc(0)]],
      );
    }));

  it('10: the queue has drained', async () => {
    const attempt = new Attempt(server.url, { highWaterMark: 0 }).connect();
    await attempt.established();
    assert.equal(send(attempt.wso, 'x'), false);
    assert.deepEqual((await attempt.seen(10)).args, []);
    await attempt.finish();
  });

  it("38: code and reason of the server's close, and then 4", () =>
    withServer(async (server) => {
      for (const [code, reason, expected] of [
        [undefined, undefined, [1005, '']],
        [1001, '', [1001, '']],
        [1012, 'restart', [1012, 'restart']],
        [4000, 'äöü', [4000, 'äöü']],
      ] as [number | undefined, string | undefined, unknown[]][]) {
        const attempt = new Attempt(server.url).connect();
        await attempt.established();
        const { socket } = await server.nextConnection();
        socket.close(code, reason);
        await attempt.seen(4);
        assert.deepEqual(attempt.events, [
          { id: 3, args: [] },
          { id: 38, args: expected },
          { id: 4, args: [] },
        ]);
        assert.deepEqual([attempt.wso.closeCode, attempt.wso.closeReason], expected);
      }
    }));

  it('4 comes when the server just dies', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url).connect();
      await attempt.established();
      const { socket } = await server.nextConnection();
      socket.terminate();
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 4]);
      assert.equal(attempt.wso.closeCode, 1006);
    }));

  it('4 comes when the server breaks the protocol, and the object says why', async () => {
    const peer = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(frames.frame({ opcode: 3 }));
      await connection.readFrames(true);
      connection.end();
    });
    try {
      const attempt = new Attempt(peer.url).connect();
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 4]);
      assert.equal(attempt.wso.error?.closeCode, 1002);
    } finally {
      await peer.close();
    }
  });

  it('without handlers nothing happens', () =>
    withServer(async (server) => {
      const wso = create({ url: server.url, event_handlers: { 4: 'closedWithoutHandlers' } });
      const closed = new Promise<unknown[]>((resolve) => {
        (globalThis as Record<string, unknown>)['closedWithoutHandlers'] = (...args: unknown[]) =>
          resolve(args);
      });
      connect(wso);
      const { socket } = await server.nextConnection();
      socket.send('text');
      socket.send(Buffer.from('binary'));
      socket.ping();
      socket.pong();
      socket.close(1000);
      assert.deepEqual(await closed, []);
      delete (globalThis as Record<string, unknown>)['closedWithoutHandlers'];
    }));
});

describe('handlers', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer();
  });
  after(() => server.close());
  const globals = globalThis as Record<string, unknown>;

  it('are called with the object as this', async () => {
    await new Promise<void>((resolve) => {
      const wso: Wso = create({
        url: server.url,
        event_handlers: {
          3() {
            assert.equal(this, wso);
            send(this, 'x');
          },
          8() {
            assert.equal(this, wso);
            close(this);
          },
          4() {
            assert.equal(this, wso);
            resolve();
          },
        },
      });
      connect(wso);
    });
  });

  it('by name are looked up when the event fires', async () => {
    const calls: unknown[] = [];
    await new Promise<void>((resolve) => {
      const wso = create({
        url: server.url,
        event_handlers: { 3: 'vwsOpen', 8: 'vwsMessage', 4: 'vwsClosed' },
      });
      globals['vwsOpen'] = () => send(wso, 'one');
      globals['vwsMessage'] = (data: unknown) => {
        calls.push(['first', data]);
        globals['vwsMessage'] = (next: unknown) => {
          calls.push(['second', next]);
          close(wso);
        };
        send(wso, 'two');
      };
      globals['vwsClosed'] = () => resolve();
      connect(wso);
    });
    assert.deepEqual(calls, [
      ['first', 'one'],
      ['second', 'two'],
    ]);
    for (const name of ['vwsOpen', 'vwsMessage', 'vwsClosed']) delete globals[name];
  });

  const child = (snippet: string): Promise<string> =>
    expectExit(
      `const make = (handlers) => { const wso = lib.create({ url: args.url, event_handlers: handlers }); lib.connect(wso); return wso; };
       process.on('uncaughtException', (error) => console.log(error.code ?? error.message, /ERR/.test(error.code) ? error.message : ''));
       ${snippet}`,
      { args: { url: server.url } },
    ).then(({ stdout }) => stdout);

  it('that are missing are told of by uncaughtException, and nothing is lost', async () => {
    const output = await child(`
      globalThis.noFunction = 5;
      const wso = make({ 3: 'nobody', 8: 'noFunction', 4() { console.log('closed'); } });
      setImmediate(function again() { if (wso.state !== 'open') return setImmediate(again); lib.send(wso, 'x'); lib.close(wso); });
    `);
    assert.equal(
      output,
      "ERR_HANDLER_NOT_FOUND the handler of event 3 is the global function 'nobody', which does not exist\n" +
        "ERR_HANDLER_NOT_FOUND the handler of event 8 is the global function 'noFunction', which is no function but 5\n" +
        'closed\n',
    );
  });

  it('that throw reach uncaughtException, and no later event is lost', async () => {
    const output = await child(`
      let n = 0;
      const wso = make({
        3() { for (let i = 0; i < 5; i++) lib.send(wso, String(i)); throw new Error('three'); },
        8(data) { console.log(data); if (++n === 5) lib.close(wso); if (n % 2) throw new Error('eight'); },
        4() { console.log('closed'); throw new Error('four'); },
      });
    `);
    assert.equal(output, 'three \n0\neight \n1\n2\neight \n3\n4\neight \nclosed\nfour \n');
  });
});
