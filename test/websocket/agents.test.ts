/** `agent` and `createConnection`: what an agent says is done, and any other one is asked for a stream. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as tlsConnect, createSecureContext } from 'node:tls';
import { type ClientOptions, WebSocket } from '../../lib';
import { certificates } from '../support/certificates';
import { startWsServer, type WsServer } from '../support/ws-server';
import { startHttpProxy, startSocksProxy } from './support/proxies';
import { closed, endSockets, failure, message, open, opening, track } from './support/sockets';

type Connect = { host: string; port: number; servername?: string };

/** An agent that makes its streams itself. */
class OwnAgent extends HttpAgent {
  asked = 0;
  constructor(private readonly make: (options: Connect) => Duplex) {
    super();
  }
  // What agent-base and its kin replace.
  override createConnection(options: object): Duplex {
    this.asked += 1;
    return this.make(options as Connect);
  }
}

/** A stream that is no socket of Node's. */
function wrapped(socket: Duplex): Duplex {
  return new Duplex({
    read: () => undefined,
    write: (chunk, encoding, callback) => void socket.write(chunk as Buffer, encoding, callback),
    final: (callback) => void socket.end(callback),
    destroy(error, callback) {
      socket.destroy();
      callback(error);
    },
    construct(callback) {
      socket.on('data', (chunk) => this.push(chunk));
      socket.on('end', () => this.push(null));
      socket.on('close', () => this.destroy());
      callback();
    },
  });
}

async function expectEcho(socket: WebSocket): Promise<void> {
  await opening(socket);
  for (const text of ['hello', 'x'.repeat(200_000)]) {
    socket.send(text);
    assert.equal(String((await message(socket))[0]), text);
  }
  const end = closed(socket);
  socket.close(4000, 'enough');
  assert.deepEqual(await end, { code: 4000, reason: 'enough', errors: [] });
}

describe('WebSocket: agents', () => {
  const { ca, client: identity } = certificates();
  const client = { cert: identity.cert, key: identity.key };
  let plain: WsServer;
  let secure: WsServer;
  let url: string;
  before(async () => {
    plain = await startWsServer({ ws: { perMessageDeflate: true } });
    secure = await startWsServer({ tls: true, verifyClient: true });
    url = `ws://127.0.0.1:${plain.port}`;
  });
  after(async () => {
    await plain.close();
    await secure.close();
  });
  afterEach(endSockets);

  describe("of Node's kind", () => {
    it('http.Agent', () => expectEcho(open(url, { agent: new HttpAgent({ keepAlive: true }) })));

    it('https.Agent gives ca, cert and key, before the options', async () => {
      const agent = new HttpsAgent({ ca, ...client });
      await expectEcho(open(secure.url, { agent, ca: 'none' }));
    });

    it('localAddress, and a lookup', async () => {
      let asked = '';
      const agent = new HttpAgent({
        localAddress: '127.0.0.5',
        lookup: (name: string, _: unknown, callback: (error: null, list: object[]) => void) => {
          asked = name;
          callback(null, [{ address: '127.0.0.1', family: 4 }]);
        },
      } as object);
      const connection = once(plain.wss, 'connection') as Promise<[unknown, IncomingMessage]>;
      await opening(open(`ws://a.test:${plain.port}`, { agent }));
      assert.equal((await connection)[1].socket.remoteAddress, '127.0.0.5');
      assert.equal(asked, 'a.test');
    });

    it('with something that only TLS of Node has, which it makes then', async () => {
      const secureContext = createSecureContext({ ca, ...client });
      await expectEcho(open(secure.url, { agent: new HttpsAgent({ secureContext } as object) }));
      await expectEcho(open(secure.url, { secureContext } as ClientOptions));
    });
  });

  describe('of a proxy', () => {
    it('https-proxy-agent becomes the proxy', async () => {
      const proxy = await startHttpProxy({ auth: 'me:pass' });
      class HttpsProxyAgent extends HttpAgent {
        proxy = new URL(`http://me:pass@127.0.0.1:${proxy.port}`);
        proxyHeaders = { 'X-Small': 'yes' };
        override createConnection(): never {
          throw new Error('not asked');
        }
      }
      try {
        await expectEcho(open(url, { agent: new HttpsProxyAgent() }));
        assert.match(String(proxy.requests[0]), /^x-small: yes\r$/im);
      } finally {
        await proxy.close();
      }
    });

    for (const shouldLookup of [true, false]) {
      it(`socks-proxy-agent becomes the proxy, shouldLookup ${shouldLookup}`, async () => {
        const proxy = await startSocksProxy({ auth: 'me:p@ss' });
        class SocksProxyAgent extends HttpAgent {
          proxy = { host: '127.0.0.1', port: proxy.port, type: 5, userId: 'me', password: 'p@ss' };
          shouldLookup = shouldLookup;
          override createConnection(): never {
            throw new Error('not asked');
          }
        }
        try {
          await expectEcho(open(plain.url, { agent: new SocksProxyAgent() }));
          assert.match(proxy.tunnels[0] ?? '', shouldLookup ? /^address / : /^name localhost:/);
        } finally {
          await proxy.close();
        }
      });
    }
  });

  describe('that make their streams', () => {
    it('a socket', async () => {
      const agent = new OwnAgent(({ host, port }) => connect(port, host));
      await expectEcho(open(url, { agent }));
      assert.equal(agent.asked, 1);
    });

    it('any Duplex', async () => {
      const agent = new OwnAgent(({ host, port }) => wrapped(connect(port, host)));
      await expectEcho(open(url, { agent }));
    });

    it('createConnection, which is given the options', async () => {
      const given: Record<string, unknown>[] = [];
      const createConnection = (options: Connect & Record<string, unknown>): Socket => {
        given.push(options);
        return connect(options.port, options.host);
      };
      await expectEcho(open(url, { createConnection, localAddress: '127.0.0.1' }));
      assert.equal(given[0]?.['localAddress'], '127.0.0.1');
    });

    it('headers that are named like members of Object.prototype', async () => {
      const asked = once(plain.wss, 'connection') as Promise<[unknown, IncomingMessage]>;
      const createConnection = ({ host, port }: Connect): Socket => connect(port, host);
      const names = ['constructor', '__proto__', 'toString'];
      const headers = new Map(names.map((name) => [name, `of ${name}`]));
      await opening(open(url, { createConnection, headers }));
      const [, { rawHeaders }] = await asked;
      for (const [name, value] of headers) {
        const at = rawHeaders.indexOf(name);
        assert.equal(rawHeaders[at + 1], value, name);
        assert.equal(rawHeaders.indexOf(name, at + 1), -1, name);
      }
    });

    it('createConnection that answers later, over TLS', async () => {
      const createConnection = (
        { host, port }: Connect,
        callback: (error: Error | null, socket: Duplex) => void,
      ): void => {
        const socket = tlsConnect({ host, port, ca, ...client }, () => callback(null, socket));
      };
      await expectEcho(open(secure.url, { createConnection }));
    });

    it('the response is seen, the request can be finished, and compression is in force', async () => {
      const seen: unknown[] = [];
      const socket = open(url, {
        createConnection: ({ host, port }: Connect) => connect(port, host),
        headers: { 'X-One': '1' },
        finishRequest: (request) => {
          request.setHeader('X-Two', '2');
          request.end();
        },
      });
      socket.on('upgrade', (response) => seen.push(response.statusCode));
      const [, request] = (await once(plain.wss, 'connection')) as [unknown, IncomingMessage];
      await opening(socket);
      assert.deepEqual(seen, [101]);
      assert.equal(socket.extensions, 'permessage-deflate');
      const { headers } = request;
      assert.deepEqual([headers['x-one'], headers['x-two']], ['1', '2']);
    });
  });

  describe('that make their streams: what goes wrong', () => {
    let raw: Server;
    let answer: string | ((socket: Socket) => void);
    before(async () => {
      raw = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () =>
          typeof answer === 'string' ? socket.end(answer) : answer(socket),
        );
      }).listen(0, '127.0.0.1');
      await once(raw, 'listening');
    });
    after(() => raw.close());

    function attempt(options: ClientOptions = {}): WebSocket {
      const { port } = raw.address() as AddressInfo;
      const createConnection = (): Socket => connect(port, '127.0.0.1');
      return open(`ws://127.0.0.1:${port}`, { createConnection, ...options });
    }

    const upgrade =
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n';
    const ANSWERS: [string, string, string][] = [
      ['a status', 'HTTP/1.1 401 No\r\n\r\n', 'Unexpected server response: 401'],
      [
        'no upgrade to websocket',
        'HTTP/1.1 101 Yes\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n',
        'Invalid Upgrade header',
      ],
      ['no Accept', `${upgrade}\r\n`, 'Invalid Sec-WebSocket-Accept header'],
      [
        'a wrong Accept',
        `${upgrade}Sec-WebSocket-Accept: x\r\n\r\n`,
        'Invalid Sec-WebSocket-Accept header',
      ],
      ['nothing', '', 'socket hang up'],
    ];
    for (const [what, text, words] of ANSWERS) {
      it(what, async () => {
        answer = text;
        assert.equal((await failure(attempt())).message, words);
      });
    }

    it('no answer in time', async () => {
      answer = () => undefined;
      const error = await failure(attempt({ handshakeTimeout: 20 }));
      assert.equal(error.message, 'Opening handshake has timed out');
      assert.equal(error.code, 'ERR_HANDSHAKE_TIMEOUT');
    });

    it('no connection: the error is that of Node', async () => {
      const error = (await failure(
        open('ws://127.0.0.1:1', { createConnection: () => connect(1, '127.0.0.1') }),
      )) as NodeJS.ErrnoException;
      assert.deepEqual(
        [error.message, error.code, typeof error.errno, error.syscall],
        ['connect ECONNREFUSED 127.0.0.1:1', 'ECONNREFUSED', 'number', 'connect'],
      );
    });

    it('close() before it is open', async () => {
      answer = () => undefined;
      const socket = attempt();
      setImmediate(() => socket.close());
      const error = await failure(socket);
      assert.equal(error.message, 'WebSocket was closed before the connection was established');
    });

    it('unexpected-response has the request and the response of Node', async () => {
      answer = 'HTTP/1.1 403 No\r\nContent-Length: 3\r\n\r\nwhy';
      const socket = attempt();
      const [request, response] = (await once(socket, 'unexpected-response')) as [
        ClientRequest,
        IncomingMessage,
      ];
      assert.equal(response.statusCode, 403);
      let body = '';
      for await (const chunk of response) body += String(chunk);
      assert.equal(body, 'why');
      request.destroy();
      const end = closed(socket);
      socket.terminate();
      assert.equal((await end).code, 1006);
    });

    it('a redirect is followed, by the agent too', async () => {
      answer = `HTTP/1.1 302 Found\r\nLocation: ${url}\r\n\r\n`;
      const agent = new OwnAgent(({ host, port }) => connect(port, host));
      const { port } = raw.address() as AddressInfo;
      const first = `ws://127.0.0.1:${port}`;
      await expectEcho(open(first, { agent, followRedirects: true }));
      assert.equal(agent.asked, 2);
    });

    it('a loss is followed by another connection', async () => {
      const agent = new OwnAgent(({ host, port }) => connect(port, host));
      const socket = track(new WebSocket(url, { agent, reconnect: { min: 1 } }));
      await opening(socket);
      for (const one of plain.wss.clients) one.terminate();
      await once(socket, 'reconnected');
      socket.send('again');
      assert.equal(String((await message(socket))[0]), 'again');
      assert.equal(agent.asked, 2);
    });
  });
});
