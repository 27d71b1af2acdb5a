/** Codes of connections that cannot be made, as the public functions give them, where no other test asks for them. */
import { strict as assert } from 'node:assert';
import { Attempt } from '../support/attempt';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { RawServer } from '../support/raw-server';
import { startSocksProxy } from '../websocket/support/proxies';
import { startWsServer, type WsServer } from '../support/ws-server';

describe('codes of connections that cannot be made', () => {
  let secure: WsServer;
  before(async () => {
    secure = await startWsServer({ tls: true });
  });
  after(() => secure.close());

  const codeOf = async (url: string, options: Record<string, unknown>): Promise<string> =>
    (await new Attempt(url, options).connect().failure()).code;

  it('ERR_PROXY_CONNECTION_FAILED: nobody listens at the proxy', async () => {
    for (const scheme of ['http', 'socks5']) {
      const proxy = `${scheme}://127.0.0.1:${await freePort()}`;
      assert.equal(await codeOf('ws://127.0.0.1:1', { proxy }), 'ERR_PROXY_CONNECTION_FAILED');
    }
  });

  it('ERR_PROXY_PROTOCOL: what answers is no proxy', async () => {
    const server = await RawServer.listen(async (connection) => {
      connection.write('SSH-2.0-OpenSSH_9.6\r\n\r\n');
      await connection.closed;
    });
    try {
      for (const scheme of ['http', 'socks5']) {
        const proxy = `${scheme}://127.0.0.1:${server.port}`;
        assert.equal(await codeOf('ws://127.0.0.1:1', { proxy }), 'ERR_PROXY_PROTOCOL');
      }
    } finally {
      await server.close();
    }
  });

  it('ERR_PROXY_OPTIONS: SOCKS has no room for the credentials', async () => {
    const server = await startSocksProxy({ auth: 'u:p' });
    try {
      const proxy = `socks5://${'u'.repeat(300)}:p@127.0.0.1:${server.port}`;
      assert.equal(await codeOf('ws://127.0.0.1:1', { proxy }), 'ERR_PROXY_OPTIONS');
    } finally {
      await server.close();
    }
  });

  it('ERR_TLS_SERVERNAME: longer than a host name can be', async () => {
    const { ca } = certificates();
    const servername = 'a'.repeat(300);
    assert.equal(await codeOf(secure.url, { ca, servername }), 'ERR_TLS_SERVERNAME');
  });
});
