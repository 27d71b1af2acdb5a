/** Options of `verawebsockets/ws`: what ws ignores is ignored, what it reads in its own way is read so. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import WebSocket from '../../lib/ws';
import { asWs } from '../../lib/drop-in/options';
import { WebSocket as Own } from '../../lib';
import { endSockets, track } from '../websocket/support/sockets';
import { startWsServer, type WsServer } from '../support/ws-server';

describe('verawebsockets/ws: options', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());
  afterEach(endSockets);

  async function open(options: object): Promise<[WebSocket, IncomingMessage]> {
    const connection = once(server.wss, 'connection') as Promise<[unknown, IncomingMessage]>;
    const socket = track(new WebSocket(server.url, options));
    await once(socket, 'open');
    return [socket, (await connection)[1]];
  }

  const WITHOUT_EFFECT = [
    { objectMode: false, browserBufferSize: 1 },
    { autoconnect: true, reconnect: true, max_reconnects: 5 },
    { heartbeat: true, proxy: true, sendLimit: 'no', highWaterMark: null, baseUrl: 1 },
    { timeout: 5, defaultPort: 1, localPort: 1, setHost: false, maxHeaderSize: 1, onread: {} },
    { host: 'x', hostname: 'x', port: 1, path: '/y', method: 'PUT', protocol: 'x:' },
    { socketPath: '/nowhere', hints: 1, insecureHTTPParser: true },
    { keepAlive: true, keepAliveInitialDelay: 1, noDelay: false },
    { autoSelectFamily: false, autoSelectFamilyAttemptTimeout: 5000 },
    { generateMask: () => undefined, maxPendingAutoPongs: 1 },
    { ticketKeys: 1, sessionTimeout: 1, SNICallback: 1 },
    {
      perMessageDeflate: { zlibDeflateOptions: { strategy: 1 }, zlibInflateOptions: { level: 1 } },
    },
    { perMessageDeflate: { isServer: true } },
  ];
  for (const options of WITHOUT_EFFECT) {
    it(`${Object.keys(options).join(', ')}: without effect`, async () => {
      await open(options);
    });
  }

  for (const third of ['text', 5, true, Symbol('x'), () => undefined]) {
    it(`a ${typeof third} in the place of the options has no effect`, async () => {
      const Any = WebSocket as unknown as new (...args: unknown[]) => WebSocket;
      await once(track(new Any(server.url, [], third)), 'open');
      assert.throws(() => new Own(server.url, [], third as never), TypeError);
    });
  }

  it('null is no list of subprotocols: a SyntaxError, as in ws', () => {
    assert.throws(() => new WebSocket(server.url, null as never), {
      name: 'SyntaxError',
      message: 'An invalid or duplicated subprotocol was specified',
    });
    assert.equal(track(new Own(server.url, null as never)).readyState, Own.CONNECTING);
  });

  it('a process warning says, once a name, what has no effect', async () => {
    const warnings: (Error & { code?: string })[] = [];
    const listen = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', listen);
    try {
      asWs({ once: 1, twice: 2 } as object);
      asWs({ twice: 2, noDelay: true, agent: undefined } as object);
      asWs({ perMessageDeflate: { often: 1 }, headers: { Upgrade: 'h2c' } } as object);
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off('warning', listen);
    }
    const ours = warnings.filter(({ code }) => code === 'VWS_OPTION_WITHOUT_EFFECT');
    assert.deepEqual(
      ours.map(({ message }) => /the option (\S+) of a WebSocket has no effect/.exec(message)?.[1]),
      ['once', 'twice', 'perMessageDeflate.often', 'headers.Upgrade'],
    );
  });

  it('an option of this library means something only in its own type', async () => {
    const [socket] = await open({ reconnect: true });
    const close = once(socket, 'close');
    for (const client of server.wss.clients) client.terminate();
    await close;
    assert.equal(socket.readyState, WebSocket.CLOSED);
    const kept = { reconnect: { min: 1 }, heartbeat: { interval: 9 }, sendLimit: 5, proxy: 'env' };
    assert.deepEqual(asWs(kept), kept);
  });

  it('numbers and flags are read as ws reads them', () => {
    const given = {
      maxPayload: '1024',
      maxFragments: Infinity,
      followRedirects: 1,
      skipUTF8Validation: '',
      rejectUnauthorized: 0,
      origin: '',
      family: 'IPv6',
      localAddress: null,
    };
    const read = {
      maxPayload: 1024,
      maxFragments: 0,
      followRedirects: true,
      skipUTF8Validation: false,
      rejectUnauthorized: true,
      origin: undefined,
      family: 6,
    };
    assert.deepEqual(asWs(given as object), read);
    assert.deepEqual(asWs({ rejectUnauthorized: false }), { rejectUnauthorized: false });
  });

  for (const value of [undefined, null, false, 0, ''] as unknown[]) {
    it(`perMessageDeflate: ${String(value)} is none`, async () => {
      const [, request] = await open({ perMessageDeflate: value });
      assert.equal(request.headers['sec-websocket-extensions'], undefined);
    });
  }

  it('perMessageDeflate: any other value is one with its defaults', async () => {
    const [, request] = await open({ perMessageDeflate: 1 });
    const offer = 'permessage-deflate; client_max_window_bits';
    assert.equal(request.headers['sec-websocket-extensions'], offer);
  });

  it('headers: those of the handshake are left out, any value is a text', async () => {
    const headers = {
      Connection: 'close',
      'sec-websocket-key': 'x',
      'Content-Length': 5,
      'X-Flag': true,
      'x-twice': 'first',
      'X-Twice': 'second',
      'X-None': undefined,
    };
    const [, request] = await open({ headers });
    assert.equal(request.headers['x-flag'], 'true');
    assert.equal(request.headers['x-twice'], 'second');
    assert.equal(request.headers['content-length'], undefined);
    assert.equal('x-none' in request.headers, false);
  });

  it("on the package's own class unknown names are errors", () => {
    for (const options of [{ autoconnect: true }, { reconnect: 'yes' }, { headers: { TE: 'x' } }]) {
      assert.throws(() => new Own('ws://127.0.0.1:9', options as object), TypeError);
    }
  });
});
