/** HTTP and SOCKS5 proxies, with credentials, and from the environment. */
import { strict as assert } from 'node:assert';
import { endSockets, failure, message, open, opening } from './support/sockets';
import { startHttpProxy, startSocksProxy, type Proxy } from './support/proxies';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { startWsServer, type WsServer } from '../support/ws-server';
import type { ClientOptions } from '../../lib';

describe('WebSocket: proxies', () => {
  let plain: WsServer;
  let secure: WsServer;
  const proxies: Proxy[] = [];
  const started = async (proxy: Promise<Proxy>): Promise<Proxy> => {
    proxies.push(await proxy);
    return proxy;
  };
  before(async () => {
    plain = await startWsServer();
    secure = await startWsServer({ tls: true });
  });
  afterEach(async () => {
    await endSockets();
    await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  });
  after(() => Promise.all([plain.close(), secure.close()]));

  async function echo(url: string, options: ClientOptions): Promise<void> {
    const socket = await opening(open(url, options));
    socket.send('through');
    assert.equal((await message(socket))[0].toString(), 'through');
  }

  const { ca } = certificates();
  const kinds = [
    ['http', startHttpProxy, 'CONNECT'],
    ['socks5h', startSocksProxy, 'name'],
    ['socks', startSocksProxy, 'name'],
  ] as const;
  for (const [scheme, start, kind] of kinds) {
    it(`${scheme}: ws and wss, the name resolved by the proxy`, async () => {
      const proxy = await started(start({ anyName: true }));
      await echo(`ws://nowhere.invalid:${plain.port}`, {
        proxy: `${scheme}://127.0.0.1:${proxy.port}`,
      });
      await echo(secure.url, { proxy: new URL(`${scheme}://127.0.0.1:${proxy.port}`), ca });
      assert.deepEqual(proxy.tunnels, [
        `${kind} nowhere.invalid:${plain.port}`,
        `${kind} localhost:${secure.port}`,
      ]);
    });

    it(`${scheme}: credentials`, async () => {
      const proxy = await started(start({ auth: 'us er:p@ss:w', anyName: true }));
      await echo(plain.url, { proxy: `${scheme}://us%20er:p%40ss%3Aw@127.0.0.1:${proxy.port}` });
      for (const wrong of ['', 'us%20er:wrong@']) {
        const error = await failure(
          open(plain.url, { proxy: `${scheme}://${wrong}127.0.0.1:${proxy.port}` }),
        );
        assert.equal(error.code, 'ERR_PROXY_AUTH_REQUIRED', wrong);
      }
      assert.equal(proxy.tunnels.length, 1);
    });

    it(`${scheme}: a proxy that is not there`, async () => {
      const port = await freePort();
      const error = await failure(open(plain.url, { proxy: `${scheme}://127.0.0.1:${port}` }));
      assert.equal(error.code, 'ERR_PROXY_CONNECTION_FAILED');
      assert.match(error.message, /proxy.*ECONNREFUSED|ECONNREFUSED.*proxy/i);
    });
  }

  it('socks5: the name is resolved here', async () => {
    const proxy = await started(startSocksProxy());
    await echo(plain.url, { proxy: `socks5://127.0.0.1:${proxy.port}`, family: 4 });
    assert.deepEqual(proxy.tunnels, [`address 127.0.0.1:${plain.port}`]);
  });

  it('an object with headers for the CONNECT request', async () => {
    const proxy = await started(startHttpProxy());
    await echo(plain.url, {
      proxy: { url: `http://127.0.0.1:${proxy.port}`, headers: { 'X-Team': 'blue' } },
    });
    assert.match(proxy.requests[0] ?? '', /\r\nX-Team: blue\r\n/);
  });

  it('a proxy that cannot reach the server', async () => {
    const proxy = await started(startHttpProxy());
    const error = await failure(
      open(`ws://127.0.0.1:${await freePort()}`, { proxy: `http://127.0.0.1:${proxy.port}` }),
    );
    // It hangs up without an answer.
    assert.equal(error.code, 'ERR_PROXY_CONNECTION_FAILED');
  });

  describe("'env'", () => {
    const names = [
      'HTTP_PROXY',
      'HTTPS_PROXY',
      'ALL_PROXY',
      'NO_PROXY',
      'http_proxy',
      'https_proxy',
      'all_proxy',
      'no_proxy',
    ];
    const saved: Record<string, string | undefined> = {};
    beforeEach(() => {
      for (const name of names) {
        saved[name] = process.env[name];
        delete process.env[name];
      }
    });
    afterEach(() => {
      for (const name of names) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
    });

    it('HTTPS_PROXY is for wss, HTTP_PROXY for ws, ALL_PROXY for both', async () => {
      const [http, https, all] = await Promise.all([1, 2, 3].map(() => started(startHttpProxy())));
      const url = (proxy: Proxy | undefined): string => `http://127.0.0.1:${proxy?.port}`;
      process.env['ALL_PROXY'] = url(all);
      await echo(plain.url, { proxy: 'env' });
      await echo(secure.url, { proxy: 'env', ca });
      process.env['HTTP_PROXY'] = url(http);
      process.env['https_proxy'] = url(https);
      await echo(plain.url, { proxy: 'env' });
      await echo(secure.url, { proxy: 'env', ca });
      assert.deepEqual(
        [http, https, all].map((proxy) => proxy?.tunnels.length),
        [1, 1, 2],
      );
    });

    it('NO_PROXY exempts; without proxy: "env" nothing is read', async () => {
      process.env['ALL_PROXY'] = `http://127.0.0.1:${await freePort()}`;
      await echo(plain.url, {});
      process.env['NO_PROXY'] = 'example.com, localhost';
      await echo(plain.url, { proxy: 'env' });
    });

    it('nothing set: no proxy', () => echo(plain.url, { proxy: 'env' }));
  });
});
