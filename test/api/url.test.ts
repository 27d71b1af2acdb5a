/** URLs, headers and subprotocols. */
import { strict as assert } from 'node:assert';
import { checkHeaders, checkProtocols } from '../../lib/options/headers';
import { basicAuth, parseUrl } from '../../lib/options/url';
import { throws } from './throws';

describe('URLs', () => {
  const good: [url: string, expected: Partial<ReturnType<typeof parseUrl>>][] = [
    [
      'ws://host',
      { href: 'ws://host/', secure: false, host: 'host', port: 80, path: '/', hostHeader: 'host' },
    ],
    [
      'wss://host',
      { href: 'wss://host/', secure: true, port: 443, hostHeader: 'host', origin: 'wss://host' },
    ],
    ['http://host/a', { href: 'ws://host/a', secure: false, port: 80 }],
    ['https://host/a', { href: 'wss://host/a', secure: true, port: 443 }],
    ['HTTPS://HOST/A', { href: 'wss://host/A', secure: true, host: 'host' }],
    ['ws://host:80/', { port: 80, hostHeader: 'host' }],
    ['wss://host:80/', { port: 80, hostHeader: 'host:80', origin: 'wss://host:80' }],
    ['ws://host:65535/', { port: 65535 }],
    ['ws://[::1]:8080/x', { host: '::1', port: 8080, hostHeader: '[::1]:8080' }],
    ['ws://127.1/', { host: '127.0.0.1' }],
    ['ws://bücher.example/ä?ö', { host: 'xn--bcher-kva.example', path: '/%C3%A4?%C3%B6' }],
    ['ws://host/a/../b?c=d', { path: '/b?c=d' }],
    ['ws://host?x', { path: '/?x' }],
    ['ws://user:p%40ss@host/', { auth: 'user:p@ss', href: 'ws://host/' }],
    ['ws://user@host/', { auth: 'user:' }],
    ['ws://:pass@host/', { auth: ':pass' }],
    ['ws+unix:/run/a.sock', { socketPath: '/run/a.sock', path: '/', hostHeader: 'localhost' }],
    ['ws+unix:///run/a.sock:/p?q', { socketPath: '/run/a.sock', path: '/p?q', secure: false }],
    ['wss+unix:///run/a%20b.sock', { socketPath: '/run/a b.sock', secure: true }],
  ];
  for (const [url, expected] of good) {
    it(url, () => {
      const parsed = parseUrl(url);
      for (const [name, value] of Object.entries(expected)) {
        assert.equal(parsed[name as keyof typeof parsed], value, name);
      }
    });
  }

  it('takes a URL object, and does not change it', () => {
    const url = new URL('https://user:secret@host/');
    assert.equal(parseUrl(url).auth, 'user:secret');
    assert.equal(url.href, 'https://user:secret@host/');
  });

  it('resolves a relative one', () => {
    assert.equal(parseUrl('../c?d', 'url', 'wss://host:1/a/b').href, 'wss://host:1/c?d');
  });

  const bad: [url: string, problem: string][] = [
    ['', 'no scheme'],
    ['host', 'no scheme'],
    ['//host/', 'no scheme'],
    ['ws://', 'not a valid URL'],
    ['ws://a b/', 'not a valid URL'],
    ['ftp://host/', "scheme 'ftp:'"],
    ['file:///etc/passwd', "scheme 'file:'"],
    ['ws://host/#fragment', 'fragment'],
    ['ws://host/#', 'fragment'],
    ['ws://host:65536/', 'invalid port "65536"'],
    ['ws://host:99999999/', 'invalid port "99999999"'],
    ['ws://host:8o/', 'invalid port "8o"'],
    ['ws://host:-1/', 'invalid port "-1"'],
    ['ws://us%3Aer:pass@host/', 'colon in its user name'],
    ['ws://us%0Aer:pass@host/', 'control character in its user name'],
    ['ws://user:pa%00ss@host/', 'control character in its password'],
    ['ws://user:%FF@host/', 'percent-encoding in its password'],
    ['ws+unix://host/run/a.sock', 'has a host'],
    ['ws+unix:', 'no socket path'],
  ];
  for (const [url, problem] of bad) {
    it(`refuses ${JSON.stringify(url)}: ${problem}`, () => {
      throws(() => parseUrl(url), 'SyntaxError', 'ERR_INVALID_URL', 'url ', problem);
    });
  }

  it('refuses what is no URL at all', () => {
    for (const value of [undefined, null, 1, {}, ['ws://host/'], Symbol('ws://host/')]) {
      throws(
        () => parseUrl(value),
        'TypeError',
        'ERR_INVALID_ARG_TYPE',
        'url must be a string or a URL',
      );
    }
  });

  it('does not show a password', () => {
    assert.throws(
      () => parseUrl('ws://user:secret@host/#f'),
      (error: Error) => error.message.includes('user') && !error.message.includes('secret'),
    );
  });

  it('makes basic authentication of UTF-8', () => {
    assert.equal(basicAuth('test:123£'), 'Basic dGVzdDoxMjPCow==');
  });
});

describe('headers', () => {
  it('of an object, pairs, a Map, a Headers', () => {
    const expected = ['X-A: 1', 'X-B: 2'];
    assert.deepEqual(checkHeaders({ 'X-A': '1', 'X-B': 2, 'X-C': undefined }).lines, expected);
    assert.deepEqual(
      checkHeaders([
        ['X-A', '1'],
        ['X-B', '2'],
      ]).lines,
      expected,
    );
    assert.deepEqual(
      checkHeaders(
        new Map([
          ['X-A', '1'],
          ['X-B', '2'],
        ]),
      ).lines,
      expected,
    );
    assert.deepEqual(checkHeaders(new Headers({ 'X-A': '1', 'X-B': '2' })).lines, [
      'x-a: 1',
      'x-b: 2',
    ]);
    assert.deepEqual(checkHeaders(undefined).lines, []);
  });

  it('repeat for an array of values, but for Cookie', () => {
    assert.deepEqual(checkHeaders({ 'X-A': ['1', '2'], cookie: ['a=1', 'b=2'] }).lines, [
      'X-A: 1',
      'X-A: 2',
      'cookie: a=1; b=2',
    ]);
  });

  it('lose white space at the ends of values', () => {
    assert.deepEqual(checkHeaders({ 'X-A': ' \ta b\t ' }).lines, ['X-A: a b']);
  });

  it('may set Host, and only once', () => {
    const { host, lines } = checkHeaders({ host: 'other.example:1' });
    assert.equal(host, 'other.example:1');
    assert.deepEqual(lines, []);
    throws(
      () => checkHeaders({ Host: ['a', 'b'] }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'headers.Host',
    );
  });

  it('know about Authorization and Origin', () => {
    const checked = checkHeaders({ AUTHORIZATION: 'x', oriGIN: 'y' });
    assert.ok(checked.hasAuthorization && checked.hasOrigin);
  });

  for (const name of ['', 'a b', 'a:', 'ä', 'a\r\nb', 'a\0', '(a)', 'a/b', '"a"']) {
    it(`refuse the name ${JSON.stringify(name)}`, () => {
      throws(
        () => checkHeaders({ [name]: 'x' }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        'not a header name',
      );
    });
  }

  for (const value of ['a\r\nX-Evil: 1', 'a\nb', 'a\rb', 'a\0b', 'a\x7fb', 'a\u0100']) {
    it(`refuse the value ${JSON.stringify(value)}, without showing it`, () => {
      throws(
        () => checkHeaders({ 'X-A': value }),
        'TypeError',
        'ERR_INVALID_ARG_VALUE',
        'headers.X-A contains',
      );
    });
  }

  for (const name of [
    'Upgrade',
    'connection',
    'Sec-WebSocket-Key',
    'sec-websocket-version',
    'Sec-WebSocket-Accept',
    'Sec-WebSocket-Protocol',
    'Sec-WebSocket-Extensions',
    'Content-Length',
    'Transfer-Encoding',
  ]) {
    it(`refuse ${name}, which the handshake owns`, () => {
      throws(() => checkHeaders({ [name]: 'x' }), 'TypeError', 'ERR_UNSUPPORTED_OPTION', name);
    });
  }

  it('refuse a name given twice in different case', () => {
    throws(
      () => checkHeaders({ 'X-A': '1', 'x-a': '2' }),
      'TypeError',
      'ERR_INVALID_ARG_VALUE',
      'twice',
    );
  });

  it('refuse other types', () => {
    throws(() => checkHeaders('X-A: 1'), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'headers must be');
    throws(() => checkHeaders(['X-A: 1']), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'headers must be');
    throws(() => checkHeaders({ 'X-A': {} }), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'headers.X-A');
    throws(() => checkHeaders({ 'X-A': true }), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'headers.X-A');
  });
});

describe('subprotocols', () => {
  it('one, or several', () => {
    assert.deepEqual(checkProtocols('chat'), ['chat']);
    assert.deepEqual(checkProtocols(['chat', 'superchat']), ['chat', 'superchat']);
    assert.deepEqual(checkProtocols(new Set(['chat'])), ['chat']);
    assert.deepEqual(checkProtocols([]), []);
    assert.deepEqual(checkProtocols(undefined), []);
  });

  for (const protocol of ['', 'a b', 'a,b', 'ä', 'a/b', 'a\n', '"a"', '{}', 'a;b', 'a=b']) {
    it(`refuse ${JSON.stringify(protocol)}`, () => {
      throws(
        () => checkProtocols(protocol),
        'SyntaxError',
        'ERR_INVALID_ARG_VALUE',
        'protocols',
        'RFC 6455',
      );
      throws(
        () => checkProtocols(['ok', protocol]),
        'SyntaxError',
        'ERR_INVALID_ARG_VALUE',
        'protocols',
      );
    });
  }

  it('refuse one given twice', () => {
    throws(
      () => checkProtocols(['a', 'b', 'a']),
      'SyntaxError',
      'ERR_INVALID_ARG_VALUE',
      "'a' is given twice",
    );
  });

  it('refuse other types', () => {
    for (const value of [1, true, {}, [1], ['a', null]]) {
      throws(() => checkProtocols(value), 'TypeError', 'ERR_INVALID_ARG_TYPE', 'protocols must be');
    }
  });
});
