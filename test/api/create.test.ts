/** create(): what it takes and what it refuses, on the real addon. */
import { strict as assert } from 'node:assert';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as lib from '../../lib';
import { Api } from '../../lib/functions/api';
import { Environment } from '../../lib/addon/environment';
import { certificates } from '../support/certificates';
import { FakeAddon } from './fake-addon';
import { throws, type Coded } from './throws';

const url = 'ws://localhost/';
const create = (table: unknown): lib.Wso => lib.create(table as lib.CreateOptions);

describe('create()', () => {
  it('takes the documented table', () => {
    const wso = create({
      url: 'wss://localhost:8443/path',
      event_handlers: { 1: () => {}, 3: () => {}, 4: () => {}, 8: () => {} },
      ssl_settings: { client_ssl_cert_filepath: certificates().wsPemPath },
      standalone: true,
    });
    assert.equal(wso.url, 'wss://localhost:8443/path');
    assert.equal(wso.state, 'idle');
    assert.equal(wso.standalone, true);
    assert.equal(wso.bufferedAmount, 0);
    assert.equal(wso.protocol, '');
    assert.equal(wso.extensions, '');
    assert.equal(wso.error, undefined);
    assert.equal(wso.closeCode, undefined);
    assert.equal(wso.stats, undefined);
  });

  it('takes a URL alone', () => {
    assert.equal(create({ url }).standalone, false);
    assert.equal(create({ url: new URL('https://user:secret@host/') }).url, 'wss://host/');
  });

  it('takes camelCase names, and snake_case names of the other options', () => {
    const handlers = { 3: () => {} };
    create({
      url,
      eventHandlers: handlers,
      sslSettings: { clientSslCaFilepath: certificates().caPath },
    });
    create({
      url,
      handshake_timeout: 1,
      skip_utf8_validation: true,
      per_message_deflate: true,
      max_payload: 1,
    });
    create({
      url,
      send_limit: 1,
      high_water_mark: 1,
      alpn_protocols: ['a'],
      fingerprint256: 'ab'.repeat(32),
    });
  });

  it('names a field as it was written', () => {
    throws(
      () => create({ url, handshake_timeout: -1 }),
      'RangeError',
      'ERR_OUT_OF_RANGE',
      'handshake_timeout must',
    );
    throws(
      () => create({ url, handshakeTimeout: -1 }),
      'RangeError',
      'ERR_OUT_OF_RANGE',
      'handshakeTimeout must',
    );
    throws(
      () => create({ url, eventHandlers: 1 }),
      'TypeError',
      'ERR_INVALID_ARG_TYPE',
      'eventHandlers must',
    );
  });

  it('ignores fields that are undefined', () => {
    create({
      url,
      event_handlers: undefined,
      ssl_settings: undefined,
      standalone: undefined,
      proxy: undefined,
    });
  });

  it('refuses what is no table', () => {
    for (const table of [undefined, null, 'ws://localhost/', 1, [], () => {}]) {
      throws(() => create(table), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'must be an object');
    }
  });

  it('refuses unknown fields, and says what is known', () => {
    throws(
      () => create({ url, event_handler: {} }),
      'TypeError',
      'ERR_UNKNOWN_OPTION',
      "'event_handler'",
      'event_handlers',
    );
    throws(
      () => create({ url, agent: {} }),
      'TypeError',
      'ERR_UNSUPPORTED_OPTION',
      'agent',
      'option proxy',
    );
  });

  it('refuses two spellings of one field', () => {
    throws(
      () => create({ url, event_handlers: {}, eventHandlers: {} }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      "'eventHandlers' and 'event_handlers' are given both",
    );
  });

  it('refuses wrong URLs', () => {
    throws(() => create({}), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'url must be a string or a URL');
    throws(() => create({ url: 'ftp://host/' }), 'SyntaxError', 'ERR_INVALID_URL', 'url ', 'ftp:');
    throws(() => create({ url: 'ws://host/#x' }), 'SyntaxError', 'ERR_INVALID_URL', 'fragment');
    throws(() => create({ url: 'ws://host:99999/' }), 'SyntaxError', 'ERR_INVALID_URL', 'port');
  });

  it('refuses standalone that is no boolean, and a lookup that could never answer', () => {
    throws(
      () => create({ url, standalone: 1 }),
      'TypeError',
      'ERR_INVALID_ARG_TYPE',
      'standalone must be a boolean',
    );
    throws(
      () => create({ url, standalone: true, lookup: () => {} }),
      'TypeError',
      'ERR_UNSUPPORTED_OPTION',
      'lookup',
      'loop()',
    );
  });

  describe('event handlers', () => {
    it('are functions or names, by numbers or numeric strings', () => {
      create({
        url,
        event_handlers: {
          1: 'onError',
          '3': () => {},
          4: undefined,
          8: null,
          9: 'a',
          10: 'b',
          38: 'c',
        },
      });
      create({ url, event_handlers: [undefined, 'onError', undefined, () => {}] });
    });

    for (const id of ['0', '2', '5', '75', '-1', '1.5', '01', ' 1', '1e0', 'open', 'CLOSED', '']) {
      it(`of event ${JSON.stringify(id)} are refused, with a list of those supported`, () => {
        throws(
          () => create({ url, event_handlers: { [id]: () => {} } }),
          'TypeError',
          'ERR_UNKNOWN_EVENT',
          JSON.stringify(id).replaceAll('"', "'"),
          '1 CLIENT_CONNECTION_ERROR',
          '3 CLIENT_ESTABLISHED',
          '4 CLOSED',
          '8 CLIENT_RECEIVE',
          '9 CLIENT_RECEIVE_PONG',
          '10 CLIENT_WRITEABLE',
          '38 WS_PEER_INITIATED_CLOSE',
        );
      });
    }

    for (const handler of [1, true, {}, '', Symbol('x')]) {
      it(`that are ${String(typeof handler)} ${String(handler)} are refused`, () => {
        throws(
          () => create({ url, event_handlers: { 8: handler } }),
          'TypeError',
          'ERR_INVALID_ARG_TYPE',
          'event_handlers[8]',
        );
      });
    }

    it('are a table', () => {
      for (const handlers of ['x', 1, () => {}]) {
        throws(
          () => create({ url, event_handlers: handlers }),
          'TypeError',
          'ERR_INVALID_ARG_TYPE',
          'event_handlers',
        );
      }
    });
  });

  describe('SSL settings', () => {
    const all = certificates();
    const ssl = (settings: object, more: object = {}): lib.Wso =>
      create({ url: 'wss://localhost/', ssl_settings: settings, ...more });
    const cert = 'client_ssl_cert_filepath';
    const key = 'client_ssl_private_key_filepath';
    const password = 'client_ssl_private_key_password';

    it('certificate and key in one file, or in two', () => {
      ssl({ [cert]: all.wsPemPath });
      ssl({ [cert]: all.client.certPath, [key]: all.client.keyPath });
    });

    it('an encrypted key', () => {
      ssl({ [cert]: all.client.certPath, [key]: all.encryptedKeyPath, [password]: all.passphrase });
    });

    it('roots, ciphers, and no verification', () => {
      ssl({ client_ssl_ca_filepath: all.caPath });
      ssl({ client_ssl_cipher_list: 'ECDHE+AESGCM' });
      ssl({ reject_unauthorized: false });
    });

    it('refuse unknown ones', () => {
      throws(
        () => ssl({ ssl_cert_filepath: 'x' }),
        'TypeError',
        'ERR_UNKNOWN_OPTION',
        "'ssl_cert_filepath'",
        cert,
        key,
      );
    });

    it('refuse what is no table', () => {
      throws(
        () => create({ url, ssl_settings: 'ws.pem' }),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        'ssl_settings must',
      );
    });

    it('refuse one in two spellings', () => {
      throws(
        () => ssl({ [cert]: all.wsPemPath, clientSslCertFilepath: all.wsPemPath }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        'given twice',
      );
    });

    it('refuse wrong types, and do not show a password', () => {
      throws(() => ssl({ [cert]: 1 }), 'TypeError', 'ERR_INVALID_ARG_TYPE', `ssl_settings.${cert}`);
      throws(
        () => ssl({ [cert]: '' }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        `ssl_settings.${cert}`,
        'empty',
      );
      throws(() => ssl({ [cert]: 'a\0b' }), 'TypeError', 'ERR_INVALID_ARG_VALUE', 'NUL');
      throws(
        () => ssl({ [password]: 1234 }),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        `ssl_settings.${password}`,
      );
      throws(
        () => ssl({ client_ssl_cipher_list: [] }),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        'client_ssl_cipher_list',
      );
      throws(
        () => ssl({ reject_unauthorized: 'no' }),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        'reject_unauthorized',
      );
      assert.throws(
        () => ssl({ [password]: ['secret'] }),
        (error: Error) => !error.message.includes('secret'),
      );
    });

    for (const name of [cert, key, 'client_ssl_ca_filepath']) {
      it(`${name}: a file that is not there`, () => {
        const settings = { [cert]: all.wsPemPath, [name]: '/nonexistent/ws.pem' };
        assert.throws(
          () => ssl(settings),
          (error: Coded & { path: string; errno: string }) => {
            assert.equal(error.code, 'ERR_FILE_UNREADABLE');
            assert.equal(error.field, `ssl_settings.${name}`);
            assert.equal(error.path, '/nonexistent/ws.pem');
            assert.equal(error.errno, 'ENOENT');
            for (const text of [name, '/nonexistent/ws.pem', 'ENOENT'])
              assert.ok(error.message.includes(text));
            return true;
          },
        );
      });
    }

    it('a file that is a folder', () => {
      throws(
        () => ssl({ [cert]: tmpdir() }),
        'Error',
        'ERR_FILE_UNREADABLE',
        cert,
        tmpdir(),
        'EISDIR',
      );
    });

    it('a file that may not be read', function () {
      const folder = mkdtempSync(join(tmpdir(), 'vws-'));
      const file = join(folder, 'ws.pem');
      writeFileSync(file, 'x');
      chmodSync(file, 0);
      try {
        // The superuser may read everything: then its contents are what is wrong.
        const code = process.getuid?.() === 0 ? 'ERR_TLS_CERT_INVALID' : 'ERR_FILE_UNREADABLE';
        throws(() => ssl({ [cert]: file }), 'Error', code, cert, file);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('a file of which the name has backslashes, as all have on Windows', () => {
      const file = 'no\\such\\file.pem';
      throws(() => ssl({ [cert]: file }), 'Error', 'ERR_FILE_UNREADABLE', cert, `'${file}'`);
    });

    it('a file that holds no certificate', () => {
      throws(() => ssl({ [cert]: __filename }), 'Error', 'ERR_TLS_CERT_INVALID', cert, __filename);
      throws(
        () => ssl({ client_ssl_ca_filepath: all.client.keyPath }),
        'Error',
        'ERR_TLS_CA_INVALID',
        all.client.keyPath,
      );
    });

    it('a certificate without its key', () => {
      throws(
        () => ssl({ [cert]: all.client.certPath }),
        'Error',
        'ERR_TLS_KEY_MISSING',
        cert,
        all.client.certPath,
      );
    });

    it('a key without its certificate', () => {
      throws(
        () => ssl({ [key]: all.client.keyPath }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        key,
        cert,
      );
    });

    it("another certificate's key", () => {
      const settings = { [cert]: all.client.certPath, [key]: all.server.keyPath };
      throws(
        () => ssl(settings),
        'Error',
        'ERR_TLS_KEY_MISMATCH',
        key,
        all.server.keyPath,
        'does not match',
      );
    });

    it('a file that holds no key', () => {
      const settings = { [cert]: all.client.certPath, [key]: all.caPath };
      throws(() => ssl(settings), 'Error', 'ERR_TLS_KEY_INVALID', key, all.caPath);
    });

    it('a password that is missing, or wrong', () => {
      const settings = { [cert]: all.client.certPath, [key]: all.encryptedKeyPath };
      throws(() => ssl(settings), 'Error', 'ERR_TLS_PASSPHRASE', password, all.encryptedKeyPath);
      throws(
        () => ssl({ ...settings, [password]: 'wrong' }),
        'Error',
        'ERR_TLS_PASSPHRASE',
        password,
        all.encryptedKeyPath,
      );
      assert.throws(
        () => ssl({ ...settings, [password]: 'sesame closed' }),
        (error: Error) => !JSON.stringify([error.message, error]).includes('sesame closed'),
      );
    });

    it('ciphers nobody knows', () => {
      throws(
        () => ssl({ client_ssl_cipher_list: 'NOPE' }),
        'Error',
        'ERR_TLS_CIPHERS',
        'client_ssl_cipher_list',
        'NOPE',
      );
    });

    it('are checked for ws: URLs as well', () => {
      const settings = { [cert]: all.client.certPath, [key]: all.server.keyPath };
      throws(() => create({ url, ssl_settings: settings }), 'Error', 'ERR_TLS_KEY_MISMATCH', key);
    });

    it('and options of the same meaning are not both given', () => {
      throws(
        () => ssl({ client_ssl_ca_filepath: all.caPath }, { ca: all.ca }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        'ca and ssl_settings.client_ssl_ca_filepath',
      );
    });

    it('go together with the options of TLS', () => {
      ssl(
        { client_ssl_ca_filepath: all.caPath },
        { minVersion: 'TLSv1.3', servername: 'a.example' },
      );
      throws(
        () => ssl({}, { minVersion: 'TLSv1.3', maxVersion: 'TLSv1.2' }),
        'Error',
        'ERR_TLS_VERSION',
        'minVersion',
      );
    });
  });
});

describe('the other functions', () => {
  const impostors = [
    undefined,
    null,
    1,
    'wso',
    {},
    () => {},
    Object.create(Object.getPrototypeOf(create({ url })) as object),
  ];

  it('refuse what create() did not make', () => {
    for (const value of impostors as lib.Wso[]) {
      for (const call of [
        () => lib.connect(value),
        () => lib.send(value, 'x'),
        () => lib.close(value),
        () => lib.ref(value),
        () => lib.unref(value),
      ]) {
        throws(call, 'TypeError', 'ERR_INVALID_ARG_TYPE', 'made by create()');
      }
    }
  });

  it('close() checks code and reason', () => {
    const wso = create({ url });
    const close = lib.close as (wso: lib.Wso, code?: unknown, reason?: unknown) => void;
    for (const code of [999, 5000, 1000.5, NaN]) {
      throws(() => close(wso, code), 'RangeError', 'ERR_OUT_OF_RANGE', 'code must be');
    }
    for (const code of [1001, 1005, 1006, 1015, 2999]) {
      throws(() => close(wso, code), 'TypeError', 'ERR_INVALID_ARG_VALUE', `code ${code}`);
    }
    throws(() => close(wso, '1000'), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'code must be');
    throws(() => close(wso, 1000, 1), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'reason must be');
    throws(
      () => close(wso, 1000, 'ä'.repeat(62)),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      '124 bytes',
    );
    throws(() => close(wso, undefined, 'x'), 'TypeError', 'ERR_INVALID_ARG_VALUE', 'needs a code');
    close(wso, 1000, 'ä'.repeat(61));
    close(wso, 4999);
    close(wso, undefined, '');
    assert.equal(wso.state, 'idle');
  });

  it('exist under camelCase names too', () => {
    assert.equal(lib.setLogLevel, lib.set_log_level);
  });

  it('versions() tells what is linked in', () => {
    const { libwebsockets, openssl, zlib } = lib.versions();
    assert.match(libwebsockets, /^[2-4]\.\d+\.\d+/);
    assert.match(openssl, /^\d+\.\d+\.\d+/);
    assert.match(zlib, /^1\./);
  });

  it('configure() checks its options, and comes too late when the engine runs', () => {
    const addon = new FakeAddon();
    const api = new Api(new Environment(addon));
    const configure = (options: unknown): void => api.configure(options as object);
    throws(() => configure(1), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'configure()');
    throws(() => configure({ x: 1 }), 'TypeError', 'ERR_UNKNOWN_OPTION', "'x'", 'service');
    throws(
      () => configure({ service: 'x' }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'service',
      'thread',
    );
    throws(
      () => configure({ inboundHighWaterMark: 0 }),
      'RangeError',
      'ERR_OUT_OF_RANGE',
      'inboundHighWaterMark',
    );
    throws(
      () => configure({ inboundHighWaterMark: 2048, inboundLowWaterMark: 4096 }),
      'RangeError',
      'ERR_OUT_OF_RANGE',
      'inboundLowWaterMark',
    );
    for (const threads of [0, 65, 1.5])
      throws(() => configure({ threads }), 'RangeError', 'ERR_OUT_OF_RANGE', 'threads');
    throws(
      () => configure({ service: 'loop', threads: 2 }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'threads',
      "'loop'",
    );
    configure({ service: 'loop', threads: 1 });
    configure({ service: 'thread', threads: 2 });
    configure({ inboundHighWaterMark: 4096, inboundLowWaterMark: 0 });
    api.connect(api.create({ url }));
    assert.deepEqual(addon.engineOptions, {
      service: 'thread',
      inboundHighWaterMark: 4096,
      inboundLowWaterMark: 0,
      threads: 2,
    });
    throws(() => configure({}), 'Error', 'ERR_ENGINE_STARTED', 'before the first connect()');
  });
});
