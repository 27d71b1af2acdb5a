/** Options of a server, each by what can be seen of it; and subclasses. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { inherits } from 'node:util';
import { WebSocketServer as WsServer } from 'ws';
import { WebSocket, WebSocketServer, type ServerOptions } from '../../lib';
import { head, startWs, upgradeRequest, WAYS, type Running } from './support/ways';

type Start = (typeof WAYS)[string];
const own = WAYS['its own listener'] as Start;

const portOf = (server: { address(): unknown }): number => (server.address() as AddressInfo).port;

async function closed(server: WebSocketServer): Promise<void> {
  for (const socket of server.clients ?? []) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
}

const statusOf = async (running: Running, request = upgradeRequest()): Promise<string> =>
  (await head(running.connect(), request)).slice(9, 12);

for (const [way, start] of Object.entries(WAYS)) {
  describe(`server: options are read again at each upgrade, ${way}`, () => {
    let running: Running;
    beforeEach(async () => (running = await start({})));
    afterEach(() => running.close());

    it('path', async () => {
      assert.equal(await statusOf(running), '101');
      running.server.options.path = '/x';
      assert.equal(await statusOf(running), '400');
      assert.equal(await statusOf(running, upgradeRequest({}, 'GET /x?y HTTP/1.1')), '101');
      running.server.options.path = null;
      assert.equal(await statusOf(running), '101');
    });

    it('verifyClient', async () => {
      running.server.options.verifyClient = () => false;
      assert.equal(await statusOf(running), '401');
      running.server.options.verifyClient = (_, callback) => callback(false, 402);
      assert.equal(await statusOf(running), '402');
    });

    it('handleProtocols', async () => {
      const request = upgradeRequest({ 'Sec-WebSocket-Protocol': 'a, b' });
      running.server.options.handleProtocols = () => 'b';
      assert.match(await head(running.connect(), request), /\r\nSec-WebSocket-Protocol: b\r\n/);
    });

    it('perMessageDeflate', async () => {
      const request = upgradeRequest({ 'Sec-WebSocket-Extensions': 'permessage-deflate' });
      assert.doesNotMatch(await head(running.connect(), request), /Extensions/);
      running.server.options.perMessageDeflate = {};
      assert.match(await head(running.connect(), request), /Extensions: permessage-deflate/);
    });

    it('those of sockets, and their class', async () => {
      class Mine extends WebSocket {}
      Object.assign(running.server.options, { maxPayload: 1, WebSocket: Mine });
      const failed = new Promise<[WebSocket, Error]>((resolve) => {
        running.server.on('connection', (socket: WebSocket) => {
          socket.on('error', (error) => resolve([socket, error]));
        });
      });
      const frame = Buffer.of(0x82, 0x82, 0, 0, 0, 0, 1, 2);
      const peer = running.connect().on('error', () => undefined);
      peer.write(Buffer.concat([Buffer.from(upgradeRequest()), frame]));
      const [socket, error] = await failed;
      assert.ok(socket instanceof Mine);
      assert.match(error.message, /larger than the limit of 1 bytes/);
    });
  });
}

describe('server: handleProtocols', () => {
  const ANSWERS: readonly unknown[] = ['a', 'b', 'c', '', false, null, undefined];
  for (const answer of ANSWERS) {
    it(`answers ${JSON.stringify(answer) ?? 'undefined'}: as ws`, async () => {
      const asked: [string[], string | undefined][] = [];
      const handleProtocols = (protocols: Set<string>, request: IncomingMessage): string => {
        asked.push([[...protocols], request.url]);
        return answer as string;
      };
      const request = upgradeRequest({ 'Sec-WebSocket-Protocol': 'a,b' });
      const running = await own({ handleProtocols });
      const ws = await startWs({ handleProtocols });
      try {
        const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
        const ours = await head(running.connect(), request);
        assert.equal(ours, await head(connect(ws.port, '127.0.0.1'), request));
        assert.deepEqual(asked, [
          [['a', 'b'], '/'],
          [['a', 'b'], '/'],
        ]);
        assert.equal((await connected)[0].protocol, answer || '');
      } finally {
        await running.close();
        await ws.close();
      }
    });
  }

  it('is not asked when nothing is offered', async () => {
    const running = await own({ handleProtocols: () => assert.fail('asked') });
    assert.doesNotMatch(await head(running.connect(), upgradeRequest()), /Sec-WebSocket-Protocol/);
    await running.close();
  });
});

describe('server: subclasses', () => {
  /** As programs before classes have it; it works with ws's server in the same way. */
  interface Legacy extends WebSocketServer {
    name: string;
  }
  function legacy(base: new (options: object) => object): new (options: object) => Legacy {
    function Server(this: unknown, options: object): object {
      const made = Reflect.construct(base, [options], Server) as object;
      return Object.assign(made, { name: 'legacy' });
    }
    inherits(Server, base);
    (Server.prototype as Legacy).shouldHandle = (request) => request.url === '/legacy';
    return Server as unknown as new (options: object) => Legacy;
  }

  it('a class', async () => {
    class Server extends WebSocketServer {
      readonly seen: string[] = [];
      override shouldHandle(request: IncomingMessage): boolean {
        this.seen.push(String(request.url));
        return request.url === '/mine';
      }
    }
    const server = new Server({ port: 0, host: '127.0.0.1' });
    const ask = (target: string): Promise<string> =>
      head(connect(portOf(server), '127.0.0.1'), upgradeRequest({}, `GET ${target} HTTP/1.1`));
    assert.match(await ask('/other'), /^HTTP\/1\.1 400 /);
    assert.match(await ask('/mine'), /^HTTP\/1\.1 101 /);
    assert.deepEqual(server.seen, ['/other', '/mine']);
    await closed(server);
  });

  it('util.inherits(), as with ws', async () => {
    const Ws = legacy(WsServer as unknown as new (options: object) => object);
    const theirs = new Ws({ noServer: true });
    const Ours = legacy(WebSocketServer as unknown as new (options: object) => object);
    const server = new Ours({ port: 0, host: '127.0.0.1' });
    assert.ok(server instanceof WebSocketServer && server instanceof Ours);
    assert.deepEqual([server.name, theirs.name], ['legacy', 'legacy']);
    const ask = (target: string): Promise<string> =>
      head(connect(portOf(server), '127.0.0.1'), upgradeRequest({}, `GET ${target} HTTP/1.1`));
    assert.match(await ask('/'), /^HTTP\/1\.1 400 /);
    assert.match(await ask('/legacy'), /^HTTP\/1\.1 101 /);
    await closed(server);
  });

  it('without new it throws, as with ws', () => {
    for (const Class of [WsServer, WebSocketServer]) {
      assert.throws(() => Reflect.apply(Class, {}, [{ noServer: true }]), /without 'new'/);
    }
  });

  it('two servers on one http server, chosen by shouldHandle()', async () => {
    const first = new WebSocketServer({ noServer: true, path: '/first' });
    const second = new WebSocketServer({ noServer: true });
    second.shouldHandle = ({ url }) => url?.startsWith('/second') ?? false;
    const http = createHttpServer();
    http.on('upgrade', (request, socket, rest) => {
      const server = [first, second].find((one) => one.shouldHandle(request));
      if (!server) return void socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      server.handleUpgrade(request, socket, rest, (made) =>
        server.emit('connection', made, request),
      );
    });
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const ask = (target: string): Promise<string> =>
      head(connect(portOf(http), '127.0.0.1'), upgradeRequest({}, `GET ${target} HTTP/1.1`));
    const seen: string[] = [];
    first.on('connection', () => seen.push('first'));
    second.on('connection', () => seen.push('second'));
    assert.match(await ask('/second/x'), /^HTTP\/1\.1 101 /);
    assert.match(await ask('/first'), /^HTTP\/1\.1 101 /);
    assert.match(await ask('/third'), /^HTTP\/1\.1 404 /);
    assert.deepEqual(seen, ['second', 'first']);
    await Promise.all([closed(first), closed(second)]);
    http.closeAllConnections();
    http.close();
  });
});

describe('server: clients', () => {
  it('has those that are open', async () => {
    const running = await own({});
    const { server } = running;
    assert.equal(server.clients.size, 0);
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    const peer = running.connect().on('error', () => undefined);
    peer.write(upgradeRequest());
    const [socket] = await connected;
    assert.deepEqual([...server.clients], [socket]);
    const gone = once(socket, 'close');
    peer.destroy();
    await gone;
    assert.equal(server.clients.size, 0);
    await running.close();
  });

  it('are not there with clientTracking: false, and close() does not wait for them', async () => {
    const http = createHttpServer();
    const server = new WebSocketServer({ server: http, clientTracking: false });
    assert.equal('clients' in server, false);
    http.listen(0, '127.0.0.1');
    await once(http, 'listening');
    const connected = once(server, 'connection') as Promise<[WebSocket]>;
    connect(portOf(http), '127.0.0.1')
      .on('error', () => undefined)
      .write(upgradeRequest());
    const [socket] = await connected;
    await new Promise((resolve) => server.close(resolve));
    assert.equal(socket.readyState, WebSocket.OPEN);
    socket.terminate();
    http.close();
  });
});

describe('server: where it listens', () => {
  it('fd: a descriptor that listens already', async () => {
    const listening = createServer();
    listening.listen(0, '127.0.0.1');
    await once(listening, 'listening');
    const port = portOf(listening);
    const { fd } = (listening as unknown as { _handle: { fd: number } })._handle;
    const server = new WebSocketServer({ fd });
    await once(server, 'listening');
    assert.equal(portOf(server), port);
    // The server has a copy of its own.
    await new Promise((resolve) => listening.close(resolve));
    assert.match(await head(connect(port, '127.0.0.1'), upgradeRequest()), /^HTTP\/1\.1 101 /);
    await closed(server);
  });

  it('fd: one that does not listen is an error', async () => {
    const server = new WebSocketServer({ fd: 1_000_000 });
    const [error] = (await once(server, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'EBADF');
    await closed(server);
    for (const wrong of [-1, 1.5, '0']) {
      assert.throws(() => new WebSocketServer({ fd: wrong as number }), /options\.fd must be/);
    }
  });

  it('reusePort: several servers share a port, and its connections', async () => {
    const options = { host: '127.0.0.1', reusePort: true };
    const first = new WebSocketServer({ ...options, port: 0 });
    const port = portOf(first);
    const second = new WebSocketServer({ ...options, port });
    await once(second, 'listening');
    const seen = new Set<string>();
    first.on('connection', () => seen.add('first'));
    second.on('connection', () => seen.add('second'));
    while (seen.size < 2) await head(connect(port, '127.0.0.1'), upgradeRequest());
    const third = new WebSocketServer({ host: '127.0.0.1', port });
    const [error] = (await once(third, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'EADDRINUSE');
    await Promise.all([closed(first), closed(second), closed(third)]);
  });

  it('backlog: more than may wait are not connected', async () => {
    const server = new WebSocketServer({
      port: 0,
      host: '127.0.0.1',
      backlog: 1,
      maxHandshakes: 1,
    });
    const port = portOf(server);
    const sockets: Socket[] = [];
    const dial = (): Socket => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined);
      sockets.push(socket);
      return socket;
    };
    // One is being read, and, as Linux counts, two wait.
    for (let i = 0; i < 3; ++i) {
      await once(dial(), 'connect');
      while (i === 0 && server.stats.handshakes !== 1) await new Promise(setImmediate);
    }
    dial();
    // In the kernel's table: to that port, SYN_SENT.
    const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')} 02 `;
    while (!readFileSync('/proc/net/tcp', 'latin1').includes(remote)) {
      await new Promise(setImmediate);
    }
    for (const socket of sockets) socket.destroy();
    await closed(server);
  });

  for (const ipv6Only of [true, false]) {
    it(`ipv6Only: ${ipv6Only}`, async () => {
      const server = new WebSocketServer({ port: 0, host: '::', ipv6Only });
      await once(server, 'listening');
      const port = portOf(server);
      const requests: IncomingMessage[] = [];
      server.on('connection', (_: WebSocket, request: IncomingMessage) => requests.push(request));
      await head(connect(port, '::1'), upgradeRequest());
      const reached = await head(connect(port, '127.0.0.1'), upgradeRequest()).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code,
      );
      assert.equal(reached, ipv6Only ? 'ECONNREFUSED' : true);
      const addresses = requests.map(({ socket }) => socket.remoteAddress);
      assert.deepEqual(addresses, ipv6Only ? ['::1'] : ['::1', '::ffff:127.0.0.1']);
      await closed(server);
    });
  }
});

describe('server: limits of what waits to be sent are checked when it is made', () => {
  const WRONG: readonly [ServerOptions, string, RegExp][] = [
    [{ sendLimit: 0 }, 'ERR_OUT_OF_RANGE', /^options\.sendLimit must be/],
    [{ sendLimit: 1.5 }, 'ERR_OUT_OF_RANGE', /^options\.sendLimit must be/],
    [{ sendLimit: 2 ** 53 }, 'ERR_OUT_OF_RANGE', /^options\.sendLimit must be/],
    [{ sendLimit: Number.NaN }, 'ERR_OUT_OF_RANGE', /^options\.sendLimit must be/],
    [{ sendLimit: '1' as never }, 'ERR_INVALID_ARG_TYPE', /^options\.sendLimit must be/],
    [{ highWaterMark: -1 }, 'ERR_OUT_OF_RANGE', /^options\.highWaterMark must be/],
    [{ highWaterMark: 11, sendLimit: 10 }, 'ERR_OUT_OF_RANGE', /from 0 to 10; got 11$/],
    [{ highWaterMark: {} as never }, 'ERR_INVALID_ARG_TYPE', /^options\.highWaterMark must be/],
  ];
  for (const [options, code, message] of WRONG) {
    it(JSON.stringify(options), () => {
      assert.throws(() => new WebSocketServer({ noServer: true, ...options }), { code, message });
    });
  }

  it('a sendLimit below the default highWaterMark lowers it', async () => {
    const running = await own({ sendLimit: 100 });
    const connected = once(running.server, 'connection') as Promise<[WebSocket]>;
    running
      .connect()
      .on('error', () => undefined)
      .write(upgradeRequest());
    const [socket] = await connected;
    const failed = new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      socket.send('x'.repeat(101), (error?: Error) => resolve(error));
    });
    assert.equal((await failed)?.code, 'ERR_SEND_LIMIT');
    await running.close();
  });
});
