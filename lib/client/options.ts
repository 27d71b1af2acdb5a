/** From what a user gives a WebSocket to what a connection takes: ws's own options, and the rest to `../options`. */
import { checkBoolean, checkFunction, checkInteger, checkObject } from '../options/checks';
import type { LookupFunction, Target } from '../addon/connection';
import { rangeError, typeError, unknownName, valueError } from '../options/errors';
import { checkProtocols, type HeadersInput } from '../options/headers';
import {
  DEFAULTS,
  makeTarget,
  type ConnectionOptions,
  type Defaults,
  type DeflateOptions,
} from '../options/connection-options';
import { TLS_OPTION_NAMES } from '../options/tls-options';
import type { ConnectOptions } from '../addon/contract';
import type { TlsStore } from '../addon/tls-store';
import { basicAuth, parseUrl, type ParsedUrl } from '../options/url';
import { checkNames, CONNECTION_OPTIONS } from './option-names';
import { reconnectPolicy, type ReconnectPolicy } from './reconnect';
import { routeOf, type StreamSource } from './route';
import type { PerMessageDeflateOptions } from '../session/types';
import type { GivenOptions as ClientOptions } from './types';

type HeaderPairs = (readonly [name: string, value: string | string[]])[];

/** What makes one request. A redirect changes it. */
export interface Request {
  url: ParsedUrl;
  /** The `url` property: with credentials, as the standard and ws have it. */
  href: string;
  options: ConnectionOptions;
}

/** Checked options, but for what makeTarget() checks. */
export interface Settings {
  first: Request;
  defaults: Defaults;
  followRedirects: boolean;
  maxRedirects: number;
  allowSynchronousEvents: boolean;
  finishRequest: ClientOptions['finishRequest'];
  reconnect: ReconnectPolicy | undefined;
  signal: AbortSignal | undefined;
  /** Who makes the stream, if the engine does not always. */
  source: StreamSource | undefined;
  /** Of those with a source: what the user gave, for Node. */
  given: object;
  /** Parameters of permessage-deflate that the server must not use. */
  refusedParameters: readonly string[];
  /** Whether sockets asked for in the same words get these, too. */
  shared: boolean;
  /** What a connection takes for `first`, if that is always the same. Made by {@link targetOf}. */
  target?: Target;
}

const NO_NAMES: readonly string[] = [];
const TLS_NAMES: ReadonlySet<string> = new Set(TLS_OPTION_NAMES);

/** ws's defaults where they differ from those of the documented functions, and a limit nearly out of reach. */
const WS_DEFAULTS: Omit<Defaults, 'textAsBuffer'> = {
  ...DEFAULTS,
  perMessageDeflate: true,
  sendLimit: 1024 * 1024 * 1024,
};

const BYTES_DEFAULTS: Defaults = { ...WS_DEFAULTS, textAsBuffer: true };
const TEXT_DEFAULTS: Defaults = { ...WS_DEFAULTS, textAsBuffer: false };

function defaultsFor(highWaterMark: number | undefined, textAsBuffer: boolean): Defaults {
  const defaults = textAsBuffer ? BYTES_DEFAULTS : TEXT_DEFAULTS;
  // What is no number is refused elsewhere.
  const more = typeof highWaterMark === 'number' && highWaterMark > defaults.sendLimit;
  return more ? { ...defaults, sendLimit: highWaterMark } : defaults;
}

function known(field: string, value: object, names: readonly string[]): void {
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined && !names.includes(name)) {
      throw unknownName(`option of ${field}`, name, names);
    }
  }
}

/** ws's `perMessageDeflate` in the terms of ours. */
export function deflateOptions(given: unknown): {
  offer: boolean | DeflateOptions;
  refused: readonly string[];
} {
  const field = 'options.perMessageDeflate';
  if (given === false || given === null) return { offer: false, refused: NO_NAMES };
  const options = (
    given === true || given === undefined ? {} : checkObject(field, given)
  ) as PerMessageDeflateOptions;
  const { zlibDeflateOptions, zlibInflateOptions, concurrencyLimit, ...offer } = options;
  if (concurrencyLimit !== undefined) {
    checkInteger(`${field}.concurrencyLimit`, concurrencyLimit, 1, Number.MAX_SAFE_INTEGER);
  }
  if (zlibInflateOptions !== undefined) {
    const name = `${field}.zlibInflateOptions`;
    known(name, checkObject(name, zlibInflateOptions), ['chunkSize']);
  }
  const result: DeflateOptions = { ...offer };
  if (zlibDeflateOptions !== undefined) {
    const name = `${field}.zlibDeflateOptions`;
    known(name, checkObject(name, zlibDeflateOptions), ['level', 'memLevel', 'chunkSize']);
    if (zlibDeflateOptions.level !== undefined) result.level = zlibDeflateOptions.level;
    if (zlibDeflateOptions.memLevel !== undefined) result.memLevel = zlibDeflateOptions.memLevel;
  }
  if (offer.clientNoContextTakeover !== false && offer.clientMaxWindowBits !== false) {
    return { offer: result, refused: NO_NAMES };
  }
  const refused: string[] = [];
  if (offer.clientNoContextTakeover === false) refused.push('client_no_context_takeover');
  if (offer.clientMaxWindowBits === false) refused.push('client_max_window_bits');
  return { offer: result, refused };
}

function checkSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal === null) return undefined;
  if (typeof signal !== 'object' || typeof (signal as AbortSignal).aborted !== 'boolean') {
    throw typeError('options.signal', 'an AbortSignal', signal);
  }
  return signal as AbortSignal;
}

/** The `url` property: normalised, `ws` or `wss`. */
function hrefOf(address: string | URL, base: string | undefined): string {
  const url = new URL(String(address), base);
  // The setter of `protocol` goes from one special scheme to another.
  if (url.protocol === 'http:') url.protocol = 'ws:';
  if (url.protocol === 'https:') url.protocol = 'wss:';
  return url.href;
}

function checkLookup(options: ClientOptions): LookupFunction | undefined {
  const { lookup, hints } = options;
  if (hints !== undefined) checkInteger('options.hints', hints, 0, 2 ** 31 - 1);
  if (lookup === undefined || lookup === null) {
    if (hints) throw valueError('options.hints', hints, 'needs the option lookup');
    return undefined;
  }
  const given = checkFunction('options.lookup', lookup) as unknown as LookupFunction;
  if (!hints) return given;
  return (hostname, details, callback) => given(hostname, { ...details, hints }, callback);
}

/** What a user gave as headers, as pairs; makeTarget() checks them. */
function pairsOf(headers: HeadersInput | object | undefined | null): HeaderPairs {
  if (headers === undefined || headers === null) return [];
  const pairs =
    Symbol.iterator in headers ? [...(headers as Iterable<unknown>)] : Object.entries(headers);
  return (pairs as HeaderPairs).filter((pair) => pair[1] !== undefined);
}

/** Only those of the options that makeTarget() knows, in its terms. */
function connectionOptions(
  options: ClientOptions,
  offer: boolean | DeflateOptions,
): ConnectionOptions {
  const picked: Record<string, unknown> = {};
  for (const name of CONNECTION_OPTIONS) {
    const value = (options as Record<string, unknown>)[name];
    if (value !== undefined && value !== null) picked[name] = value;
  }
  picked['perMessageDeflate'] = offer;
  const lookup = checkLookup(options);
  if (lookup) picked['lookup'] = lookup;
  if (options.headers && options.origin) {
    // As ws: the option goes before the header.
    picked['headers'] = pairsOf(options.headers).filter(([name]) => !/^origin$/i.test(name));
  }
  return picked as ConnectionOptions;
}

/** What settingsOf() was asked last, and its answer. */
interface Answer {
  address: string;
  protocols: string | undefined;
  options: ClientOptions;
  textAsBuffer: boolean;
  base: string | undefined;
  settings: Settings;
}

let last: Answer | undefined;

/** Objects may have changed since they were looked at; nothing else can. */
function canChange(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function sameOptions(one: ClientOptions, other: ClientOptions): boolean {
  const names = Object.keys(one) as (keyof ClientOptions)[];
  return (
    names.length === Object.keys(other).length &&
    names.every((name) => one[name] === other[name] && Object.hasOwn(other, name))
  );
}

/**
 * Checks everything and puts it together. A program that opens thousands of sockets opens them alike: those that are
 * asked for in the same words share their settings, which nobody changes (but for `target`, which follows from them).
 *
 * @param protocols the constructor's argument; undefined: those of the options.
 * @param textAsBuffer how text messages shall arrive.
 * @param given the options as they were before a face took out what has no effect; an agent may look at them.
 * @throws TypeError, RangeError or SyntaxError naming the option and its value.
 */
export function settingsOf(
  address: string | URL,
  protocols: unknown,
  options: ClientOptions,
  textAsBuffer: boolean,
  base: string | undefined,
  given: object = options,
): Settings {
  if (
    last !== undefined &&
    last.address === address &&
    last.protocols === protocols &&
    last.textAsBuffer === textAsBuffer &&
    last.base === base &&
    sameOptions(last.options, options)
  ) {
    return last.settings;
  }
  const settings = readSettings(address, protocols, options, textAsBuffer, base, given);
  if (
    typeof address === 'string' &&
    (protocols === undefined || typeof protocols === 'string') &&
    !Object.values(options).some(canChange)
  ) {
    settings.shared = true;
    last = { address, protocols, options: { ...options }, textAsBuffer, base, settings };
  }
  return settings;
}

function readSettings(
  address: string | URL,
  protocols: unknown,
  asked: ClientOptions,
  textAsBuffer: boolean,
  base: string | undefined,
  given: object,
): Settings {
  checkNames(asked);
  const { protocolVersion = 13 } = asked;
  if (protocolVersion !== 13 && protocolVersion !== 8) {
    throw rangeError('options.protocolVersion', '8 or 13', protocolVersion);
  }
  const url = parseUrl(address, 'url', base);
  const { options, source } = routeOf(asked, url.secure);
  const { finishRequest, maxBufferedChunks, maxRedirects = 10 } = options;
  if (finishRequest) checkFunction('options.finishRequest', finishRequest);
  if (maxBufferedChunks !== undefined) {
    checkInteger('options.maxBufferedChunks', maxBufferedChunks, 0, Number.MAX_SAFE_INTEGER);
  }
  const { offer, refused } = deflateOptions(options.perMessageDeflate);
  const connection = connectionOptions(options, offer);
  if (protocols !== undefined) connection.protocols = protocols as readonly string[];
  // Before anything that could have an effect, and for the standard face, which throws its own kind of it.
  connection.protocols = checkProtocols(connection.protocols);
  const flag = (name: 'followRedirects' | 'allowSynchronousEvents', fallback: boolean): boolean =>
    options[name] === undefined ? fallback : checkBoolean(`options.${name}`, options[name]);
  return {
    first: { url, href: hrefOf(address, base), options: connection },
    defaults: defaultsFor(options.highWaterMark, textAsBuffer),
    followRedirects: flag('followRedirects', false),
    maxRedirects: checkInteger('options.maxRedirects', maxRedirects, 0, Number.MAX_SAFE_INTEGER),
    allowSynchronousEvents: flag('allowSynchronousEvents', true),
    finishRequest: finishRequest ?? undefined,
    reconnect: reconnectPolicy(options.reconnect),
    signal: checkSignal(options.signal),
    source,
    given,
    refusedParameters: refused,
    shared: false,
  };
}

/** How many targets were made to be used again. */
let targets = 0;

/** Whether what a connection takes will always be the same: no object takes part, no file, no environment variable. */
function isConstant(settings: Settings, request: Request): boolean {
  const { url, options } = request;
  return (
    settings.shared &&
    request === settings.first &&
    settings.finishRequest === undefined &&
    !url.secure &&
    options.proxy === undefined
  );
}

/** Named pipes of Windows' are no sockets: Node opens them. */
const PIPE: StreamSource = { secureOnly: false };

/** Who makes the stream for a request; undefined: the engine does. */
export function sourceOf(
  { source }: Settings,
  { url, options }: Request,
): StreamSource | undefined {
  if (source !== undefined && (!source.secureOnly || url.secure)) return source;
  const isPath = (url.socketPath ?? options.socketPath) !== undefined;
  return isPath && process.platform === 'win32' ? PIPE : undefined;
}

/** What a connection over a stream takes for a request: all but TLS, and ways that only the engine knows. */
export function optionsOverStream(
  settings: Settings,
  { url, options }: Request,
  store: TlsStore,
): ConnectOptions {
  const rest = Object.entries(options).filter(([name]) => !TLS_NAMES.has(name));
  const plain = { url: { ...url, secure: false }, options: Object.fromEntries(rest), href: '' };
  return newTarget(settings, plain, store).options;
}

/** What a connection takes for a request. */
export function targetOf(settings: Settings, request: Request, store: TlsStore): Target {
  if (!isConstant(settings, request)) return newTarget(settings, request, store);
  if (settings.target === undefined) {
    settings.target = newTarget(settings, request, store);
    settings.target.id = ++targets;
  }
  return settings.target;
}

function newTarget(settings: Settings, request: Request, store: TlsStore): Target {
  const target = makeTarget(store, request.url, request.options, settings.defaults, {
    field: (name) => (name === 'protocols' ? name : `options.${name}`),
  });
  // WHATWG WebSockets §4.1, and ws.
  target.options.requireProtocol = true;
  return target;
}

/**
 * The request that a redirect asks for. Credentials do not follow to another host, nor from wss to ws, unless the
 * user watches (`keep`: there are listeners for 'redirect'), as ws has it.
 *
 * @throws SyntaxError if the location is no URL that can be connected to.
 */
export function redirected(
  from: Request,
  first: Request,
  location: string,
  keep: boolean,
): Request {
  const url = parseUrl(location, 'Location', from.href);
  const sameHost =
    url.socketPath === first.url.socketPath && url.hostHeader === first.url.hostHeader;
  const drop = !keep && (!sameHost || (first.url.secure && !url.secure));
  let headers = pairsOf(from.options.headers as object);
  // The first credentials go before those of the URLs that follow.
  const credentials = from.url.auth ?? from.options.auth ?? url.auth;
  if (drop) {
    headers = headers.filter(([name]) => !/^(authorization|cookie)$/i.test(name));
    if (!sameHost) headers = headers.filter(([name]) => !/^host$/i.test(name));
  } else if (credentials && !headers.some(([name]) => /^authorization$/i.test(name))) {
    headers.push(['Authorization', basicAuth(credentials)]);
  }
  const { auth: _, ...bare } = url;
  const { auth: __, ...options } = from.options;
  return {
    url: bare,
    href: hrefOf(location, from.href),
    options: { ...options, headers: headers as unknown as HeadersInput },
  };
}

/** What of a request the words for its failure depend on. */
export function offerOf({ url, options }: Request): {
  url: string;
  host: string;
  protocols: boolean;
  extensions: boolean;
} {
  return {
    url: url.href,
    host: url.host,
    protocols: options.protocols !== undefined && options.protocols.length > 0,
    extensions: options.perMessageDeflate !== false,
  };
}
