/** SSL settings and the options of TLS, against real servers. */
import { strict as assert } from 'node:assert';
import { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import { send } from '../../lib';
import { Attempt, type Failure } from '../support/attempt';
import { certificates, type Identity } from '../support/certificates';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer, type WsServerOptions } from '../support/ws-server';

const all = certificates();
const trusting = { client_ssl_ca_filepath: all.caPath };

async function withServer<T>(
  options: WsServerOptions,
  test: (server: WsServer) => Promise<T>,
): Promise<T> {
  const server = await startWsServer({ tls: true, ...options });
  try {
    return await test(server);
  } finally {
    await server.close();
  }
}

/** Connects, and returns the name in the client certificate that the server saw. */
function clientName(
  ssl: object,
  options: object = {},
  serverOptions: WsServerOptions = {},
): Promise<string> {
  return withServer({ verifyClient: true, ...serverOptions }, async (server) => {
    const attempt = new Attempt(server.url, { ...options }, { ...trusting, ...ssl }).connect();
    await attempt.established();
    const { request } = await server.nextConnection();
    const peer = (request.socket as TLSSocket).getPeerCertificate();
    assert.ok((request.socket as TLSSocket).authorized);
    send(attempt.wso, 'hello');
    await attempt.seen(8);
    await attempt.finish();
    return (peer.subject as unknown as { CN: string } | undefined)?.CN ?? '';
  });
}

function failure(
  ssl: object,
  options: object = {},
  serverOptions: WsServerOptions = {},
): Promise<Failure> {
  return withServer(serverOptions, (server) =>
    new Attempt(server.url, { ...options }, { ...ssl }).connect().failure(),
  );
}

/** The subject's name of one of the test certificates. */
const nameOf = (identity: Identity): string =>
  /CN=(.*)/.exec(new X509Certificate(identity.cert).subject)?.[1] ?? '';

describe('SSL settings', () => {
  const expected = nameOf(all.client);

  it('certificate and key in one file (ws.pem)', async () => {
    assert.equal(await clientName({ client_ssl_cert_filepath: all.wsPemPath }), expected);
  });

  it('certificate and key in two files', async () => {
    const ssl = {
      client_ssl_cert_filepath: all.client.certPath,
      client_ssl_private_key_filepath: all.client.keyPath,
    };
    assert.equal(await clientName(ssl), expected);
  });

  it('an encrypted key', async () => {
    const ssl = {
      client_ssl_cert_filepath: all.client.certPath,
      client_ssl_private_key_filepath: all.encryptedKeyPath,
      client_ssl_private_key_password: all.passphrase,
    };
    assert.equal(await clientName(ssl), expected);
  });

  it('a certificate in DER', async () => {
    const ssl = {
      client_ssl_cert_filepath: all.derPath,
      client_ssl_private_key_filepath: all.client.keyPath,
    };
    assert.equal(await clientName(ssl), expected);
  });

  it('camelCase names', async () => {
    const name = await clientName(
      {},
      {
        sslSettings: { clientSslCertFilepath: all.wsPemPath, clientSslCaFilepath: all.caPath },
        ssl_settings: undefined,
      },
    );
    assert.equal(name, expected);
  });

  it('the certificate is shown under TLS 1.2 and 1.3', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tlsOptions = { minVersion: version, maxVersion: version };
      const name = await clientName(
        { client_ssl_cert_filepath: all.wsPemPath },
        {},
        { tlsOptions },
      );
      assert.equal(name, expected, version);
    }
  });

  it('without a certificate a server that demands one refuses', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const tlsOptions = { minVersion: version, maxVersion: version };
      const { code } = await failure(trusting, {}, { verifyClient: true, tlsOptions });
      assert.match(code, /^E/, version);
    }
  });

  it('client_ssl_cipher_list', async () => {
    await withServer({ tlsOptions: { maxVersion: 'TLSv1.2' } }, async (server) => {
      const cipher = 'ECDHE-ECDSA-CHACHA20-POLY1305';
      const attempt = new Attempt(
        server.url,
        {},
        { ...trusting, client_ssl_cipher_list: cipher },
      ).connect();
      await attempt.established();
      const { request } = await server.nextConnection();
      assert.equal((request.socket as TLSSocket).getCipher().name, cipher);
      await attempt.finish();
    });
  });

  describe('verification', () => {
    it('is on by default: an authority that nobody trusts', async () => {
      const { code, reason } = await failure({});
      assert.match(code, /^(UNABLE_TO|SELF_SIGNED|DEPTH_ZERO)/);
      assert.equal(reason, 'lws_ssl_client_connect2 failed');
    });

    it('tells causes apart by code', async () => {
      const codes = new Map<string, string>();
      for (const name of ['expired', 'notYetValid', 'selfSigned', 'wrongHost'] as const) {
        codes.set(name, (await failure(trusting, {}, { tls: all[name] })).code);
      }
      assert.deepEqual(
        [...codes],
        [
          ['expired', 'CERT_HAS_EXPIRED'],
          ['notYetValid', 'CERT_NOT_YET_VALID'],
          ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
          ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
        ],
      );
    });

    it('can be turned off', async () => {
      for (const identity of [all.selfSigned, all.expired, all.wrongHost, all.stranger]) {
        await withServer({ tls: identity }, async (server) => {
          const attempt = new Attempt(server.url, {}, { reject_unauthorized: false }).connect();
          await attempt.established();
          await attempt.finish();
        });
      }
    });

    it('a self-signed certificate can be trusted by its file', async () => {
      await withServer({ tls: all.selfSigned }, async (server) => {
        const ssl = { client_ssl_ca_filepath: all.selfSigned.certPath };
        const attempt = new Attempt(server.url, {}, ssl).connect();
        await attempt.established();
        await attempt.finish();
      });
    });

    it('of the name: an address, and servername', async () => {
      await withServer({}, async (server) => {
        const url = `wss://127.0.0.1:${server.port}/`;
        const attempt = new Attempt(url, {}, trusting).connect();
        await attempt.established();
        await attempt.finish();
        const other = await new Attempt(url, { servername: 'other.example' }, trusting)
          .connect()
          .failure();
        assert.equal(other.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
      });
      await withServer({ tls: all.wrongHost }, async (server) => {
        const attempt = new Attempt(
          server.url,
          { servername: 'wrong.example' },
          trusting,
        ).connect();
        await attempt.established();
        const { request } = await server.nextConnection();
        assert.equal(
          (request.socket as unknown as { servername: string }).servername,
          'wrong.example',
        );
        await attempt.finish();
      });
    });

    it('uses NODE_EXTRA_CA_CERTS', async () => {
      await withServer({}, async (server) => {
        const snippet = `
          const wso = lib.create({ url: args.url, event_handlers: {
            1(reason, error) { console.log(error.code); },
            3() { console.log('open'); lib.close(wso); },
          } });
          lib.connect(wso);
        `;
        const args = { url: server.url };
        const trusted = await expectExit(snippet, {
          args,
          env: { NODE_EXTRA_CA_CERTS: all.caPath },
        });
        assert.equal(trusted.stdout, 'open\n');
        const untrusted = await expectExit(snippet, { args, env: { NODE_EXTRA_CA_CERTS: '' } });
        assert.match(untrusted.stdout, /^[A-Z_]+\n$/);
      });
    });
  });

  describe('options of TLS', () => {
    it('ca, cert, key, pfx as contents', async () => {
      const bare = { ssl_settings: undefined, ca: all.ca };
      assert.equal(
        await clientName({}, { ...bare, cert: all.client.cert, key: all.client.key }),
        expected,
      );
      assert.equal(
        await clientName({}, { ...bare, pfx: all.pfx, passphrase: all.passphrase }),
        expected,
      );
      const key = [{ pem: all.encryptedKey, passphrase: all.passphrase }];
      assert.equal(await clientName({}, { ...bare, cert: [all.client.cert], key }), expected);
    });

    it('fingerprint256: one of them must match', async () => {
      const right = new X509Certificate(all.server.cert).fingerprint256;
      const wrong = Array(32).fill('AB').join(':');
      await withServer({}, async (server) => {
        for (const fingerprint256 of [
          right,
          right.replaceAll(':', '').toLowerCase(),
          [wrong, right],
        ]) {
          const attempt = new Attempt(server.url, { fingerprint256 }, trusting).connect();
          await attempt.established();
          await attempt.finish();
        }
      });
      const { code } = await failure(trusting, { fingerprint256: wrong });
      assert.equal(code, 'ERR_TLS_FINGERPRINT_MISMATCH');
    });

    it('fingerprint256 instead of an authority', async () => {
      await withServer({ tls: all.selfSigned }, async (server) => {
        const { fingerprint256 } = new X509Certificate(all.selfSigned.cert);
        const attempt = new Attempt(
          server.url,
          { fingerprint256 },
          { reject_unauthorized: false },
        ).connect();
        await attempt.established();
        await attempt.finish();
      });
      const { fingerprint256 } = new X509Certificate(all.server.cert);
      const { code } = await failure(
        { reject_unauthorized: false },
        { fingerprint256 },
        { tls: all.selfSigned },
      );
      assert.equal(code, 'ERR_TLS_FINGERPRINT_MISMATCH');
    });

    it('minVersion and maxVersion', async () => {
      const tlsOptions = { maxVersion: 'TLSv1.2' } as const;
      const refused = await failure(trusting, { minVersion: 'TLSv1.3' }, { tlsOptions });
      assert.match(refused.code, /^E/);
      await withServer({}, async (server) => {
        const attempt = new Attempt(server.url, { maxVersion: 'TLSv1.2' }, trusting).connect();
        await attempt.established();
        const { request } = await server.nextConnection();
        assert.equal((request.socket as TLSSocket).getProtocol(), 'TLSv1.2');
        await attempt.finish();
      });
    });

    it('ALPN: http/1.1 by default', async () => {
      await withServer({ tlsOptions: { ALPNProtocols: ['http/1.1'] } }, async (server) => {
        const attempt = new Attempt(server.url, {}, trusting).connect();
        await attempt.established();
        const { request } = await server.nextConnection();
        assert.equal((request.socket as TLSSocket).alpnProtocol, 'http/1.1');
        await attempt.finish();
      });
    });

    it('checkServerIdentity judges in place of the built-in check', async () => {
      await withServer({ tls: all.wrongHost }, async (server) => {
        const seen: unknown[] = [];
        const checkServerIdentity = (
          name: string,
          certificate: { subject: { CN: string } },
        ): undefined => {
          seen.push(name, certificate.subject.CN);
        };
        const attempt = new Attempt(server.url, { checkServerIdentity }, trusting).connect();
        await attempt.established();
        assert.deepEqual(seen, ['localhost', nameOf(all.wrongHost)]);
        await attempt.finish();
      });
    });

    it('checkServerIdentity can refuse, by an error or by throwing one', async () => {
      const why = new Error('I do not know you');
      for (const checkServerIdentity of [
        () => why,
        () => {
          throw why;
        },
      ]) {
        const error = await failure(trusting, { checkServerIdentity });
        assert.equal(error.code, 'ERR_TLS_CERT_REFUSED');
        assert.match(error.message, /I do not know you/);
        assert.equal(error.cause, why);
      }
    });

    it('a chain that does not verify is refused before checkServerIdentity is asked', async () => {
      const checkServerIdentity = (): never => assert.fail('asked');
      const { code } = await failure({}, { checkServerIdentity });
      assert.notEqual(code, 'ERR_TLS_CERT_REFUSED');
    });
  });

  it('one configuration serves many connections, and resumes sessions', async () => {
    await withServer({}, async (server) => {
      const reused: boolean[] = [];
      for (let i = 0; i < 3; i++) {
        const attempt = new Attempt(server.url, {}, trusting).connect();
        await attempt.established();
        const { request } = await server.nextConnection();
        send(attempt.wso, 'x');
        await attempt.seen(8);
        reused.push((request.socket as TLSSocket).isSessionReused());
        await attempt.finish();
      }
      assert.deepEqual(reused, [false, true, true]);
    });
  });
});
