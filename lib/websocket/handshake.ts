/**
 * The HTTP side of the opening handshake as ws's events show it: a request that listeners can look at and, before
 * it is sent, change; and a response that is a real `IncomingMessage`. Made only for those who look.
 */
import { IncomingMessage, OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { ConnectionFailure, Established } from '../native';
import type { ParsedUrl } from '../url';

/** Headers that make up the handshake itself; the engine writes them, whatever is set. */
const OWN_HEADERS = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
]);

export interface RequestInit {
  path: string;
  host: string;
  /** 'http:' or 'https:'. */
  protocol: string;
  /** Names as they will be written, in order. */
  headers: readonly (readonly [name: string, value: string])[];
  /** Called by end(). */
  end: () => void;
  /** Called by abort() and destroy(). */
  abort: (error?: Error) => void;
}

/**
 * The request of the opening handshake, as far as it can be seen and changed from here: `getHeader`, `setHeader`,
 * `removeHeader` and their kin of `http.OutgoingMessage`; `path`, `host`, `protocol`, `method`; `abort()`.
 */
export class HandshakeRequest extends OutgoingMessage {
  readonly method = 'GET';
  readonly path: string;
  readonly host: string;
  readonly protocol: string;
  /** Whether abort() or destroy() was called. */
  aborted = false;
  readonly #end: () => void;
  readonly #abort: (error?: Error) => void;

  constructor(init: RequestInit) {
    super();
    this.path = init.path;
    this.host = init.host;
    this.protocol = init.protocol;
    this.#end = init.end;
    this.#abort = init.abort;
    for (const [name, value] of init.headers) this.setHeader(name, value);
  }

  /** The headers to send, as lines, without those that the engine writes. */
  lines(): string[] {
    const lines: string[] = [];
    // As they were set; the types of Node 20 know it of ClientRequest only.
    const names = (this as unknown as { getRawHeaderNames(): string[] }).getRawHeaderNames();
    for (const name of names) {
      const value = this.getHeader(name);
      if (value === undefined || OWN_HEADERS.has(name.toLowerCase())) continue;
      for (const one of Array.isArray(value) ? value : [value]) lines.push(`${name}: ${one}`);
    }
    return lines;
  }

  /** Sends the request. It has no body. */
  override end(): this {
    this.#end();
    return this;
  }

  /** Gives up. */
  abort(): void {
    this.destroy();
  }

  override destroy(error?: Error): this {
    if (this.aborted) return this;
    this.aborted = true;
    this.#abort(error);
    return this;
  }
}

/** The request to a URL with these header lines. */
export function requestOf(
  url: ParsedUrl,
  lines: readonly string[],
  hostHeader: string,
  end: () => void,
  abort: (error?: Error) => void,
): HandshakeRequest {
  return new HandshakeRequest({
    path: url.path,
    host: url.host,
    protocol: url.secure ? 'https:' : 'http:',
    headers: [['Host', hostHeader], ...parseHeaderLines(lines.join('\r\n'))],
    end,
    abort,
  });
}

/** Of one name several lines may come; all but these are joined by ", " (the rules of Node's own parser). */
const FIRST_ONLY = new Set([
  'age',
  'authorization',
  'content-length',
  'content-type',
  'etag',
  'expires',
  'from',
  'host',
  'if-modified-since',
  'if-unmodified-since',
  'last-modified',
  'location',
  'max-forwards',
  'proxy-authorization',
  'referer',
  'retry-after',
  'server',
  'user-agent',
]);

/** Splits raw header lines; a line that begins with white space goes on the one before (RFC 9112 §5.2). */
export function parseHeaderLines(text: string): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  for (const line of text.split(/\r?\n/)) {
    const last = pairs[pairs.length - 1];
    if (/^[ \t]/.test(line) && last) {
      last[1] = `${last[1]} ${line.trim()}`;
      continue;
    }
    const colon = line.indexOf(':');
    if (colon > 0) pairs.push([line.slice(0, colon).trim(), line.slice(colon + 1).trim()]);
  }
  return pairs;
}

/** What came back, with the address it came from. */
export interface ResponseInit {
  status: number;
  statusText: string;
  /** Raw header lines. */
  headers: string;
  /** What arrived of the body. */
  body?: Buffer | undefined;
  /** Whether that is all of it. Default true. */
  bodyComplete?: boolean | undefined;
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

/** The server's response to the opening handshake. Its `socket` has addresses and nothing to read. */
export class HandshakeResponse extends IncomingMessage {
  constructor(init: ResponseInit) {
    super(detachedSocket(init));
    this.statusCode = init.status;
    this.statusMessage = init.statusText;
    this.httpVersion = '1.1';
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
    const pairs = parseHeaderLines(init.headers);
    for (const pair of pairs) this.rawHeaders.push(...pair);
    this.headers = headersOf(pairs);
    this.headersDistinct = distinctOf(pairs);
    if (init.body && init.body.length > 0) this.push(init.body);
    this.complete = init.bodyComplete ?? true;
    this.push(null);
  }

  override _read(): void {
    // Everything was pushed by the constructor.
  }
}

/** As Node's parser joins them; the names are the server's, and may be those of Object.prototype. */
function headersOf(pairs: readonly [name: string, value: string][]): IncomingMessage['headers'] {
  const headers = new Map<string, string | string[]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = headers.get(key);
    if (key === 'set-cookie')
      headers.set(key, [...((before as string[] | undefined) ?? []), value]);
    else if (before === undefined) headers.set(key, value);
    else if (key === 'cookie') headers.set(key, `${before as string}; ${value}`);
    else if (!FIRST_ONLY.has(key)) headers.set(key, `${before as string}, ${value}`);
  }
  return Object.fromEntries(headers);
}

function distinctOf(pairs: readonly [name: string, value: string][]): NodeJS.Dict<string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    values.set(key, [...(values.get(key) ?? []), value]);
  }
  return Object.fromEntries(values);
}

/** A socket that was never connected, which says where the real one is. */
function detachedSocket(init: ResponseInit): Socket {
  const socket = new Socket();
  for (const name of ['remoteAddress', 'remotePort', 'localAddress', 'localPort'] as const) {
    Object.defineProperty(socket, name, {
      value: init[name],
      configurable: true,
      enumerable: true,
    });
  }
  return socket;
}

/** The response that made a connection, or refused it. */
export function responseOf(from: ConnectionFailure | Established): HandshakeResponse {
  const { status = 0, statusText = '', headers = '' } = from;
  const body = 'body' in from ? from.body : undefined;
  const established = 'remoteAddress' in from ? from : undefined;
  return new HandshakeResponse({
    status,
    statusText,
    headers,
    body,
    bodyComplete: 'bodyComplete' in from ? from.bodyComplete : undefined,
    remoteAddress: established?.remoteAddress ?? (from as ConnectionFailure).address,
    remotePort: established?.remotePort ?? (from as ConnectionFailure).port,
    localAddress: established?.localAddress,
    localPort: established?.localPort,
  });
}

/** Whether Node makes an upgrade of a response, and ws emits `upgrade`, before anything else is looked at. */
export function isUpgrade({ status, headers = '' }: ConnectionFailure): boolean {
  if (status !== 101) return false;
  const pairs = parseHeaderLines(headers).map(([name, value]) => [name.toLowerCase(), value]);
  const upgrades = ([name, value]: string[]): boolean =>
    name === 'connection' && /(^|,)\s*upgrade\s*(,|$)/i.test(value as string);
  return pairs.some(([name]) => name === 'upgrade') && pairs.some(upgrades);
}

/** Where a response leads to: as ws, any of 3xx that has a Location. */
export function locationOf({ status = 0, headers = '' }: ConnectionFailure): string | undefined {
  if (status < 300 || status > 399) return undefined;
  return parseHeaderLines(headers).find(([name, value]) => /^location$/i.test(name) && value)?.[1];
}

/** What to say of extensions in force if they have one of these parameters, which the user has ruled out. */
export function refusedParameter(extensions: string, names: readonly string[]): Error | undefined {
  const found = names.find((name) => extensions.split(/[;,\s]+|=/).includes(name));
  if (found === undefined) return undefined;
  const error = new Error(`Unexpected parameter "${found}"`);
  return Object.assign(error, { code: 'ERR_EXTENSION_REFUSED' });
}
