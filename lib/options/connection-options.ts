/**
 * The options both faces take, checked at the call and turned into what a connection takes.
 *
 * Every check throws an error that names the field and shows the value (but for secrets).
 */
import { isIP } from 'node:net';
import {
  checkBoolean,
  checkDelay,
  checkFunction,
  checkInteger,
  checkObject,
  checkOneOf,
  checkPath,
  checkString,
} from './checks';
import type { LookupFunction, Target } from '../addon/connection';
import { rangeError, typeError, unknownName, valueError, withCode } from './errors';
import { checkHeaders, checkProtocols, checkValue, type HeadersInput } from './headers';
import type { ConnectOptions } from '../addon/contract';
import { checkProxy, type ProxyInput } from './proxy';
import { addProgramDefaults, replacedServerIdentity } from './tls-defaults';
import {
  checkServername,
  checkTlsOptions,
  nameSetting,
  TLS_OPTION_NAMES,
  type TlsClientOptions,
} from './tls-options';
import type { TlsStore } from '../addon/tls-store';
import { basicAuth, type ParsedUrl } from './url';

/** permessage-deflate (RFC 7692). */
export interface DeflateOptions {
  /** Ask the server to forget its context after each message. Default false. §7.1.1.1. */
  serverNoContextTakeover?: boolean | undefined;
  /** Say that this side forgets its context after each message. Default false. §7.1.1.2. */
  clientNoContextTakeover?: boolean | undefined;
  /** Ask for a window of 2^n bytes on the server's side: 8 to 15. Default: not asked. §7.1.2.1. */
  serverMaxWindowBits?: number | undefined;
  /** A window of 2^n bytes on this side: 8 to 15; true (default): as the server likes; false: not offered. §7.1.2.2. */
  clientMaxWindowBits?: number | boolean | undefined;
  /** Messages shorter than this many bytes are not compressed. 0 to 2^31 - 1; default 1024. */
  threshold?: number | undefined;
  /** Of zlib: -1 (zlib's own, 6) to 9; default 3, which costs a few more bytes and much less work. */
  level?: number | undefined;
  /** Of zlib: 1 to 9; default 8. */
  memLevel?: number | undefined;
}

/** Detection of a dead peer. */
export interface HeartbeatOptions {
  /** A ping is sent after this many ms in which nothing arrived. 1 to 2^31 - 1. */
  interval: number;
  /** Without any answer for this many ms after the ping, the connection closes with 1006. Default: interval. */
  timeout?: number | undefined;
}

/** What a connection can be told. Sizes are bytes, times ms. */
export interface ConnectionOptions extends TlsClientOptions {
  /** Subprotocols to offer (RFC 6455 §1.9). Default: none. */
  protocols?: string | readonly string[] | undefined;
  /** Further header fields of the request. Default: none. */
  headers?: HeadersInput | undefined;
  /** The Origin header. Default: none. */
  origin?: string | undefined;
  /** "user:password" for basic authentication; that of the URL goes first. */
  auth?: string | undefined;
  /** From the beginning to established; 0: no limit. Default 30 000. */
  handshakeTimeout?: number | undefined;
  /** From our Close frame to the end of TCP; 0: no limit. Default 30 000. */
  closeTimeout?: number | undefined;
  /** Offer of compression; true: with its defaults. */
  perMessageDeflate?: boolean | DeflateOptions | undefined;
  /** Largest message accepted, inflated; 0: no limit. Default 100 MiB. Past it: close code 1009. */
  maxPayload?: number | undefined;
  /**
   * Most fragments of a message. 0 (default): fragments are not counted, since what they hold counts for `maxPayload`
   * and keeping many costs no more than keeping one; only 16 384 of a message may be empty. Past it: close code 1008.
   */
  maxFragments?: number | undefined;
  /** Do not check that text, and the reason of a Close frame, is UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
  /** Answer pings. Default true. */
  autoPong?: boolean | undefined;
  /**
   * What may wait to be sent: payload, and of more than 2048 messages 32 bytes each besides; past it send() fails.
   * 1 to 2^53 - 1; default 64 MiB.
   */
  sendLimit?: number | undefined;
  /** Payload waiting from which send() says to wait for the drain signal. 0 to sendLimit; default 1 MiB. */
  highWaterMark?: number | undefined;
  /** Detection of a dead peer; a number is the interval. Default: none. */
  heartbeat?: number | HeartbeatOptions | undefined;
  /** The proxy to go through; 'env': as the environment says. Default: none. */
  proxy?: ProxyInput | undefined;
  /** 4, 6, or 0 for both (default). */
  family?: 0 | 4 | 6 | undefined;
  /** The local address to connect from. Default: the system's choice. */
  localAddress?: string | undefined;
  /** Resolves host names, as `dns.lookup`. Default: the system, without blocking anything. */
  lookup?: LookupFunction | undefined;
  /** Connect to this unix socket instead of the URL's host and port ("@name": Linux's abstract names). */
  socketPath?: string | undefined;
}

/** The defaults that differ from face to face. */
export interface Defaults {
  handshakeTimeout: number;
  closeTimeout: number;
  maxPayload: number;
  maxFragments: number;
  perMessageDeflate: boolean;
  sendLimit: number;
  highWaterMark: number;
  /** Text messages come as bytes. */
  textAsBuffer: boolean;
}

export const DEFAULTS: Readonly<Defaults> = {
  handshakeTimeout: 30_000,
  closeTimeout: 30_000,
  maxPayload: 100 * 1024 * 1024,
  maxFragments: 0,
  perMessageDeflate: false,
  sendLimit: 64 * 1024 * 1024,
  highWaterMark: 1024 * 1024,
  textAsBuffer: false,
};

/** What messages that wait take besides payload, as the engine counts it (Sender::held()). In bytes. */
export function heldBesidePayload(messages: number): number {
  return Math.max(0, messages * 32 - 64 * 1024);
}

export const CONNECTION_OPTION_NAMES: readonly string[] = [
  'protocols',
  'headers',
  'origin',
  'auth',
  'handshakeTimeout',
  'closeTimeout',
  'perMessageDeflate',
  'maxPayload',
  'maxFragments',
  'skipUTF8Validation',
  'autoPong',
  'sendLimit',
  'highWaterMark',
  'heartbeat',
  'proxy',
  'family',
  'localAddress',
  'lookup',
  'socketPath',
  ...TLS_OPTION_NAMES,
];

/** Options of ws, or of Node's request(), that have no meaning here, and what to use instead. */
const REFUSED: Readonly<Record<string, string>> = {
  agent: 'the engine makes its own connections; for a proxy use the option proxy',
  createConnection: 'the engine makes its own connections; for a proxy use the option proxy',
};

/** @throws TypeError ERR_UNSUPPORTED_OPTION for options that cannot be honoured. */
export function refuseUnsupported(input: object): void {
  for (const [name, instead] of Object.entries(REFUSED)) {
    if ((input as Record<string, unknown>)[name] !== undefined) {
      throw withCode(
        new TypeError(`the option ${name} is not supported: ${instead}`),
        'ERR_UNSUPPORTED_OPTION',
        { field: name },
      );
    }
  }
}

/** How options are called by who gave them. */
export interface Naming {
  /** The name of an option in messages. Default: its own. */
  field?: (name: string) => string;
  /** What settings of TLS are called by the user, with their files. */
  described?: ReadonlyMap<string, string>;
}

/**
 * Checks everything and makes what {@link Connection.connect} takes.
 *
 * @throws TypeError, RangeError or SyntaxError naming the field; Error for unusable certificates and keys.
 */
export function makeTarget(
  store: TlsStore,
  url: ParsedUrl,
  input: ConnectionOptions,
  defaults: Readonly<Defaults> = DEFAULTS,
  naming: Naming = {},
): Target {
  refuseUnsupported(input);
  const field = naming.field ?? ((name: string): string => name);
  const headers = requestHeaders(field, url, input);
  const limits = checkLimits(field, input, defaults);
  const options: ConnectOptions = {
    secure: url.secure,
    host: url.host,
    port: url.port,
    path: url.path,
    hostHeader: headers.host,
    family:
      input.family === undefined
        ? 0
        : checkOneOf(field('family'), input.family, [0, 4, 6] as const),
    protocols: checkProtocols(input.protocols, field('protocols')),
    headers: headers.lines,
    ...limits,
    skipUtf8Validation: flag(field, 'skipUTF8Validation', input.skipUTF8Validation, false),
    autoPong: flag(field, 'autoPong', input.autoPong, true),
    textAsBuffer: defaults.textAsBuffer,
  };
  const deflate = checkDeflate(
    field('perMessageDeflate'),
    input.perMessageDeflate ?? defaults.perMessageDeflate,
  );
  if (deflate !== undefined) options.deflate = deflate;
  if (input.heartbeat !== undefined) {
    options.heartbeat = checkHeartbeat(field('heartbeat'), input.heartbeat);
  }
  const target: Target = { id: 0, options };
  addRoute(field, url, input, target);
  addTls(store, field, url, input, naming, target);
  return target;
}

function flag(
  field: (name: string) => string,
  name: string,
  value: unknown,
  fallback: boolean,
): boolean {
  return value === undefined ? fallback : checkBoolean(field(name), value);
}

function requestHeaders(
  field: (name: string) => string,
  url: ParsedUrl,
  input: ConnectionOptions,
): { lines: string[]; host: string } {
  const checked = checkHeaders(input.headers, field('headers'));
  const { lines } = checked;
  if (input.origin !== undefined) {
    if (checked.hasOrigin) {
      throw valueError(
        field('origin'),
        input.origin,
        `is given, and ${field('headers')}.Origin too`,
      );
    }
    lines.push(`Origin: ${checkValue(field('origin'), input.origin)}`);
  }
  let { auth } = url;
  if (input.auth !== undefined && input.auth !== null) {
    const given: unknown = input.auth;
    // Not shown: it is a secret.
    if (typeof given !== 'string') throw typeError(field('auth'), 'a string', typeof given);
    // eslint-disable-next-line no-control-regex
    if (/[\x00-\x1f\x7f]/.test(given)) {
      throw withCode(
        new TypeError(`${field('auth')} contains a control character (RFC 7617 §2)`),
        'ERR_INVALID_ARG_VALUE',
        { field: field('auth') },
      );
    }
    auth ??= given;
  }
  if (auth !== undefined && !checked.hasAuthorization)
    lines.push(`Authorization: ${basicAuth(auth)}`);
  return { lines, host: checked.host ?? url.hostHeader };
}

type Limits = Pick<
  ConnectOptions,
  | 'handshakeTimeout'
  | 'closeTimeout'
  | 'maxPayload'
  | 'maxFragments'
  | 'sendLimit'
  | 'highWaterMark'
>;

function checkLimits(
  field: (name: string) => string,
  input: ConnectionOptions,
  defaults: Readonly<Defaults>,
): Limits {
  const delay = (name: 'handshakeTimeout' | 'closeTimeout'): number =>
    checkDelay(field(name), input[name] ?? defaults[name]);
  const size = (
    name: 'maxPayload' | 'maxFragments' | 'sendLimit' | 'highWaterMark',
    min: number,
  ): number =>
    checkInteger(field(name), input[name] ?? defaults[name], min, Number.MAX_SAFE_INTEGER);
  const sendLimit = size('sendLimit', 1);
  const highWaterMark = size('highWaterMark', 0);
  if (input.highWaterMark !== undefined && highWaterMark > sendLimit) {
    throw rangeError(
      field('highWaterMark'),
      `at most ${field('sendLimit')} (${sendLimit})`,
      highWaterMark,
    );
  }
  return {
    handshakeTimeout: delay('handshakeTimeout'),
    closeTimeout: delay('closeTimeout'),
    maxPayload: size('maxPayload', 0),
    maxFragments: size('maxFragments', 0),
    sendLimit,
    highWaterMark: Math.min(highWaterMark, sendLimit),
  };
}

/** Options of permessage-deflate that are spelled as in ws. */
export const DEFLATE_NAMES_OF_WS = [
  'serverNoContextTakeover',
  'clientNoContextTakeover',
  'serverMaxWindowBits',
  'clientMaxWindowBits',
  'threshold',
] as const;

const DEFLATE_NAMES: ReadonlySet<string> = new Set([...DEFLATE_NAMES_OF_WS, 'level', 'memLevel']);

/** Checks the option `perMessageDeflate`; undefined: no offer. */
export function checkDeflate(field: string, input: unknown): ConnectOptions['deflate'] {
  if (input === false || input === undefined || input === null) return undefined;
  const given = input === true ? {} : checkObject(field, input);
  for (const name of Object.keys(given)) {
    if (!DEFLATE_NAMES.has(name)) throw unknownName(`${field} parameter`, name, DEFLATE_NAMES);
  }
  const options = given as DeflateOptions;
  const bool = (name: 'serverNoContextTakeover' | 'clientNoContextTakeover'): boolean =>
    flag((one) => `${field}.${one}`, name, options[name], false);
  const integer = (
    name: 'threshold' | 'level' | 'memLevel' | 'serverMaxWindowBits',
    fallback: number,
    min: number,
    max: number,
  ): number =>
    options[name] === undefined
      ? fallback
      : checkInteger(`${field}.${name}`, options[name], min, max);
  const { clientMaxWindowBits: client = true } = options;
  return {
    serverNoContextTakeover: bool('serverNoContextTakeover'),
    clientNoContextTakeover: bool('clientNoContextTakeover'),
    serverMaxWindowBits: integer('serverMaxWindowBits', 0, 8, 15),
    clientMaxWindowBits:
      typeof client === 'boolean'
        ? Number(client)
        : checkInteger(`${field}.clientMaxWindowBits`, client, 8, 15),
    threshold: integer('threshold', 1024, 0, 0x7fffffff),
    level: integer('level', 3, -1, 9),
    memLevel: integer('memLevel', 8, 1, 9),
  };
}

/** Checks the option `heartbeat`. */
export function checkHeartbeat(
  field: string,
  input: unknown,
): { interval: number; timeout: number } {
  if (typeof input === 'number') {
    const interval = checkDelay(field, input, 1);
    return { interval, timeout: interval };
  }
  const given = checkObject(field, input);
  for (const name of Object.keys(given)) {
    if (name !== 'interval' && name !== 'timeout') {
      throw unknownName(`${field} parameter`, name, ['interval', 'timeout']);
    }
  }
  const interval = checkDelay(`${field}.interval`, given['interval'], 1);
  const { timeout = interval } = given;
  return { interval, timeout: checkDelay(`${field}.timeout`, timeout, 1) };
}

/** How the server is reached: socket, proxy, addresses. */
function addRoute(
  field: (name: string) => string,
  url: ParsedUrl,
  input: ConnectionOptions,
  target: Target,
): void {
  const { options } = target;
  let { socketPath } = url;
  if (input.socketPath !== undefined) {
    socketPath = checkString(field('socketPath'), input.socketPath);
    // A leading NUL is the system's own notation of an abstract name.
    checkPath(field('socketPath'), socketPath.replace(/^\0/, '@'));
  }
  if (socketPath !== undefined) options.socketPath = socketPath;

  const proxy = checkProxy(field('proxy'), input.proxy, {
    ...url,
    ...(socketPath && { socketPath }),
  });
  if (proxy !== undefined) {
    if (socketPath !== undefined) {
      throw withCode(
        new TypeError(`${field('proxy')} cannot be used together with a unix socket`),
        'ERR_INVALID_ARG_VALUE',
        { field: field('proxy') },
      );
    }
    options.proxy = proxy;
  }
  if (input.localAddress !== undefined) {
    const address = checkString(field('localAddress'), input.localAddress);
    if (!isIP(address)) throw valueError(field('localAddress'), address, 'is not an IP address');
    options.localAddress = address;
  }
  if (input.lookup !== undefined) {
    target.lookup = checkFunction(field('lookup'), input.lookup);
  }
}

function addTls(
  store: TlsStore,
  field: (name: string) => string,
  url: ParsedUrl,
  input: ConnectionOptions,
  naming: Naming,
  target: Target,
): void {
  // Checked for ws: URLs as well: a redirect may need them, and a mistake should show at once.
  const settings = checkTlsOptions(input, field);
  const servername =
    input.servername === undefined
      ? undefined
      : checkServername(field('servername'), input.servername);
  const { ca, cert, key, pfx } = settings;
  if (!url.secure && (ca ?? cert ?? key ?? pfx) === undefined) return;
  const checkIdentity = input.checkServerIdentity ?? replacedServerIdentity();
  settings.checkHost = checkIdentity === undefined;
  const added = url.secure ? addProgramDefaults(settings, input) : [];
  try {
    const config = store.acquire(settings);
    if (!url.secure) return;
    target.tls = config;
  } catch (error) {
    throw nameSetting(error, new Map([...(naming.described ?? []), ...added]));
  }
  if (servername !== undefined) target.options.servername = servername;
  if (checkIdentity !== undefined) {
    target.options.verifyInJs = true;
    target.checkServerIdentity = checkIdentity;
  }
}
