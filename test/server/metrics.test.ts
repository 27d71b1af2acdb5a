/** server.metrics(): OpenMetrics text, read by somebody else's parser, and counters that are right on each way in. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { connect } from 'node:net';
import {
  WebSocket,
  WebSocketServer,
  type Broker,
  type ServerOptions,
  type VerifyInfo,
} from '../../lib';
import { certificates } from '../support/certificates';
import { exchange, upgradeRequest, WAYS, type Running } from './support/ways';

interface Family {
  name: string;
  help: string;
  type: string;
  metrics: {
    value?: string;
    labels?: Record<string, string>;
    buckets?: Record<string, string>;
    quantiles?: Record<string, string>;
    count?: string;
    sum?: string;
  }[];
}

/** Knows nothing of OpenMetrics' counters: takes their samples for families without a type. */
// eslint-disable-next-line @typescript-eslint/no-require-imports -- it has no types
const parse = require('parse-prometheus-text-format') as (text: string) => Family[];

function families(text: string): Map<string, Family> {
  return new Map(parse(text).map((family) => [family.name, family]));
}

/** The value of a sample; counters are named with `_total`. */
function valueOf(
  server: WebSocketServer,
  name: string,
  labels: Record<string, string> = {},
): number {
  const { metrics } = families(server.metrics()).get(`verawebsockets_${name}`) as Family;
  const found = metrics.filter((one) =>
    Object.entries(labels).every(([label, value]) => one.labels?.[label] === value),
  );
  assert.equal(found.length, 1, `${name} ${JSON.stringify(labels)}`);
  return Number(found[0]?.value);
}

describe('server.metrics()', () => {
  let running: Running;
  const clients: WebSocket[] = [];

  async function start(way: string, options: ServerOptions = {}): Promise<WebSocketServer> {
    running = await (WAYS[way] as (typeof WAYS)[string])(options);
    return running.server;
  }

  async function join(): Promise<[WebSocket, WebSocket]> {
    const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
    const client = new WebSocket(running.url, { ca: certificates().ca, servername: 'localhost' });
    clients.push(client);
    const [[socket]] = await Promise.all([connected, once(client, 'open')]);
    return [client, socket];
  }

  afterEach(async () => {
    for (const client of clients.splice(0)) client.terminate();
    await running.close();
  });

  for (const way of Object.keys(WAYS)) {
    it(`counts connections, messages and bytes, of those that have ended as well: ${way}`, async () => {
      const server = await start(way);
      server.on('connection', (socket: WebSocket) => {
        socket.on('message', (data: Buffer) => socket.send(data));
      });
      const [first] = await join();
      const [second, peer] = await join();
      for (const client of [first, second]) {
        client.send('12345');
        await once(client, 'message');
      }
      const check = (connections: number): void => {
        assert.equal(valueOf(server, 'connections'), connections);
        assert.equal(valueOf(server, 'connections_opened_total'), 2);
        assert.equal(valueOf(server, 'messages_received_total'), 2);
        assert.equal(valueOf(server, 'messages_sent_total'), 2);
        assert.equal(valueOf(server, 'received_payload_bytes_total'), 10);
        assert.equal(valueOf(server, 'sent_payload_bytes_total'), 10);
      };
      check(2);
      // With the mask and the header of two frames.
      assert.equal(valueOf(server, 'received_bytes_total'), 2 * (5 + 6));
      assert.ok(valueOf(server, 'sent_bytes_total') >= 2 * (5 + 2));
      const closed = once(peer, 'close');
      second.close(4001);
      await closed;
      check(1);
      assert.equal(valueOf(server, 'connections_closed_total', { code: '4xxx' }), 1);
    });

    it(`counts what it has refused, by reason: ${way}`, async () => {
      const server = await start(way, {
        path: '/here',
        perMessageDeflate: true,
        origins: (origin) => origin !== 'http://evil',
        verifyClient: ({ req }: VerifyInfo) => req.headers.cookie !== 'no',
      });
      const here = 'GET /here HTTP/1.1';
      const cases: [string, string, Record<string, string | undefined>][] = [
        ['method', 'POST /here HTTP/1.1', {}],
        ['upgrade', here, { Upgrade: 'other' }],
        ['key', here, { 'Sec-WebSocket-Key': 'x' }],
        ['version', here, { 'Sec-WebSocket-Version': '7' }],
        ['path', 'GET /there HTTP/1.1', {}],
        ['protocols', here, { 'Sec-WebSocket-Protocol': 'a,a' }],
        ['extensions', here, { 'Sec-WebSocket-Extensions': 'permessage-deflate; x' }],
        ['origin', here, { Origin: 'http://evil' }],
        ['verify_client', here, { Cookie: 'no' }],
      ];
      for (const [, line, headers] of cases) {
        await exchange(running.connect(), upgradeRequest(headers, line));
      }
      for (const [reason] of cases) {
        assert.equal(valueOf(server, 'handshake_failures_total', { reason }), 1, reason);
      }
      assert.equal(valueOf(server, 'connections_opened_total'), 0);
    });

    it(`knows who does not read, and what was dropped: ${way}`, async () => {
      const server = await start(way, { sendLimit: 1000, highWaterMark: 100 });
      const [client, socket] = await join();
      client.pause();
      // In one go, so that nothing has gone out yet.
      socket.send(Buffer.alloc(900));
      assert.equal(valueOf(server, 'backpressured_connections'), 1);
      assert.equal(valueOf(server, 'send_queue_bytes'), 900);
      assert.throws(() => socket.send(Buffer.alloc(900)), { code: 'ERR_SEND_LIMIT' });
      assert.equal(valueOf(server, 'messages_dropped_total', { reason: 'send_limit' }), 1);
      const ended = once(socket, 'close');
      socket.terminate();
      await ended;
      assert.equal(valueOf(server, 'messages_dropped_total', { reason: 'send_limit' }), 1);
      assert.equal(valueOf(server, 'backpressured_connections'), 0);
    });
  }

  it('names the sockets for which most waits, a fixed number of them', async () => {
    const server = await start('its own listener');
    const values = (peers?: boolean): { value?: string; labels?: Record<string, string> }[] =>
      (families(server.metrics({ peers })).get('verawebsockets_slowest_peer_bytes') as Family)
        .metrics;
    const ranks = ['1', '2', '3', '4', '5'];
    assert.deepEqual(
      values().map(({ value, labels }) => [value, labels]),
      ranks.map((rank) => ['0', { rank }]),
    );
    const pairs: [WebSocket, WebSocket][] = [];
    for (let i = 0; i < 7; ++i) pairs.push(await join());
    // In one go, so that nothing has gone out yet.
    for (const [i, bytes] of [3, 10, 0, 7, 7, 1, 2].entries()) {
      pairs[i]?.[1].send(Buffer.alloc(bytes));
    }
    assert.deepEqual(
      values().map(({ value, labels }) => [value, labels]),
      ['10', '7', '7', '3', '2'].map((value, i) => [value, { rank: ranks[i] }]),
    );
    const first = pairs[1]?.[1].remotePort;
    assert.deepEqual(values(true)[0]?.labels, { rank: '1', peer: `127.0.0.1:${first}` });
    assert.throws(() => server.metrics({ peers: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => server.metrics({ labels: { peer: 'x' } }), {
      code: 'ERR_INVALID_ARG_VALUE',
    });
  });

  it('counts what its broker does', async () => {
    let arrive: (topic: string, message: Uint8Array) => void = () => undefined;
    let back: () => void = () => undefined;
    const sent: Uint8Array[] = [];
    let answer: Promise<void> | void = undefined;
    const broker: Broker = {
      publish: (_, message) => {
        sent.push(message);
        return answer;
      },
      subscribe: () => Promise.reject(new Error('no')),
      unsubscribe: () => undefined,
      onMessage: (listener) => (arrive = listener),
      onReconnect: (listener) => (back = listener),
      close: () => undefined,
    };
    const server = await start('its own listener', { broker });
    const error = once(server, 'brokerError');
    const [, socket] = await join();
    socket.subscribe('t');
    await error;
    server.publish('t', 'one');
    const [message] = sent as [Buffer];
    arrive('t', Buffer.concat([message.subarray(0, 2), Buffer.alloc(16), message.subarray(18)]));
    back();
    answer = new Promise(() => undefined);
    server.publish('t', 'waits');
    answer = Promise.reject(new Error('lost'));
    const lost = once(server, 'brokerError');
    server.publish('t', 'four');
    await lost;
    const counted = [
      ...['messages_published_total', 'messages_received_total', 'messages_lost_total'],
      ...['lost_payload_bytes_total', 'errors_total', 'reconnects_total', 'waiting_bytes'],
    ].map((name) => valueOf(server, `broker_${name}`));
    assert.deepEqual(counted, [1, 1, 1, 4, 1, 1, 18 + 5]);
    const other = new WebSocketServer({ noServer: true });
    assert.equal(other.metrics().includes('broker'), false);
  });

  it('counts what the listener has closed itself, after close() too', async () => {
    const server = await start('its own listener', { maxPayload: 10 });
    await exchange(connect(running.port, '127.0.0.1'), 'GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await exchange(connect(running.port, '127.0.0.1'), 'nonsense\r\n\r\n');
    const [client, socket] = await join();
    const closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', () => undefined);
    client.send('more than ten');
    await closed;
    const check = (): void => {
      assert.equal(valueOf(server, 'handshake_failures_total', { reason: 'not_upgrade' }), 1);
      assert.equal(valueOf(server, 'handshake_failures_total', { reason: 'malformed' }), 1);
      assert.equal(valueOf(server, 'connections_dropped_total', { reason: 'payload' }), 1);
    };
    check();
    await new Promise((resolve) => server.close(resolve));
    check();
  });

  it('tells the turns of the engine in classes that grow', async () => {
    const server = await start('its own listener');
    await join();
    const { type, metrics } = families(server.metrics()).get(
      'verawebsockets_engine_turn_seconds',
    ) as Family;
    assert.equal(type, 'HISTOGRAM');
    const [{ buckets = {}, count, sum }] = metrics as [Family['metrics'][number]];
    const counts = Object.entries(buckets)
      .map(([limit, value]): [number, number] => [
        Number(limit.replace('+Inf', 'Infinity')),
        Number(value),
      ])
      .sort(([a], [b]) => a - b);
    assert.equal(counts.length, 11);
    counts.reduce((before, after) => {
      assert.ok(after[1] >= before[1]);
      return after;
    });
    assert.equal(counts.at(-1)?.[1], Number(count));
    assert.ok(Number(count) > 0 && Number(sum) > 0);
  });

  it("tells the event loop's delay if it is asked for", async () => {
    const name = 'verawebsockets_event_loop_delay_seconds';
    const server = await start('its own listener', { eventLoopDelay: true });
    const read = (): Family['metrics'][number] =>
      (families(server.metrics()).get(name) as Family).metrics[0] as Family['metrics'][number];
    const first = read();
    assert.deepEqual(Object.keys(first.quantiles ?? {}).sort(), ['0.5', '0.9', '0.99', '1']);
    // What was seen when it is read begins anew: several intervals of 10 ms.
    while (Number(read().count) < 3) await new Promise((resolve) => setTimeout(resolve, 50));
    read();
    await new Promise((resolve) => setTimeout(resolve, 50));
    // Somebody holds it up.
    const end = performance.now() + 100;
    while (performance.now() < end);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const { quantiles, sum } = read();
    assert.ok(Number(quantiles?.['1']) > 0.05 && Number(quantiles?.['1']) < 5);
    assert.ok(Number(sum) > 0.05);
    const other = new WebSocketServer({ noServer: true });
    assert.equal(families(other.metrics()).has(name), false);
    assert.throws(() => new WebSocketServer({ noServer: true, eventLoopDelay: 1 as never }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });

  it('escapes labels, and names units', async () => {
    const server = await start('its own listener');
    const text = server.metrics({ labels: { server: 'a"b\\c\nd', zone: 'b' } });
    // Without samples: the names of counters without `_total`, and what never happened.
    const all = [...families(text).values()].filter(({ metrics }) => metrics.length > 0);
    assert.ok(all.length > 10);
    for (const { metrics } of all) {
      for (const { labels, value } of metrics) {
        // Of histograms and summaries the parser drops them.
        if (value === undefined) continue;
        assert.equal(labels?.['server'], 'a"b\\c\nd');
        assert.equal(labels['zone'], 'b');
      }
    }
    for (const line of text.split('\n').slice(0, -2)) {
      if (!line.startsWith('#')) assert.match(line, /^\w+\{server="a\\"b\\\\c\\nd",zone="b"[,}]/);
    }
    assert.ok(text.endsWith('\n# EOF\n'));
    assert.ok(text.includes('# UNIT verawebsockets_received_bytes bytes\n'));
    for (const [, name, type] of text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
      assert.ok(text.includes(`\n# HELP ${name} `), name);
      assert.equal(type === 'counter', text.includes(`\n${name}_total{`), name);
    }
  });

  it('refuses labels that cannot be used', async () => {
    const server = await start('its own listener');
    for (const name of ['a-b', '__a', 'le', 'reason', '']) {
      assert.throws(() => server.metrics({ labels: { [name]: 'x' } }), {
        code: 'ERR_INVALID_ARG_VALUE',
      });
    }
    assert.throws(() => server.metrics({ labels: { a: 1 as unknown as string } }), {
      code: 'ERR_INVALID_ARG_TYPE',
    });
  });
});
