/** TLS settings: checked, shared, and what is trusted when nothing is said. */
import { strict as assert } from 'node:assert';
import { writeFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as nodeTls from 'node:tls';
import { makeTarget, type ConnectionOptions } from '../../lib/options/connection-options';
import { currentRoots } from '../../lib/addon/roots';
import { TlsStore } from '../../lib/addon/tls-store';
import { parseUrl } from '../../lib/options/url';
import type { Target } from '../../lib/addon/connection';
import { FakeAddon } from './fake-addon';
import { throws } from './throws';

describe('TLS options', () => {
  function tls(options: object): { addon: FakeAddon; target: Target } {
    const addon = new FakeAddon();
    const made = makeTarget(
      new TlsStore(addon),
      parseUrl('wss://host/'),
      options as ConnectionOptions,
    );
    return { addon, target: made };
  }
  const settings = (options: object): unknown => tls(options).addon.tls[0];

  it('have defaults', () => {
    assert.deepEqual(settings({}), {
      rejectUnauthorized: true,
      checkHost: true,
      alpn: ['http/1.1'],
    });
  });

  it('are taken over', () => {
    assert.deepEqual(
      settings({
        ca: ['A', Buffer.from('B')],
        cert: 'C',
        key: [{ pem: 'K', passphrase: 'P' }],
        ciphers: 'X',
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        ALPNProtocols: ['a', Buffer.from('b')],
        rejectUnauthorized: false,
        fingerprint256: 'ab'.repeat(32),
      }),
      {
        ca: Buffer.from('A\nB\n'),
        cert: Buffer.from('C'),
        key: Buffer.from('K'),
        passphrase: 'P',
        ciphers: 'X',
        minVersion: 'TLSv1.3',
        maxVersion: 'TLSv1.3',
        alpn: ['a', 'b'],
        rejectUnauthorized: false,
        checkHost: true,
        fingerprint256: [Array(32).fill('AB').join(':')],
      },
    );
  });

  it('PKCS #12, alone', () => {
    assert.deepEqual(
      (settings({ pfx: [{ buf: 'X', passphrase: 'P' }] }) as { pfx: Buffer }).pfx,
      Buffer.from('X'),
    );
    throws(
      () => settings({ pfx: 'X', cert: 'C' }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'pfx and cert',
    );
  });

  it('ALPN in wire format', () => {
    const wire = Buffer.from('\x02h2\x08http/1.1', 'latin1');
    assert.deepEqual((settings({ ALPNProtocols: wire }) as { alpn: string[] }).alpn, [
      'h2',
      'http/1.1',
    ]);
  });

  it('one identity only', () => {
    throws(
      () => settings({ key: ['a', 'b'] }),
      'TypeError',
      'ERR_INVALID_ARG_TYPE',
      'key must be one value',
    );
  });

  it('checkServerIdentity takes the place of the built-in check', () => {
    const check = (): undefined => undefined;
    const { addon, target: made } = tls({ checkServerIdentity: check });
    assert.equal(addon.tls[0]?.checkHost, false);
    assert.equal(made.options.verifyInJs, true);
    assert.equal(made.checkServerIdentity, check);
  });

  it('are checked for ws: URLs as well, and not used', () => {
    const addon = new FakeAddon();
    const store = new TlsStore(addon);
    const made = makeTarget(store, parseUrl('ws://host/'), { ca: 'A' });
    assert.equal(addon.tls.length, 1);
    assert.equal(made.tls, undefined);
    makeTarget(store, parseUrl('ws://host/'), {});
    assert.equal(addon.tls.length, 1);
  });

  it('are loaded once for equal settings', () => {
    const addon = new FakeAddon();
    const store = new TlsStore(addon);
    const make = (options: ConnectionOptions): number | undefined =>
      makeTarget(store, parseUrl('wss://host/'), options).tls?.handle;
    assert.equal(make({ ca: 'A' }), 1);
    assert.equal(make({ ca: Buffer.from('A') }), 1);
    assert.equal(make({ ca: 'B' }), 2);
    assert.equal(make({ cert: 'A' }), 3);
    assert.equal(make({ ca: 'A', passphrase: '' }), 4);
    assert.equal(make({}), 5);
    assert.equal(make({ rejectUnauthorized: false }), 6);
    assert.equal(make({ ca: 'A' }), 1);
    assert.equal(addon.count('setRoots'), 1);
  });

  it('are released when nobody holds them', async function () {
    const addon = new FakeAddon();
    const store = new TlsStore(addon);
    const make = (i: number): unknown =>
      makeTarget(store, parseUrl('wss://host/'), { ca: String(i) });
    const held = make(0);
    for (let i = 1; i <= 100; i++) make(i);
    // The last eight are kept for the next connection. Finalizers run when the collector likes.
    while (addon.count('releaseTls') < 90) {
      (globalThis as { gc?: () => void }).gc?.();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(!addon.calls.some(([name, handle]) => name === 'releaseTls' && handle === 1));
    assert.ok(held);
  });
});

describe('the default roots', () => {
  it("are Node's own", () => {
    const pem = currentRoots().pem();
    for (const root of nodeTls.rootCertificates.slice(0, 5)) assert.ok(pem.includes(root.trim()));
  });

  it('and those of NODE_EXTRA_CA_CERTS', function () {
    if ('getCACertificates' in nodeTls) {
      // There Node itself reads the variable, when it starts.
      const pem = currentRoots().pem();
      assert.ok(pem.includes('BEGIN CERTIFICATE'));
      return;
    }
    const folder = mkdtempSync(join(tmpdir(), 'vws-'));
    const file = join(folder, 'extra.pem');
    writeFileSync(file, 'EXTRA');
    const saved = process.env['NODE_EXTRA_CA_CERTS'];
    process.env['NODE_EXTRA_CA_CERTS'] = file;
    try {
      assert.ok(currentRoots().pem().endsWith('\nEXTRA'));
      process.env['NODE_EXTRA_CA_CERTS'] = '/nonexistent';
      assert.ok(currentRoots().pem().includes('BEGIN CERTIFICATE'));
    } finally {
      if (saved === undefined) delete process.env['NODE_EXTRA_CA_CERTS'];
      else process.env['NODE_EXTRA_CA_CERTS'] = saved;
      rmSync(folder, { recursive: true });
    }
  });
});
