/** Errors that need an unusual machine, request or key. */
import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Attempt } from '../support/attempt';
import { certificates } from '../support/certificates';
import { libraryPath } from '../support/root';
import { RawServer } from '../support/raw-server';
import { startHttpProxy } from '../websocket/support/proxies';
import { WebSocket } from '../../lib';

describe('rare errors', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vws-'))));
  after(() => rmSync(folder, { recursive: true, force: true }));

  it('ERR_NO_BINARY: there is no addon, or none that can be loaded', () => {
    const broken = join(folder, 'broken.node');
    writeFileSync(broken, 'no shared object');
    for (const file of [broken, join(folder, 'absent.node')]) {
      const program = `
        try { require(${JSON.stringify(libraryPath)}).create({ url: 'ws://h' }); }
        catch (error) { console.log(error.code, error.message); }`;
      const { stdout } = spawnSync(process.execPath, ['-e', program], {
        encoding: 'utf8',
        env: { ...process.env, VERAWEBSOCKETS_BINARY: file },
      });
      assert.equal(stdout.split(' ', 1)[0], 'ERR_NO_BINARY');
      assert.ok(stdout.includes(file) && stdout.includes('build-addon.js'), stdout);
    }
  });

  it('ERR_REDIRECT_FAILED: to a unix socket, which the proxy cannot reach', async () => {
    const proxy = await startHttpProxy();
    const server = await RawServer.listen(async (connection) => {
      await connection.readRequest();
      connection.write('HTTP/1.1 302 Found\r\nLocation: ws+unix:///s\r\n\r\n');
      connection.end();
    });
    try {
      const attempt = new Attempt(server.url, { proxy: `http://127.0.0.1:${proxy.port}` });
      const failure = await attempt.connect().failure();
      assert.equal(failure.code, 'ERR_REDIRECT_FAILED');
    } finally {
      await proxy.close();
      await server.close();
    }
  });

  it('ERR_TLS_PFX_UNSUPPORTED: PKCS #12 with RC2', () => {
    const { cert, key } = certificates().client;
    const [pem, out] = [join(folder, 'all.pem'), join(folder, 'old.p12')];
    writeFileSync(pem, `${String(key)}\n${String(cert)}`);
    execFileSync(
      'openssl',
      ['pkcs12', '-export', '-legacy', '-in', pem, '-out', out, '-passout', 'pass:x'],
      { stdio: 'pipe' },
    );
    assert.throws(
      () => new WebSocket('wss://127.0.0.1:1', { pfx: readFileSync(out), passphrase: 'x' }),
      { code: 'ERR_TLS_PFX_UNSUPPORTED', message: /openssl pkcs12 -legacy/ },
    );
  });
});
