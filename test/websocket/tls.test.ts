/** TLS options, as ws hands them to Node. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { endSockets, failure, message, open, opening } from './support/sockets';
import { certificates } from '../support/certificates';
import { startWsServer, type WsServer } from '../support/ws-server';
import { type ClientOptions, WebSocket } from '../../lib';

describe('WebSocket: TLS', () => {
  let server: WsServer;
  let demanding: WsServer;
  const certs = certificates();
  before(async () => {
    server = await startWsServer({ tls: true });
    demanding = await startWsServer({ tls: true, verifyClient: true });
  });
  afterEach(endSockets);
  after(() => Promise.all([server.close(), demanding.close()]));

  async function works(url: string, options: ClientOptions): Promise<WebSocket> {
    const socket = await opening(open(url, options));
    socket.send('secret');
    assert.equal((await message(socket))[0].toString(), 'secret');
    return socket;
  }

  it('ca: as a Buffer, a string, a list', async () => {
    for (const ca of [certs.ca, certs.ca.toString(), [certs.stranger.cert, certs.ca]])
      await works(server.url, { ca });
  });

  it('without it the certificate is refused, with Node’s code', async () => {
    const error = await failure(open(server.url));
    assert.match(error.code ?? '', /^(UNABLE_TO_|SELF_SIGNED)/);
  });

  it('rejectUnauthorized: false accepts any', async () => {
    const self = await startWsServer({ tls: certs.selfSigned });
    await works(self.url, { rejectUnauthorized: false });
    await endSockets();
    await self.close();
  });

  for (const [name, identity, code] of [
    ['expired', certs.expired, 'CERT_HAS_EXPIRED'],
    ['not valid yet', certs.notYetValid, 'CERT_NOT_YET_VALID'],
    ['self-signed', certs.selfSigned, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['for another host', certs.wrongHost, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const) {
    it(`a certificate that is ${name}: ${code}`, async () => {
      const bad = await startWsServer({ tls: identity });
      assert.equal((await failure(open(bad.url, { ca: certs.ca }))).code, code);
      await bad.close();
    });
  }

  it('a key of 1024 bits: below the security level, which ciphers can lower', async () => {
    const pem = execFileSync(
      'openssl',
      [
        ...['req', '-x509', '-newkey', 'rsa:1024', '-nodes', '-sha256', '-days', '2'],
        ...['-keyout', '-', '-out', '-', '-subj', '/CN=localhost'],
        ...['-addext', 'subjectAltName=DNS:localhost'],
      ],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    ).toString();
    const at = pem.indexOf('-----BEGIN CERTIFICATE');
    const key = Buffer.from(pem.slice(0, at));
    const cert = Buffer.from(pem.slice(at));
    const small = await startWsServer({
      tls: { ...certs.server, cert, key },
      tlsOptions: { ciphers: 'DEFAULT@SECLEVEL=0:TLS_AES_128_GCM_SHA256' },
    });
    assert.equal((await failure(open(small.url, { ca: cert }))).code, 'EE_KEY_TOO_SMALL');
    await works(small.url, { ca: cert, ciphers: 'DEFAULT@SECLEVEL=1' });
    await works(small.url, { ca: cert, ciphers: 'DEFAULT@SECLEVEL=1:TLS_AES_128_GCM_SHA256' });
    await endSockets();
    await small.close();
  });

  it('cert and key, cert alone with the key in it, an encrypted key, pfx', async () => {
    const { ca, client, encryptedKey, passphrase, pfx } = certs;
    const both = Buffer.concat([client.cert, client.key]);
    for (const identity of [
      { cert: client.cert, key: client.key },
      { cert: client.cert.toString(), key: client.key.toString() },
      { cert: both, key: both },
      { cert: client.cert, key: encryptedKey, passphrase },
      { cert: client.cert, key: [{ pem: encryptedKey, passphrase }] },
      { pfx, passphrase },
      { pfx: [{ buf: pfx, passphrase }] },
    ]) {
      await works(demanding.url, { ca, ...identity });
    }
  });

  it('a client certificate that is missing or wrong', async () => {
    const { ca, strangerClient } = certs;
    await assert.rejects(works(demanding.url, { ca }));
    await assert.rejects(
      works(demanding.url, { ca, cert: strangerClient.cert, key: strangerClient.key }),
    );
  });

  it('a wrong passphrase, a key that does not match, rubbish: at the call', () => {
    const { client, encryptedKey, server: other, pfx } = certs;
    const attempts: ClientOptions[] = [
      { cert: client.cert, key: encryptedKey, passphrase: 'wrong' },
      { cert: client.cert, key: other.key },
      { ca: 'rubbish' },
      { pfx, passphrase: 'wrong' },
      { ciphers: 'NONE-SUCH' },
    ];
    for (const options of attempts) {
      assert.throws(
        () => new WebSocket(server.url, options),
        (error) => typeof (error as { code?: unknown }).code === 'string',
      );
    }
  });

  it('checkServerIdentity judges instead of the built-in check', async () => {
    const seen: unknown[] = [];
    await works(server.url, {
      ca: certs.ca,
      servername: 'localhost',
      checkServerIdentity: (name, certificate) => {
        seen.push(name, certificate.fingerprint256, certificate.subjectaltname);
        return undefined;
      },
    });
    const expected = new X509Certificate(certs.server.cert);
    assert.deepEqual(seen, ['localhost', expected.fingerprint256, expected.subjectAltName]);
    const wrong = await startWsServer({ tls: certs.wrongHost });
    await works(wrong.url, { ca: certs.ca, checkServerIdentity: () => undefined });
    await endSockets();
    await wrong.close();
  });

  it('what checkServerIdentity returns or throws is the error', async () => {
    const mine = new Error('not this one');
    assert.equal(
      await failure(open(server.url, { ca: certs.ca, checkServerIdentity: () => mine })),
      mine,
    );
    const thrown = await failure(
      open(server.url, {
        ca: certs.ca,
        checkServerIdentity: () => {
          throw mine;
        },
      }),
    );
    assert.equal(thrown, mine);
  });

  it('servername: for SNI and the check', async () => {
    const names: unknown[] = [];
    const sni = await startWsServer({
      tls: true,
      tlsOptions: {
        SNICallback: (name, callback) => {
          names.push(name);
          callback(null);
        },
      },
    });
    await works(sni.url, { ca: certs.ca });
    assert.deepEqual(names, ['localhost']);
    const error = await failure(open(sni.url, { ca: certs.ca, servername: 'other.example' }));
    assert.equal(error.code, 'ERR_TLS_CERT_ALTNAME_INVALID');
    assert.deepEqual(names, ['localhost', 'other.example']);
    await endSockets();
    await sni.close();
  });

  it('fingerprint256: one of them must match', async () => {
    const { fingerprint256 } = new X509Certificate(certs.server.cert);
    const other = 'AA:'.repeat(31) + 'AA';
    await works(server.url, { ca: certs.ca, fingerprint256 });
    await works(server.url, {
      ca: certs.ca,
      fingerprint256: [other, fingerprint256.replaceAll(':', '').toLowerCase()],
    });
    await works(server.url, { rejectUnauthorized: false, fingerprint256 });
    for (const options of [{ ca: certs.ca }, { rejectUnauthorized: false }]) {
      const error = await failure(open(server.url, { ...options, fingerprint256: other }));
      assert.match(`${error.code} ${error.message}`, /PIN|fingerprint/i);
    }
    assert.throws(() => new WebSocket(server.url, { fingerprint256: 'abc' }), {
      name: 'TypeError',
    });
  });

  it('minVersion, maxVersion, ciphers, ALPNProtocols', async () => {
    const seen: unknown[] = [];
    const watching = await startWsServer({
      tls: true,
      tlsOptions: { ALPNProtocols: ['chat', 'http/1.1'] },
      onConnection: (_peer, request) => {
        const { socket } = request as unknown as { socket: import('node:tls').TLSSocket };
        seen.push([socket.getProtocol(), socket.getCipher().name, socket.alpnProtocol]);
      },
    });
    const { ca } = certs;
    await opening(
      open(watching.url, { ca, maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }),
    );
    await opening(open(watching.url, { ca, minVersion: 'TLSv1.3', ALPNProtocols: ['chat'] }));
    const [first, second] = seen as [[string, string, string], [string, string, string]];
    assert.deepEqual(first, ['TLSv1.2', 'ECDHE-ECDSA-AES256-GCM-SHA384', 'http/1.1']);
    assert.deepEqual([second[0], second[2]], ['TLSv1.3', 'chat']);
    await endSockets();
    await watching.close();
  });
});
