/**
 * Which options there are, and what becomes of those that only ws has. On this library's own face none is ever ignored:
 * an option is honoured, or refused with what to use instead.
 */
import { unknownName, withCode } from '../options/errors';
import { CONNECTION_OPTION_NAMES } from '../options/connection-options';

/** Those that the connection itself takes. */
export const CONNECTION_OPTIONS = CONNECTION_OPTION_NAMES;

/** Those of this class only. */
export const OWN_OPTIONS: readonly string[] = [
  'maxBufferedChunks',
  'followRedirects',
  'maxRedirects',
  'allowSynchronousEvents',
  'protocolVersion',
  'finishRequest',
  'hints',
  'reconnect',
  'signal',
  'baseUrl',
];

/** Those of Node's TLS that the engine's has not: with one of them, Node makes the TLS connection. */
export const NODE_TLS_OPTIONS: readonly string[] = [
  'allowPartialTrustChain',
  'clientCertEngine',
  'crl',
  'ecdhCurve',
  'minDHSize',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'pskCallback',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'session',
  'sigalgs',
];

/** Those that say who makes the stream that the connection goes over. */
export const STREAM_OPTIONS: readonly string[] = [
  'agent',
  'createConnection',
  'blockList',
  ...NODE_TLS_OPTIONS,
];

const KNOWN: ReadonlySet<string> = new Set([
  ...CONNECTION_OPTIONS,
  ...OWN_OPTIONS,
  ...STREAM_OPTIONS,
]);

const IN_URL = 'it is part of the URL';
const BY_TLS =
  'use ca, cert, key, pfx, ciphers, minVersion, maxVersion, ALPNProtocols, fingerprint256';
const BY_ENGINE = 'the engine reads and writes the handshake';

/** Options of ws, of http.request() and of tls.connect() that cannot be honoured, and what to use instead. */
export const REFUSED_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['generateMask', 'masks are drawn by the engine from a cryptographic generator (RFC 6455 §10.3)'],
  [
    'maxPendingAutoPongs',
    'pongs wait among the messages, within sendLimit; use autoPong: false and pong()',
  ],
  ['host', IN_URL],
  ['hostname', IN_URL],
  ['port', IN_URL],
  ['defaultPort', IN_URL],
  ['path', IN_URL],
  ['protocol', IN_URL],
  ['method', 'it is always GET'],
  ['timeout', 'use handshakeTimeout and heartbeat'],
  ['localPort', 'use localAddress'],
  ['setHost', 'the Host header is always sent; headers.Host changes it'],
  ['insecureHTTPParser', BY_ENGINE],
  ['maxHeaderSize', BY_ENGINE],
  ['joinDuplicateHeaders', BY_ENGINE],
  ['uniqueHeaders', BY_ENGINE],
  ['setDefaultHeaders', BY_ENGINE],
  ['noDelay', 'TCP_NODELAY is always set'],
  ['keepAlive', 'use heartbeat'],
  ['keepAliveInitialDelay', 'use heartbeat'],
  [
    'autoSelectFamily',
    'addresses of both families are always raced (RFC 8305); family chooses one',
  ],
  ['autoSelectFamilyAttemptTimeout', 'addresses of both families are always raced (RFC 8305)'],
  ['onread', BY_ENGINE],
  ...[
    'dhparam',
    'enableTrace',
    'honorCipherOrder',
    'requestCert',
    'sessionIdContext',
    'sessionTimeout',
    'ticketKeys',
    'SNICallback',
    'ALPNCallback',
  ].map((name): [string, string] => [name, BY_TLS]),
]);

/** Values of a refused option that ask for what happens anyway. */
const HARMLESS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ['noDelay', true],
  ['autoSelectFamily', true],
  ['setHost', true],
  ['setDefaultHeaders', true],
  ['method', 'GET'],
]);

export function isHarmless(name: string, value: unknown): boolean {
  return HARMLESS.has(name) && HARMLESS.get(name) === value;
}

/** @throws TypeError ERR_UNSUPPORTED_OPTION naming the alternative, or ERR_UNKNOWN_OPTION naming those known. */
export function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (KNOWN.has(name) || value === undefined || value === null) continue;
    const instead = REFUSED_OPTIONS.get(name);
    if (instead === undefined) throw unknownName('option', name, KNOWN);
    if (isHarmless(name, value)) continue;
    throw withCode(
      new TypeError(`the option ${name} is not supported: ${instead}`),
      'ERR_UNSUPPORTED_OPTION',
      { field: `options.${name}` },
    );
  }
}
