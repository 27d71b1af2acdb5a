/**
 * What Node.js was told about TLS for the whole program holds for our connections too: flags, variables, and the
 * defaults on `node:tls`. Each program is a process of its own; it says how its connections end.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { certificates } from '../support/certificates';
import { expectExit, type ChildOptions } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

/** Functions for a program: how a connection of either face ends, and what was warned of. */
const FUNCTIONS = `
const tls = require('node:tls');
const outcomes = [], warnings = [];
process.on('warning', (warning) => warnings.push(warning.message));
const attempt = async (url, options) => {
  try {
    const socket = await lib.WebSocket.connect(url, { ca: args.ca, ...options });
    socket.terminate();
    return 'open';
  } catch (error) {
    return error.code ?? error.message;
  }
};
const documented = (url, ssl_settings) => new Promise((resolve) => {
  const wso = lib.create({ url, ssl_settings, event_handlers: {
    1: (...given) => resolve(given.at(-1).code),
    3: () => { lib.close(wso); resolve('open'); },
  } });
  lib.connect(wso);
});
const run = async (program) => {
  await program();
  console.log(JSON.stringify({ outcomes, warnings }));
};
`;

/** Of Node.js 22.19, for those before. */
const SET_CERTIFICATES = `
const tls = require('node:tls');
if (!tls.setDefaultCACertificates) {
  let list = Object.freeze([...tls.rootCertificates]);
  tls.getCACertificates = (type) => type === 'default' ? list : [];
  tls.setDefaultCACertificates = (given) => { list = Object.freeze([...given]); };
}
`;

/** The variables that this machine may have set. */
const CLEAN = {
  NODE_TLS_REJECT_UNAUTHORIZED: undefined,
  NODE_EXTRA_CA_CERTS: undefined,
  NODE_USE_SYSTEM_CA: undefined,
  SSL_CERT_FILE: undefined,
  SSL_CERT_DIR: undefined,
  NODE_OPTIONS: undefined,
  NODE_NO_WARNINGS: undefined,
};

/** A flag on the command line, and in the variable. */
function waysOf(flag: string): [string, ChildOptions][] {
  return [
    ['on the command line', { nodeOptions: [flag] }],
    ['in NODE_OPTIONS', { env: { NODE_OPTIONS: flag } }],
  ];
}

const UNTRUSTED = 'UNABLE_TO_VERIFY_LEAF_SIGNATURE';
const SELF_SIGNED = 'DEPTH_ZERO_SELF_SIGNED_CERT';
const WARNING = /^Setting the NODE_TLS_REJECT_UNAUTHORIZED environment variable to '0' makes/;

describe('TLS: what Node.js was told', () => {
  const certs = certificates();
  const servers = {} as Record<
    'usual' | 'selfSigned' | 'old' | 'recent' | 'aes256' | 'p256' | 'plain' | 'wrongHost',
    WsServer
  >;
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'vws-'));
    const start = (tlsOptions: ServerOptions): Promise<WsServer> =>
      startWsServer({ tls: true, tlsOptions });
    servers.plain = await startWsServer();
    servers.usual = await start({});
    servers.selfSigned = await startWsServer({ tls: certs.selfSigned });
    servers.wrongHost = await startWsServer({ tls: certs.wrongHost });
    servers.old = await start({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
    servers.recent = await start({ minVersion: 'TLSv1.3' });
    servers.aes256 = await start({
      maxVersion: 'TLSv1.2',
      ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384',
    });
    servers.p256 = await start({ ecdhCurve: 'P-256' });
  });
  after(async () => {
    rmSync(folder, { recursive: true });
    await Promise.all(Object.values(servers).map((server) => server.close()));
  });

  /** What a program's connections came to. In scope: `url` (of the servers), `args`, and the functions above. */
  async function outcomes(
    program: string,
    { env, ...options }: ChildOptions = {},
  ): Promise<{ outcomes: unknown[]; warnings: string[] }> {
    const url = Object.fromEntries(
      Object.entries(servers).map(([name, server]) => [name, server.url]),
    );
    const { stdout } = await expectExit(
      `${FUNCTIONS} const { url } = args; run(async () => { ${program} });`,
      {
        ...options,
        args: { url, ca: certs.ca.toString(), ...(options.args as object) },
        env: { ...CLEAN, ...env },
      },
    );
    return JSON.parse(stdout) as { outcomes: unknown[]; warnings: string[] };
  }

  describe('NODE_TLS_REJECT_UNAUTHORIZED', () => {
    const both = `outcomes.push(
      await attempt(url.selfSigned), await attempt(url.selfSigned, { rejectUnauthorized: true }),
      await documented(url.selfSigned), await documented(url.selfSigned, { rejectUnauthorized: true }));`;

    it('0 turns the verification off where no option says otherwise, with a warning', async () => {
      const result = await outcomes(both, { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' } });
      assert.deepEqual(result.outcomes, ['open', SELF_SIGNED, 'open', SELF_SIGNED]);
      assert.equal(result.warnings.length, 1);
      assert.match(result.warnings[0] ?? '', WARNING);
    });

    for (const value of ['1', 'false', '']) {
      it(`'${value}' does not`, async () => {
        const result = await outcomes(both, { env: { NODE_TLS_REJECT_UNAUTHORIZED: value } });
        assert.deepEqual(result.outcomes, Array(4).fill(SELF_SIGNED));
        assert.deepEqual(result.warnings, []);
      });
    }

    it('is read at each connection, and not for ws:', async () => {
      const result = await outcomes(`
        outcomes.push(await attempt(url.selfSigned));
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
        outcomes.push(await attempt(url.plain), warnings.length, await attempt(url.selfSigned));
        process.env.NODE_TLS_REJECT_UNAUTHORIZED = '1';
        outcomes.push(await attempt(url.selfSigned));`);
      assert.deepEqual(result.outcomes, [SELF_SIGNED, 'open', 0, 'open', SELF_SIGNED]);
    });

    it('leaves a fingerprint in force', async () => {
      const own = new X509Certificate(certs.selfSigned.cert).fingerprint256;
      const result = await outcomes(
        `outcomes.push(await attempt(url.selfSigned, { fingerprint256: args.own }),
           await attempt(url.selfSigned, { fingerprint256: '00'.repeat(32) }));`,
        { env: { NODE_TLS_REJECT_UNAUTHORIZED: '0' }, args: { own } },
      );
      assert.deepEqual(result.outcomes, ['open', 'ERR_TLS_FINGERPRINT_MISMATCH']);
    });
  });

  describe('versions', () => {
    const versions = `outcomes.push((await attempt(url.old)) === 'open', (await attempt(url.recent)) === 'open');`;

    for (const [flag, expected] of [
      ['--tls-min-v1.3', [false, true]],
      ['--tls-max-v1.2', [true, false]],
      ['--tls-min-v1.2', [true, true]],
    ] as const) {
      for (const [way, options] of waysOf(flag)) {
        it(`${flag}, ${way}`, async () => {
          assert.deepEqual((await outcomes(versions, options)).outcomes, expected);
        });
      }
    }

    it('tls.DEFAULT_MIN_VERSION and DEFAULT_MAX_VERSION, for both faces; an option goes before', async () => {
      const result = await outcomes(
        `
        tls.DEFAULT_MIN_VERSION = 'TLSv1.3';
        ${versions}
        outcomes.push(await attempt(url.old, { minVersion: 'TLSv1.2' }),
          await attempt(url.old, { maxVersion: 'TLSv1.2' }),
          (await documented(url.old, { client_ssl_ca_filepath: args.caPath })) === 'open');
        tls.DEFAULT_MIN_VERSION = 'TLSv1.2';
        outcomes.push(await documented(url.old, { client_ssl_ca_filepath: args.caPath }));
        tls.DEFAULT_MAX_VERSION = 'TLSv1.2';
        ${versions}
        outcomes.push(await attempt(url.recent, { maxVersion: 'TLSv1.3' }),
          await attempt(url.recent, { minVersion: 'TLSv1.3' }));`,
        { args: { caPath: certs.caPath } },
      );
      assert.deepEqual(result.outcomes, [
        ...[false, true, 'open', 'ERR_TLS_VERSION', false, 'open'],
        ...[true, false, 'open', 'ERR_TLS_VERSION'],
      ]);
    });

    it('a value that means nothing is an error at the call', async () => {
      const result = await outcomes(`
        tls.DEFAULT_MIN_VERSION = 'SSLv9';
        try { new lib.WebSocket(url.usual); } catch (error) { outcomes.push(error.message); }`);
      assert.match(String(result.outcomes[0]), /^tls\.DEFAULT_MIN_VERSION 'SSLv9' is not one of/);
    });
  });

  describe('ciphers', () => {
    const other = 'ECDHE-ECDSA-AES128-GCM-SHA256';
    const ciphers = `outcomes.push((await attempt(url.aes256)) === 'open');`;

    for (const [way, options] of waysOf(`--tls-cipher-list=${other}`)) {
      it(`--tls-cipher-list, ${way}`, async () => {
        assert.deepEqual((await outcomes(ciphers, options)).outcomes, [false]);
      });
    }

    it('are not restricted otherwise', async () => {
      assert.deepEqual((await outcomes(ciphers)).outcomes, [true]);
    });

    it('tls.DEFAULT_CIPHERS; an option goes before', async () => {
      const result = await outcomes(`
        tls.DEFAULT_CIPHERS = '${other}';
        ${ciphers}
        outcomes.push(await attempt(url.aes256, { ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' }));
        tls.DEFAULT_CIPHERS = 'NONE-SUCH';
        try { new lib.WebSocket(url.usual); } catch (error) { outcomes.push(error.code, error.message); }`);
      assert.deepEqual(result.outcomes.slice(0, 3), [false, 'open', 'ERR_TLS_CIPHERS']);
      assert.match(String(result.outcomes[3]), /^tls\.DEFAULT_CIPHERS: /);
    });

    it('tls.DEFAULT_ECDH_CURVE', async () => {
      const result = await outcomes(`
        for (const curves of ['P-384', 'P-384:P-256', 'auto']) {
          tls.DEFAULT_ECDH_CURVE = curves;
          outcomes.push((await attempt(url.p256)) === 'open');
        }
        tls.DEFAULT_ECDH_CURVE = 'NONE-SUCH';
        try { new lib.WebSocket(url.usual); } catch (error) { outcomes.push(error.code, error.message); }`);
      assert.deepEqual(result.outcomes.slice(0, 4), [false, true, true, 'ERR_TLS_ECDH_CURVE']);
      assert.match(String(result.outcomes[4]), /^tls\.DEFAULT_ECDH_CURVE: /);
    });
  });

  describe('roots', () => {
    const usual = `outcomes.push(await attempt(url.usual, { ca: undefined }),
      await documented(url.usual));`;

    describe('--use-openssl-ca, SSL_CERT_FILE, SSL_CERT_DIR', () => {
      let hashed: string;
      let named: string;
      before(() => {
        hashed = mkdtempSync(join(folder, 'hashed-'));
        named = mkdtempSync(join(folder, 'named-'));
        const hash = execFileSync('openssl', ['x509', '-noout', '-hash', '-in', certs.caPath]);
        copyFileSync(certs.caPath, join(hashed, `${hash.toString().trim()}.0`));
        copyFileSync(certs.caPath, join(named, 'ca.pem'));
      });
      const use = ['--use-openssl-ca'];
      const file = { SSL_CERT_FILE: certs.caPath };
      const cases: [string, string, string[], () => NodeJS.ProcessEnv][] = [
        ['a file', 'open', use, () => file],
        ['folders', 'open', use, () => ({ SSL_CERT_DIR: `${named}:${hashed}` })],
        ['names that are no hashes', UNTRUSTED, use, () => ({ SSL_CERT_DIR: named })],
        ['with NODE_EXTRA_CA_CERTS', 'open', use, () => ({ NODE_EXTRA_CA_CERTS: certs.caPath })],
        ['nothing', UNTRUSTED, use, () => ({})],
        ['written with _', 'open', ['--use_openssl_ca'], () => file],
        ['in NODE_OPTIONS', 'open', [], () => ({ ...file, NODE_OPTIONS: '--use-openssl-ca' })],
        ['a file without the flag', UNTRUSTED, [], () => file],
        ['--use-bundled-ca', UNTRUSTED, ['--use-bundled-ca'], () => file],
      ];
      for (const [name, expected, nodeOptions, env] of cases) {
        it(`${name}: ${expected}`, async () => {
          const nowhere = { SSL_CERT_FILE: '/nonexistent', SSL_CERT_DIR: '/nonexistent' };
          const result = await outcomes(usual, { nodeOptions, env: { ...nowhere, ...env() } });
          assert.deepEqual(result.outcomes, [expected, expected]);
        });
      }
    });

    it('--use-openssl-ca: Node’s own list is not trusted', async () => {
      const program = `
        const { currentRoots } = require(require('node:path').join(libraryPath, '../addon/roots'));
        const pem = currentRoots().pem();
        outcomes.push(tls.rootCertificates.filter((root) => pem.includes(root.trim())).length);`;
      const env = { SSL_CERT_FILE: certs.caPath, SSL_CERT_DIR: '' };
      const flag = await outcomes(program, { nodeOptions: ['--use-openssl-ca'], env });
      assert.deepEqual(flag.outcomes, [0]);
      const without = await outcomes(program, { env });
      assert.ok(Number(without.outcomes[0]) > 50);
    });

    it('tls.setDefaultCACertificates(): from then on, and in that thread alone', async () => {
      const file = join(folder, 'set-certificates.js');
      writeFileSync(file, SET_CERTIFICATES);
      const worker = `
        const tls = require('node:tls');
        const { libraryPath, url, ca } = require('node:worker_threads').workerData;
        const lib = require(libraryPath);
        tls.setDefaultCACertificates([ca]);
        lib.WebSocket.connect(url).then((socket) => { socket.terminate(); process.exit(0); }, () => process.exit(1));`;
      const result = await outcomes(
        `${usual}
        const { Worker } = require('node:worker_threads');
        const other = new Worker(${JSON.stringify(worker)},
          { eval: true, workerData: { libraryPath, url: url.usual, ca: args.ca } });
        outcomes.push(await new Promise((resolve) => other.on('exit', resolve)));
        ${usual}
        tls.setDefaultCACertificates([args.ca]);
        ${usual}
        tls.setDefaultCACertificates([]);
        ${usual}`,
        { nodeOptions: ['--require', file] },
      );
      const no = [UNTRUSTED, UNTRUSTED];
      assert.deepEqual(result.outcomes, [...no, 0, ...no, 'open', 'open', ...no]);
    });

    it('tls.setDefaultCACertificates(): before we are loaded, with --use-openssl-ca', async () => {
      const file = join(folder, 'set-before.js');
      writeFileSync(
        file,
        `${SET_CERTIFICATES}; tls.setDefaultCACertificates([require('node:fs').readFileSync(${JSON.stringify(certs.stranger.certPath)}, 'utf8')]);`,
      );
      const env = { SSL_CERT_FILE: certs.caPath, SSL_CERT_DIR: '' };
      const nodeOptions = ['--use-openssl-ca', '--require', file];
      assert.deepEqual((await outcomes(usual, { nodeOptions, env })).outcomes, [
        UNTRUSTED,
        UNTRUSTED,
      ]);
    });
  });

  it('FIPS mode refuses TLS, which would go through another OpenSSL', async () => {
    const result = await outcomes(`
      require('node:crypto').getFips = () => 1;
      outcomes.push(await attempt(url.usual), await attempt(url.plain));`);
    assert.deepEqual(result.outcomes, ['ERR_TLS_FIPS', 'open']);
  });

  describe('tls.checkServerIdentity', () => {
    const refusing = `require('node:tls').checkServerIdentity = (name) => new Error('not ' + name);`;
    const program = `outcomes.push(await attempt(url.usual),
      await attempt(url.usual, { checkServerIdentity: () => undefined }),
      (await documented(url.usual, { client_ssl_ca_filepath: args.caPath })) === 'open');`;
    const expected = ['not localhost', 'open', false];
    const options = { args: { caPath: certs.caPath } };

    it('replaced before we are loaded', async () => {
      const file = join(folder, 'identity.js');
      writeFileSync(file, refusing);
      const nodeOptions = ['--require', file];
      const result = await outcomes(program, { ...options, nodeOptions });
      assert.deepEqual(result.outcomes, expected);
    });

    it('replaced after', async () => {
      assert.deepEqual((await outcomes(refusing + program, options)).outcomes, expected);
    });

    it('left as it is', async () => {
      const result = await outcomes(
        'outcomes.push(await attempt(url.usual), await attempt(url.wrongHost));',
      );
      assert.deepEqual(result.outcomes, ['open', 'ERR_TLS_CERT_ALTNAME_INVALID']);
    });
  });
});
