/** diagnostics_channel: what can be seen of servers, and of sockets that hold messages up or drop them. */
import { strict as assert } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect } from 'node:net';
import { WebSocket } from '../../lib';
import { certificates } from '../support/certificates';
import { exchange, upgradeRequest, WAYS, type Running } from './support/ways';

type Message = Record<string, unknown>;

const NAMES = [
  'server:open',
  'server:close',
  'server:refused',
  'server:drain',
  'server:drained',
  'backpressure',
  'dropped',
];

describe('diagnostics_channel of a server', () => {
  let running: Running;
  let seen: [string, Message][] = [];
  const note = (message: unknown, name: string | symbol): void =>
    void seen.push([String(name).replace('verawebsockets:', ''), message as Message]);

  beforeEach(() => {
    seen = [];
    for (const name of NAMES) subscribe(`verawebsockets:${name}`, note);
  });
  afterEach(async () => {
    for (const name of NAMES) unsubscribe(`verawebsockets:${name}`, note);
    await running.close();
  });

  for (const [way, make] of Object.entries(WAYS)) {
    it(`open, close, refused, drain: ${way}`, async () => {
      running = await make({ path: '/here' });
      const { server } = running;
      await exchange(running.connect(), upgradeRequest({}, 'GET /there HTTP/1.1'));
      const connected = once(server, 'connection') as Promise<[WebSocket, { url: string }]>;
      const client = new WebSocket(`${running.url}/here`, {
        ca: certificates().ca,
        servername: 'localhost',
      });
      const [socket, request] = await connected;
      await server.drain({ spread: 0, reason: 'bye' });
      client.terminate();
      assert.deepEqual(
        seen.map(([name]) => name),
        ['server:refused', 'server:open', 'server:drain', 'server:close', 'server:drained'],
      );
      const [refused, open, drain, close, drained] = seen.map(([, message]) => message) as [
        Message,
        Message,
        Message,
        Message,
        Message,
      ];
      for (const [, message] of seen) assert.equal(message['server'], server);
      assert.deepEqual([refused['reason'], refused['status']], ['path', 400]);
      assert.equal((refused['request'] as { url: string }).url, '/there');
      assert.equal(open['websocket'], socket);
      assert.equal(open['request'], request);
      const { connections, code, reason, spread } = drain;
      assert.deepEqual([connections, code, reason, spread], [1, 1001, 'bye', 0]);
      assert.equal(close['websocket'], socket);
      assert.deepEqual([close['code'], close['reason']], [1001, 'bye']);
      const { closed, left, terminated } = drained;
      assert.deepEqual([closed, left, terminated], [1, 0, 0]);
    });
  }

  it('refused, with the status that a listener of wsClientError may replace', async () => {
    running = await (WAYS['its own listener'] as (typeof WAYS)[string])({});
    running.server.on('wsClientError', (_: Error, socket: { end(text: string): void }) =>
      socket.end('HTTP/1.1 418 Teapot\r\n\r\n'),
    );
    const request = upgradeRequest({ 'Sec-WebSocket-Key': undefined });
    await exchange(connect(running.port, '127.0.0.1'), request);
    const [[name, { reason, status }]] = seen as [[string, Message]];
    assert.deepEqual([name, reason, status], ['server:refused', 'key', 400]);
  });

  it('backpressure, once until drain; dropped, each time', async () => {
    running = await (WAYS['its own listener'] as (typeof WAYS)[string])({
      sendLimit: 1000,
      highWaterMark: 100,
    });
    const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(running.url);
    const [[socket]] = await Promise.all([connected, once(client, 'open')]);
    seen = [];
    socket.send(Buffer.alloc(50));
    socket.send(Buffer.alloc(100));
    socket.send(Buffer.alloc(100));
    for (let i = 0; i < 2; ++i) assert.throws(() => socket.send(Buffer.alloc(1000)));
    socket.ping(Buffer.alloc(100));
    const drained = once(socket, 'drain');
    const seenThen = seen;
    await drained;
    assert.deepEqual(
      seenThen.map(([name, { websocket, bufferedAmount, reason }]) => {
        assert.equal(websocket, socket);
        return [name, bufferedAmount, reason];
      }),
      [
        ['backpressure', 150, undefined],
        ['dropped', 250, 'send_limit'],
        ['dropped', 250, 'send_limit'],
      ],
    );
    seen = [];
    socket.send(Buffer.alloc(200));
    assert.deepEqual(
      seen.map(([name]) => name),
      ['backpressure'],
    );
    client.terminate();
  });
});
