/** `verawebsockets top`: what it makes of a server's metrics, in scripts and on a terminal. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from '../../lib';
import { Reading, rate } from '../../lib/cli/metrics-reader';
import { compare, rows, type Shown } from '../../lib/cli/top';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { run, TerminalProgram } from './support/program';

describe('what top makes of two readings', () => {
  it('adds up the samples of several servers, and tells labels apart', () => {
    const reading = new Reading(
      [
        '# TYPE verawebsockets_connections gauge',
        'verawebsockets_connections{server="a"} 2',
        'verawebsockets_connections{server="b, \\"c\\"}"} 3 1700000000.5',
        'verawebsockets_handshake_failures_total{server="a",reason="path"} 1',
        'verawebsockets_handshake_failures_total{server="b",reason="path"} 2',
        'verawebsockets_handshake_failures_total{reason="tls"} 4',
        'other_connections 100',
        '# EOF',
      ].join('\n'),
      0,
    );
    assert.equal(reading.value('connections'), 5);
    assert.equal(reading.value('nothing'), undefined);
    assert.deepEqual(
      [...reading.by('handshake_failures_total', 'reason')],
      [
        ['path', 3],
        ['tls', 4],
      ],
    );
    assert.ok(new Reading('other 1\n', 0).isEmpty);
  });

  it('makes rates of counters, also of those that begin anew', () => {
    assert.equal(rate(10, 30, 2), 10);
    assert.equal(rate(10, 4, 2), 2);
    const text = (n: number): string =>
      `verawebsockets_connections ${n}\nverawebsockets_messages_received_total ${n * 100}\n` +
      `verawebsockets_handshake_failures_total{reason="a"} ${n}\n` +
      'verawebsockets_handshake_failures_total{reason="b"} 1\n' +
      `verawebsockets_engine_turn_seconds_count ${n * 10}\nverawebsockets_engine_turn_seconds_sum ${n}\n` +
      'verawebsockets_event_loop_delay_seconds{quantile="0.5"} 0.001\n' +
      'verawebsockets_event_loop_delay_seconds{quantile="0.99"} 0.002\n';
    const shown = compare(new Reading(text(1), 1000), new Reading(text(5), 3000));
    assert.equal(shown.connections, 5);
    assert.equal(shown.messagesIn, 200);
    assert.deepEqual(shown.refused, { a: 2 });
    assert.equal(shown.turns, 20);
    assert.ok(Math.abs(shown.turnTime - 0.1) < 1e-9);
    assert.deepEqual(shown.loopDelay, { p50: 0.001, p99: 0.002 });
  });
});

describe('the rows of top', () => {
  it('has the slowest peers of all servers, and the broker', () => {
    const text = (n: number): string =>
      'verawebsockets_slowest_peer_bytes{server="a",rank="1",peer="[::1]:5"} 2048\n' +
      'verawebsockets_slowest_peer_bytes{server="a",rank="2"} 100\n' +
      'verawebsockets_slowest_peer_bytes{server="a",rank="3"} 0\n' +
      'verawebsockets_slowest_peer_bytes{server="b",rank="1"} 300\n' +
      `verawebsockets_broker_messages_published_total ${n * 100}\n` +
      `verawebsockets_broker_messages_lost_total ${n * 20}\n`;
    const shown = compare(new Reading(text(1), 1000), new Reading(text(2), 2000));
    assert.deepEqual(shown.slowest, [
      { bytes: 2048, peer: '[::1]:5' },
      { bytes: 300 },
      { bytes: 100 },
    ]);
    assert.deepEqual(shown.broker, { published: 100, received: 0, lost: 20, errors: 0 });
    const lines = rows(shown);
    assert.equal(lines[4], 'slowest         2.00 KiB to [::1]:5   300 B   100 B');
    assert.equal(lines.at(-1), 'broker          out 100/s   in 0/s   lost 20/s   errors 0/s');
    const none = rows(compare(new Reading('', 1), new Reading('', 2)));
    assert.ok(none.every((line) => !/^(slowest|broker)/.test(line)));
  });
});

describe('top', () => {
  let web: Server;
  let server: WebSocketServer;
  let url: string;
  let client: WebSocket;
  let program: TerminalProgram | undefined;

  async function listen(on: Server): Promise<number> {
    await once(on.listen(0, '127.0.0.1'), 'listening');
    return (on.address() as AddressInfo).port;
  }

  beforeEach(async () => {
    web = createServer((request, response) => {
      if (request.url !== '/metrics') response.writeHead(404).end();
      else if (request.headers.authorization === undefined) response.end('other 1\n');
      else response.end(server.metrics());
    });
    server = new WebSocketServer({ server: web, eventLoopDelay: true });
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => socket.send(data));
    });
    url = `127.0.0.1:${await listen(web)}`;
    client = await WebSocket.connect(`ws://${url}`);
    // A message each time one comes back.
    client.on('message', (data: Buffer) => client.send(data));
    client.send('12345');
  });
  afterEach(async () => {
    program?.kill();
    client.terminate();
    web.closeAllConnections();
    web.close();
    await new Promise((resolve) => server.close(resolve));
  });

  const SHOWN =
    /^connections {5}1 {3}opened 0\/s {3}closed 0\/s {3}handshakes 0\nmessages {8}in [\d,.]+\/s {3}out [\d,.]+\/s\nbytes {11}in \S+ \S?i?B\/s {3}out \S+ \S?i?B\/s\nback-pressured {2}0 {3}send queue \S+ B\n(?:slowest {9}\S+ B\n)?dropped {9}messages 0\/s {3}connections 0\/s\nrefused {9}0\/s\nengine {10}turns [\d,.]+\/s {3}mean \S+ ms\nevent loop {6}p50 \S+ ms {3}p99 \S+ ms\n$/;

  it('--once: the rows, once', async () => {
    const { code, stdout, stderr } = await run([
      ...['top', `http://${url}/metrics`, '--auth', 'a:b', '--once', '--interval', '0.3'],
    ]);
    assert.equal(stderr, '');
    assert.match(stdout, SHOWN);
    assert.equal(code, 0);
  });

  it('--json: an object, with what was asked for the metrics', async () => {
    const args = ['top', url, '-H', 'Authorization: x', '--once', '--json', '--interval', '0.3'];
    const { code, stdout } = await run(args);
    assert.equal(code, 0);
    const shown = JSON.parse(stdout) as Shown;
    assert.equal(shown.connections, 1);
    assert.ok(shown.messagesIn > 0 && shown.bytesIn > 0 && shown.turns > 0, stdout);
    assert.ok(shown.loopDelay !== undefined && shown.loopDelay.p50 <= shown.loopDelay.p99);
    assert.deepEqual(shown.refused, {});
  });

  it('over https, with a CA', async () => {
    const { cert, key } = certificates().server;
    const secure = createHttpsServer({ cert, key }, (_, response) => {
      response.end(server.metrics());
    });
    try {
      const target = `https://localhost:${await listen(secure)}`;
      const rest = ['--once', '--json', '--interval', '0.1'];
      const { caPath } = certificates();
      assert.equal((await run(['top', target, '--ca', caPath, ...rest])).code, 0);
      assert.equal((await run(['top', target, '-n', ...rest])).code, 0);
      assert.equal((await run(['top', target, ...rest])).code, 1);
    } finally {
      secure.closeAllConnections();
      secure.close();
    }
  });

  it('says what is wrong', async () => {
    const nobody = `127.0.0.1:${await freePort()}`;
    const cases: [string[], number, RegExp][] = [
      [[nobody], 1, /^error: connect ECONNREFUSED /],
      [[`${url}/nothing`], 1, /^error: http:\S+\/nothing answers 404 Not Found\n$/],
      [[url], 1, /^error: http:\S+\/metrics has no metrics of a WebSocketServer /],
      [['ws://h'], 2, /^verawebsockets: ws:\/\/h: needs the http: or https: URL/],
      [['http://['], 2, /^verawebsockets: http:\/\/\[ is no URL/],
      [[url, '--interval', '0'], 2, /^verawebsockets: --interval 0: needs a number from 0\.1 /],
      [[url, '--rate', '1'], 2, /^verawebsockets: Unknown option '--rate'/],
    ];
    for (const [args, expected, words] of cases) {
      const { code, stdout, stderr } = await run(['top', ...args]);
      assert.match(stderr, words);
      assert.deepEqual([code, stdout], [expected, '']);
    }
  });

  it('on a terminal: draws over what it has drawn, waits for a server that goes, and ends with Ctrl+C', async () => {
    program = new TerminalProgram(['top', url, '--auth', 'a:b', '--interval', '0.1']);
    const top = program;
    const drawn = (): number => top.stdout.split('every 0.1 s').length - 1;
    await top.until(() => drawn() > 2 && (top.screen.at(-2) ?? '').startsWith('event loop'));
    const [head, empty, first] = top.screen;
    assert.equal(head, `http://${url}/metrics, every 0.1 s (Ctrl+C to quit)`);
    assert.equal(empty, '');
    assert.match(first ?? '', /^connections {5}1 /);
    assert.equal(top.screen.length, 2 + 8 + 1);
    const { port } = web.address() as AddressInfo;
    // Its server counts it, too.
    client.terminate();
    const closed = once(web, 'close');
    web.close();
    web.closeAllConnections();
    await closed;
    await top.until(() => top.screen[0]?.startsWith('error: connect ECONNREFUSED') === true);
    assert.equal(top.screen.length, 2);
    await once(web.listen(port, '127.0.0.1'), 'listening');
    await top.until(() => (top.screen.at(-2) ?? '').startsWith('event loop'));
    top.write('\x03');
    assert.equal((await top.ended).code, 0);
  });
});
