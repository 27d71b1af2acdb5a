/** Every option of ws is honoured or refused, none ignored; wrong values are errors at the call. */
import { strict as assert } from 'node:assert';
import { Agent as HttpsAgent } from 'node:https';
import { track } from './support/sockets';
import { REFUSED_OPTIONS } from '../../lib/client/option-names';
import { type ClientOptions, StandardWebSocket, WebSocket } from '../../lib';

/** Takes the options; the socket is given up at once. */
function accept(options: object): void {
  const socket = track(new WebSocket('ws://127.0.0.1:9', options as ClientOptions));
  socket.on('error', () => undefined);
  socket.terminate();
}

describe('WebSocket: options', () => {
  it('agent and createConnection must be what Node takes', () => {
    assert.throws(() => accept({ agent: {} }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => accept({ createConnection: {} }), { code: 'ERR_INVALID_ARG_TYPE' });
    assert.throws(() => accept({ agent: new HttpsAgent() }), {
      name: 'TypeError',
      code: 'ERR_INVALID_PROTOCOL',
      message: 'Protocol "http:" not supported. Expected "https:"',
    });
  });

  it('what only the engine has does not go with a stream of somebody else’s', () => {
    const createConnection = (): undefined => undefined;
    for (const other of [{ proxy: 'http://127.0.0.1:1' }, { fingerprint256: 'AB'.repeat(32) }]) {
      assert.throws(() => accept({ createConnection, ...other }), {
        code: 'ERR_UNSUPPORTED_OPTION',
        message: / cannot be used together with createConnection$/,
      });
    }
  });

  it('every option that cannot be honoured is refused with what to use instead', () => {
    for (const [name, instead] of REFUSED_OPTIONS) {
      assert.throws(
        () => accept({ [name]: 'something' }),
        (error) => {
          assert.ok(error instanceof TypeError, name);
          assert.equal((error as NodeJS.ErrnoException).code, 'ERR_UNSUPPORTED_OPTION', name);
          assert.ok(error.message.includes(name) && error.message.includes(instead), name);
          return true;
        },
      );
    }
  });

  it('undefined and null are as good as absent; so is what happens anyway', () => {
    accept({ agent: undefined, createConnection: null, host: undefined });
    accept({ agent: false, noDelay: true, autoSelectFamily: true, setHost: true, method: 'GET' });
  });

  it('an unknown option is refused, with a list of those known', () => {
    assert.throws(() => accept({ maxPayLoad: 1 }), {
      code: 'ERR_UNKNOWN_OPTION',
      message: /maxPayLoad.*maxPayload/,
    });
  });

  it('every option that ws’s own types know is known here', () => {
    const ofWs = [
      'protocol',
      'followRedirects',
      'generateMask',
      'handshakeTimeout',
      'maxRedirects',
      'perMessageDeflate',
      'localAddress',
      'protocolVersion',
      'headers',
      'origin',
      'agent',
      'host',
      'family',
      'checkServerIdentity',
      'rejectUnauthorized',
      'allowSynchronousEvents',
      'autoPong',
      'maxPayload',
      'maxBufferedChunks',
      'maxFragments',
      'skipUTF8Validation',
      'createConnection',
      'finishRequest',
      'closeTimeout',
      'maxPendingAutoPongs',
      'protocols',
      'auth',
      'lookup',
      'socketPath',
      'signal',
      'timeout',
      'ca',
      'cert',
      'key',
      'passphrase',
      'pfx',
      'ciphers',
      'minVersion',
      'maxVersion',
      'servername',
      'ALPNProtocols',
      'secureContext',
      'secureProtocol',
      'ecdhCurve',
      'sigalgs',
      'dhparam',
      'crl',
      'honorCipherOrder',
      'secureOptions',
      'sessionIdContext',
      'ticketKeys',
      'sessionTimeout',
      'clientCertEngine',
      'privateKeyEngine',
      'privateKeyIdentifier',
      'allowPartialTrustChain',
      'session',
      'hostname',
      'port',
      'path',
      'method',
      'defaultPort',
      'localPort',
      'setHost',
      'hints',
    ];
    for (const name of ofWs) {
      try {
        accept({ [name]: Symbol('no value of any option') });
      } catch (error) {
        assert.notEqual((error as NodeJS.ErrnoException).code, 'ERR_UNKNOWN_OPTION', name);
      }
    }
  });

  const good: object[] = [
    { maxBufferedChunks: 0 },
    { maxBufferedChunks: 262_144 },
    { maxFragments: 0 },
    { maxPayload: 0 },
    { handshakeTimeout: 0 },
    { closeTimeout: 1 },
    { protocolVersion: 13 },
    { skipUTF8Validation: true },
    { auth: null },
    { family: 6 },
    {
      perMessageDeflate: {
        zlibDeflateOptions: { chunkSize: 1024, memLevel: 7, level: 3 },
        concurrencyLimit: 10,
      },
    },
  ];
  for (const options of good) it(`accepts ${JSON.stringify(options)}`, () => accept(options));

  const bad: [object, string, RegExp][] = [
    [{ protocolVersion: 7 }, 'RangeError', /protocolVersion.*8 or 13.*7/],
    [{ maxPayload: -1 }, 'RangeError', /maxPayload.*-1/],
    [{ maxPayload: '1' }, 'TypeError', /maxPayload/],
    [{ maxFragments: 1.5 }, 'RangeError', /maxFragments/],
    [{ maxBufferedChunks: -1 }, 'RangeError', /maxBufferedChunks/],
    [{ maxRedirects: -1 }, 'RangeError', /maxRedirects/],
    [{ handshakeTimeout: -1 }, 'RangeError', /handshakeTimeout/],
    [{ handshakeTimeout: 2 ** 31 }, 'RangeError', /handshakeTimeout/],
    [{ closeTimeout: 'soon' }, 'TypeError', /closeTimeout/],
    [{ followRedirects: 'yes' }, 'TypeError', /followRedirects/],
    [{ autoPong: 1 }, 'TypeError', /autoPong/],
    [{ skipUTF8Validation: 1 }, 'TypeError', /skipUTF8Validation/],
    [{ allowSynchronousEvents: 0 }, 'TypeError', /allowSynchronousEvents/],
    [{ family: 5 }, 'TypeError', /family/],
    [{ localAddress: 'here' }, 'TypeError', /localAddress/],
    [{ lookup: 'dns' }, 'TypeError', /lookup/],
    [{ hints: 1 }, 'TypeError', /hints/],
    [{ finishRequest: true }, 'TypeError', /finishRequest/],
    [{ origin: 'a\r\nb' }, 'TypeError', /origin/],
    [{ headers: { 'a b': 'c' } }, 'TypeError', /headers/],
    [{ headers: { a: 'b\nc' } }, 'TypeError', /headers/],
    [{ headers: { 'Sec-WebSocket-Protocol': 'a' } }, 'TypeError', /protocols/],
    [{ perMessageDeflate: { threshold: -1 } }, 'RangeError', /threshold/],
    [{ perMessageDeflate: { serverMaxWindowBits: 7 } }, 'RangeError', /serverMaxWindowBits/],
    [{ perMessageDeflate: { clientMaxWindowBits: 16 } }, 'RangeError', /clientMaxWindowBits/],
    [{ perMessageDeflate: { concurrencyLimit: 0 } }, 'RangeError', /concurrencyLimit/],
    [{ perMessageDeflate: { zlibDeflateOptions: { level: 10 } } }, 'RangeError', /level/],
    [
      { perMessageDeflate: { zlibDeflateOptions: { dictionary: Buffer.alloc(1) } } },
      'TypeError',
      /dictionary/,
    ],
    [{ perMessageDeflate: { zlibInflateOptions: { windowBits: 9 } } }, 'TypeError', /windowBits/],
    [{ perMessageDeflate: { unknown: 1 } }, 'TypeError', /unknown/],
    [{ perMessageDeflate: 7 }, 'TypeError', /perMessageDeflate/],
    [{ sendLimit: 0 }, 'RangeError', /sendLimit/],
    [{ highWaterMark: 2, sendLimit: 1 }, 'RangeError', /highWaterMark/],
    [{ proxy: 'ftp://x' }, 'SyntaxError', /proxy/],
    [{ proxy: 7 }, 'TypeError', /proxy/],
    [{ proxy: 'http://x', socketPath: '/x' }, 'TypeError', /proxy/],
    [{ socketPath: '' }, 'TypeError', /socketPath/],
  ];
  for (const [options, name, message] of bad) {
    it(`refuses ${JSON.stringify(options)}`, () =>
      assert.throws(() => accept(options), { name, message }));
  }

  it('refuses what are no options', () => {
    assert.throws(() => new WebSocket('ws://x', [], 7 as unknown as ClientOptions), TypeError);
    assert.throws(() => new WebSocket(7 as unknown as string), TypeError);
    assert.throws(() => new StandardWebSocket(null as unknown as string), { name: 'SyntaxError' });
  });

  it("takes null for a server's socket, as ws does", () => {
    const socket = new WebSocket(null);
    assert.equal(socket.readyState, WebSocket.CONNECTING);
    assert.equal(socket.url, '');
    assert.throws(() => socket.send('x'), { code: 'ERR_NOT_OPEN' });
  });

  for (const url of ['', 'x', 'ftp://x', 'ws://x/#f', 'ws+unix:', 'ws://x:99999']) {
    it(`refuses the URL ${JSON.stringify(url)}`, () => {
      assert.throws(() => new WebSocket(url), { name: 'SyntaxError' });
    });
  }
});
