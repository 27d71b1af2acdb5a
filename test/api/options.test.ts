/** What options become, and which are refused. */
import { strict as assert } from 'node:assert';
import { makeTarget, type ConnectionOptions } from '../../lib/options/connection-options';
import { TlsStore } from '../../lib/addon/tls-store';
import { parseUrl } from '../../lib/options/url';
import type { ConnectOptions } from '../../lib/addon/contract';
import type { Target } from '../../lib/addon/connection';
import { FakeAddon } from './fake-addon';
import { throws } from './throws';

function target(options: object = {}, url = 'ws://host/'): Target {
  return makeTarget(new TlsStore(new FakeAddon()), parseUrl(url), options as ConnectionOptions);
}

function connectOptions(options: object = {}, url?: string): ConnectOptions {
  return target(options, url).options;
}

describe('options', () => {
  it('have defaults', () => {
    assert.deepEqual(connectOptions(), {
      secure: false,
      host: 'host',
      port: 80,
      path: '/',
      hostHeader: 'host',
      family: 0,
      protocols: [],
      headers: [],
      handshakeTimeout: 30_000,
      closeTimeout: 30_000,
      maxPayload: 100 * 1024 * 1024,
      maxFragments: 0,
      sendLimit: 64 * 1024 * 1024,
      highWaterMark: 1024 * 1024,
      skipUtf8Validation: false,
      autoPong: true,
      textAsBuffer: false,
    });
  });

  it('are taken over', () => {
    const options = connectOptions({
      protocols: ['a', 'b'],
      headers: { 'X-A': '1', Host: 'other' },
      origin: 'https://origin.example',
      handshakeTimeout: 1.5,
      closeTimeout: 0,
      maxPayload: 0,
      maxFragments: 1,
      sendLimit: 100,
      highWaterMark: 0,
      skipUTF8Validation: true,
      autoPong: false,
      family: 6,
      localAddress: '::1',
      heartbeat: { interval: 10 },
    });
    assert.deepEqual(options.protocols, ['a', 'b']);
    assert.deepEqual(options.headers, ['X-A: 1', 'Origin: https://origin.example']);
    assert.equal(options.hostHeader, 'other');
    assert.equal(options.host, 'host');
    assert.equal(options.handshakeTimeout, 2);
    assert.equal(options.closeTimeout, 0);
    assert.equal(options.maxPayload, 0);
    assert.equal(options.maxFragments, 1);
    assert.equal(options.sendLimit, 100);
    assert.equal(options.highWaterMark, 0);
    assert.equal(options.skipUtf8Validation, true);
    assert.equal(options.autoPong, false);
    assert.equal(options.family, 6);
    assert.equal(options.localAddress, '::1');
    assert.deepEqual(options.heartbeat, { interval: 10, timeout: 10 });
    assert.deepEqual(connectOptions({ heartbeat: 5 }).heartbeat, { interval: 5, timeout: 5 });
  });

  it('a small sendLimit lowers the default high-water mark', () => {
    assert.equal(connectOptions({ sendLimit: 10 }).highWaterMark, 10);
  });

  const ranges: [name: string, value: unknown][] = [
    ['handshakeTimeout', -1],
    ['handshakeTimeout', NaN],
    ['handshakeTimeout', 2 ** 31],
    ['handshakeTimeout', Infinity],
    ['closeTimeout', -0.5],
    ['maxPayload', -1],
    ['maxPayload', 1.5],
    ['maxPayload', 2 ** 53],
    ['maxFragments', -1],
    ['sendLimit', 0],
    ['highWaterMark', -1],
    ['highWaterMark', 2 ** 30],
    ['heartbeat', 0],
    ['heartbeat', { interval: 0 }],
    ['heartbeat', { interval: 1, timeout: 0 }],
    ['perMessageDeflate', { serverMaxWindowBits: 7 }],
    ['perMessageDeflate', { serverMaxWindowBits: 16 }],
    ['perMessageDeflate', { clientMaxWindowBits: 16 }],
    ['perMessageDeflate', { threshold: -1 }],
    ['perMessageDeflate', { level: 10 }],
    ['perMessageDeflate', { memLevel: 0 }],
  ];
  for (const [name, value] of ranges) {
    it(`refuse ${name} ${JSON.stringify(value)}`, () => {
      throws(() => target({ [name]: value }), 'RangeError', 'ERR_OUT_OF_RANGE', name);
    });
  }

  const types: [name: string, value: unknown][] = [
    ['handshakeTimeout', '1'],
    ['maxPayload', '1'],
    ['skipUTF8Validation', 1],
    ['autoPong', 'yes'],
    ['perMessageDeflate', 'yes'],
    ['perMessageDeflate', { serverNoContextTakeover: 1 }],
    ['heartbeat', true],
    ['heartbeat', {}],
    ['localAddress', 1],
    ['lookup', 'dns'],
    ['socketPath', 1],
    ['auth', ['user']],
    ['protocols', 1],
    ['headers', 'X-A: 1'],
    ['origin', {}],
    ['servername', 1],
    ['rejectUnauthorized', 0],
    ['checkServerIdentity', true],
    ['ca', 1],
    ['cert', { pem: 'x' }],
    ['key', 1],
    ['passphrase', 1],
    ['pfx', true],
    ['ciphers', []],
    ['ALPNProtocols', 'http/1.1'],
    ['fingerprint256', 1],
    ['proxy', 1],
    ['proxy', {}],
  ];
  for (const [name, value] of types) {
    it(`refuse ${name} ${JSON.stringify(value)}`, () => {
      throws(
        () => target({ [name]: value }, 'wss://host/'),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        name,
      );
    });
  }

  const values: [name: string, value: unknown, problem: string][] = [
    ['family', 5, 'is not one of 0, 4, 6'],
    ['family', '4', 'is not one of'],
    ['localAddress', 'localhost', 'is not an IP address'],
    ['socketPath', '', 'is empty'],
    ['socketPath', 'a\0b', 'contains a NUL'],
    ['servername', '127.0.0.1', 'is an address'],
    ['servername', 'a b', 'is not a host name'],
    ['minVersion', 'SSLv3', 'is not one of'],
    ['maxVersion', 1.2, 'is not one of'],
    ['fingerprint256', 'AB:CD', 'is not a SHA-256 fingerprint'],
    ['fingerprint256', ['zz'.repeat(32)], 'is not a SHA-256 fingerprint'],
    ['ALPNProtocols', [''], '1 to 255 bytes'],
    ['origin', 'a\r\nb', 'contains a line end'],
    ['auth', 'user:\n', 'contains a control character'],
  ];
  for (const [name, value, problem] of values) {
    it(`refuse ${name} ${JSON.stringify(value)}: ${problem}`, () => {
      throws(
        () => target({ [name]: value }, 'wss://host/'),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        name,
        problem,
      );
    });
  }

  it('refuse unknown parameters', () => {
    throws(
      () => target({ perMessageDeflate: { x: 1 } }),
      'TypeError',
      'ERR_UNKNOWN_OPTION',
      "'x'",
      'memLevel',
    );
    throws(
      () => target({ heartbeat: { interval: 1, x: 1 } }),
      'TypeError',
      'ERR_UNKNOWN_OPTION',
      "'x'",
    );
  });

  it('refuse what the engine cannot do, naming what can', () => {
    for (const name of ['agent', 'createConnection']) {
      throws(
        () => target({ [name]: {} }),
        'TypeError',
        'ERR_UNSUPPORTED_OPTION',
        name,
        'option proxy',
      );
    }
  });

  it('an Origin that is given twice is refused', () => {
    throws(
      () => target({ origin: 'a', headers: { origin: 'b' } }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'origin',
    );
  });

  describe('credentials', () => {
    const basic = (text: string): string =>
      `Authorization: Basic ${Buffer.from(text).toString('base64')}`;

    it('of the URL, of the option, of a header, in this order', () => {
      assert.deepEqual(connectOptions({}, 'ws://u:p@host/').headers, [basic('u:p')]);
      assert.deepEqual(connectOptions({ auth: 'a:b' }).headers, [basic('a:b')]);
      assert.deepEqual(connectOptions({ auth: 'a:b' }, 'ws://u:p@host/').headers, [basic('u:p')]);
      const headers = { authorization: 'Bearer t' };
      assert.deepEqual(connectOptions({ headers, auth: 'a:b' }, 'ws://u:p@host/').headers, [
        'authorization: Bearer t',
      ]);
    });

    it('are not shown in errors', () => {
      assert.throws(
        () => target({ auth: 'user:secret\n' }),
        (error: Error) => !error.message.includes('secret'),
      );
      assert.throws(
        () => target({ headers: { Authorization: 'secret\n' } }),
        (error: Error) => !error.message.includes('secret'),
      );
      assert.throws(
        () => target({ passphrase: Buffer.from('secret') }, 'wss://host/'),
        (error: Error) => !error.message.includes('secret'),
      );
      assert.throws(
        () => target({ proxy: 'http://user:secret@host/path' }),
        (error: Error) => error.message.includes('user') && !error.message.includes('secret'),
      );
    });
  });

  describe('compression', () => {
    it('is not offered by default, and offered with defaults for true', () => {
      assert.equal(connectOptions().deflate, undefined);
      assert.equal(connectOptions({ perMessageDeflate: false }).deflate, undefined);
      assert.deepEqual(connectOptions({ perMessageDeflate: true }).deflate, {
        serverNoContextTakeover: false,
        clientNoContextTakeover: false,
        serverMaxWindowBits: 0,
        clientMaxWindowBits: 1,
        threshold: 1024,
        level: 3,
        memLevel: 8,
      });
    });

    it('has parameters', () => {
      const given = {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 8,
        clientMaxWindowBits: 15,
        threshold: 0,
        level: 9,
        memLevel: 1,
      };
      assert.deepEqual(connectOptions({ perMessageDeflate: given }).deflate, given);
      const none = connectOptions({ perMessageDeflate: { clientMaxWindowBits: false } });
      assert.equal(none.deflate?.clientMaxWindowBits, 0);
    });
  });

  describe('the way', () => {
    it('a unix socket, of the URL or the option', () => {
      assert.equal(connectOptions({}, 'ws+unix:/run/s:/p').socketPath, '/run/s');
      assert.equal(connectOptions({ socketPath: '/run/t' }).socketPath, '/run/t');
      assert.equal(connectOptions({ socketPath: '@abstract' }).socketPath, '@abstract');
      assert.equal(connectOptions({ socketPath: '\0abstract' }).socketPath, '\0abstract');
    });

    it('a lookup function', () => {
      const lookup = (): void => {};
      assert.equal(target({ lookup }).lookup, lookup);
    });

    const proxies: [input: unknown, expected: ConnectOptions['proxy']][] = [
      ['http://p', { type: 'http', host: 'p', port: 80, resolveLocally: false }],
      ['p:3128', { type: 'http', host: 'p', port: 3128, resolveLocally: false }],
      ['socks5://[::1]', { type: 'socks5', host: '::1', port: 1080, resolveLocally: true }],
      ['socks5h://p:1', { type: 'socks5', host: 'p', port: 1, resolveLocally: false }],
      ['socks://p:1', { type: 'socks5', host: 'p', port: 1, resolveLocally: false }],
      [
        new URL('http://user:p%3Ass@p:8080'),
        { type: 'http', host: 'p', port: 8080, resolveLocally: false, auth: 'user:p:ss' },
      ],
      [
        { url: 'http://p', headers: { 'X-A': '1' } },
        { type: 'http', host: 'p', port: 80, resolveLocally: false, headers: ['X-A: 1'] },
      ],
      [false, undefined],
    ];
    for (const [input, expected] of proxies) {
      it(`the proxy ${JSON.stringify(input)}`, () => {
        assert.deepEqual(connectOptions({ proxy: input }).proxy, expected);
      });
    }

    const badProxies: [input: unknown, kind: string, problem: string][] = [
      ['ftp://p', 'SyntaxError', 'unknown scheme'],
      ['http://', 'SyntaxError', 'not a valid URL'],
      ['http://p:0', 'SyntaxError', 'port 0'],
      ['http://p/path', 'SyntaxError', 'has a path'],
      ['http://p?q', 'SyntaxError', 'has a path'],
      ['http://u:%FF@p', 'SyntaxError', 'percent-encoding'],
      [{ url: 'socks5://p', headers: {} }, 'TypeError', 'proxy.headers'],
      [{ url: 1 }, 'TypeError', 'proxy.url'],
    ];
    for (const [input, kind, problem] of badProxies) {
      it(`refuses the proxy ${JSON.stringify(input)}`, () => {
        const code = kind === 'SyntaxError' ? 'ERR_INVALID_URL' : 'ERR_INVALID_ARG_TYPE';
        throws(() => target({ proxy: input }), kind, code, 'proxy', problem);
      });
    }

    it('TLS to the proxy is refused, not forgotten: the credentials would go out in the clear', () => {
      for (const proxy of ['https://u:secret@p', { url: 'HTTPS://p:1' }]) {
        throws(() => target({ proxy }), 'TypeError', 'ERR_UNSUPPORTED_OPTION', 'http:, socks5:');
      }
      assert.throws(
        () => target({ proxy: 'https://u:secret@p' }),
        ({ message }: Error) => !message.includes('secret'),
      );
    });

    it('not both a proxy and a unix socket', () => {
      throws(
        () => target({ proxy: 'http://p', socketPath: '/s' }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        'unix socket',
      );
    });
  });

  describe('the proxy of the environment', () => {
    const saved = { ...process.env };
    const names = ['ws', 'wss', 'http', 'https', 'all', 'no'].flatMap((name) => [
      `${name}_proxy`,
      `${name.toUpperCase()}_PROXY`,
    ]);
    const withEnvironment = (
      environment: Record<string, string>,
      url: string,
    ): string | undefined => {
      for (const name of names) delete process.env[name];
      Object.assign(process.env, environment);
      const { proxy } = connectOptions({ proxy: 'env' }, url);
      return proxy && `${proxy.type} ${proxy.host}:${proxy.port}`;
    };
    afterEach(() => {
      for (const name of names) {
        if (saved[name] === undefined) delete process.env[name];
        else process.env[name] = saved[name];
      }
    });

    it('is used on request only', () => {
      process.env['HTTP_PROXY'] = 'http://p:1';
      assert.equal(connectOptions().proxy, undefined);
    });

    it('depends on the scheme', () => {
      const both = { HTTP_PROXY: 'http://plain:1', HTTPS_PROXY: 'http://secure:2' };
      assert.equal(withEnvironment(both, 'ws://host/'), 'http plain:1');
      assert.equal(withEnvironment(both, 'wss://host/'), 'http secure:2');
      assert.equal(withEnvironment({ ALL_PROXY: 'socks5://all:3' }, 'wss://host/'), 'socks5 all:3');
      assert.equal(
        withEnvironment({ ...both, wss_proxy: 'http://own:4' }, 'wss://host/'),
        'http own:4',
      );
      assert.equal(
        withEnvironment({ https_proxy: 'small:5', HTTPS_PROXY: 'big:6' }, 'wss://host/'),
        'http small:5',
      );
      assert.equal(withEnvironment({}, 'wss://host/'), undefined);
      assert.equal(withEnvironment({ HTTP_PROXY: '' }, 'ws://host/'), undefined);
    });

    it('has exceptions', () => {
      const environment = { HTTP_PROXY: 'http://p:1', NO_PROXY: 'a.example, host' };
      assert.equal(withEnvironment(environment, 'ws://host/'), undefined);
      assert.equal(withEnvironment(environment, 'ws://b.example/'), 'http p:1');
    });

    it('may not ask for TLS to the proxy', () => {
      assert.throws(() => withEnvironment({ https_proxy: 'https://p' }, 'wss://host/'), {
        code: 'ERR_UNSUPPORTED_OPTION',
        message: /environment variable https_proxy/,
      });
    });

    it('names its variable when it cannot be used', () => {
      throws(
        () => withEnvironment({ HTTP_PROXY: 'ftp://p' }, 'ws://host/'),
        'SyntaxError',
        'ERR_INVALID_URL',
        'environment variable HTTP_PROXY',
      );
    });
  });
});
