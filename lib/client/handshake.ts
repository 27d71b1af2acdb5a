/**
 * The HTTP side of the opening handshake as ws's events show it: a request that listeners can look at and, before
 * it is sent, change; and a response that is a real `IncomingMessage`. Made only for those who look.
 */
import { ClientRequest, IncomingMessage, OutgoingMessage } from 'node:http';
import { Socket } from 'node:net';
import { BodyDecoder } from '../base/http-body';
import type { ConnectionFailure, ConnectOptions, Established } from '../addon/contract';
import type { BodySink, RefusalBody } from '../addon/refusal-body';
import { nextTick } from '../base/runtime';
import type { ParsedUrl } from '../options/url';

/** Headers of the handshake itself; the engine writes them, whatever is set. `Host` has a place of its own. */
const OWN_HEADERS = new Set([
  'connection',
  'host',
  'upgrade',
  'sec-websocket-extensions',
  'sec-websocket-key',
  'sec-websocket-protocol',
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

/** A ClientRequest without its constructor, which would send the request. */
const Base = OutgoingMessage as unknown as new () => ClientRequest;

/**
 * The request of the opening handshake, as far as it can be seen and changed from here: `getHeader`, `setHeader`,
 * `removeHeader` and their kin of `http.OutgoingMessage`; `path`, `host`, `protocol`, `method`; `abort()`. It is an
 * `http.ClientRequest` for those who ask, though the engine sends it.
 */
export class HandshakeRequest extends Base {
  override readonly method = 'GET';
  override readonly path: string;
  override readonly host: string;
  override readonly protocol: string;
  /** Whether abort() or destroy() was called. */
  override aborted = false;
  /** Whether abort() or destroy() was called. */
  override destroyed = false;
  override reusedSocket = false;
  /** Without effect: the engine reads the response. */
  override maxHeadersCount = null as unknown as number;
  readonly #secure: boolean;
  readonly #end: () => void;
  readonly #abort: (error?: Error) => void;

  constructor(init: RequestInit) {
    super();
    this.path = init.path;
    this.host = init.host;
    this.protocol = init.protocol;
    this.#secure = init.protocol === 'https:';
    this.#end = init.end;
    this.#abort = init.abort;
    const names = new Set<string>();
    for (const [name, value] of init.headers) {
      const key = name.toLowerCase();
      // One of several lines.
      if (names.has(key)) this.setHeader(name, [this.getHeader(name), value].flat() as string[]);
      else this.setHeader(name, value);
      names.add(key);
    }
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
  override abort(): void {
    this.destroy();
  }

  override destroy(error?: Error): this {
    if (this.aborted) return this;
    this.aborted = true;
    this.destroyed = true;
    this.#abort(error);
    nextTick(() => this.emit('close'));
    return this;
  }

  /** Without effect: TCP_NODELAY is always set. */
  override setNoDelay(_on?: boolean): void {
    // See above.
  }

  /** Without effect: use the option `heartbeat`. */
  override setSocketKeepAlive(_on?: boolean, _delay?: number): void {
    // See above.
  }

  /**
   * Emits `socket`, and then `connect` (and `secureConnect`) of that socket, as of a request of Node's, for those who
   * finish the request there. The engine connects when the request is finished, so that the socket stands for the one
   * to come and has no addresses.
   */
  offerSocket(): void {
    nextTick(() => {
      if (this.aborted || this.listenerCount('socket') === 0) return;
      const socket = new Socket();
      this.emit('socket', socket);
      nextTick(() => {
        if (this.aborted) return;
        socket.emit('connect');
        if (this.#secure) socket.emit('secureConnect');
        socket.emit('ready');
      });
    });
  }
}

// An instance of ClientRequest, made by the constructor of the class that this extends.
Object.setPrototypeOf(HandshakeRequest.prototype, ClientRequest.prototype);

/** The offer of permessage-deflate, as the engine writes it. */
export function deflateOffer(deflate: NonNullable<ConnectOptions['deflate']>): string {
  const { serverMaxWindowBits: server, clientMaxWindowBits: client } = deflate;
  return [
    'permessage-deflate',
    ...(deflate.serverNoContextTakeover ? ['server_no_context_takeover'] : []),
    ...(deflate.clientNoContextTakeover ? ['client_no_context_takeover'] : []),
    ...(server >= 8 ? [`server_max_window_bits=${server}`] : []),
    ...(client === 0 ? [] : [`client_max_window_bits${client >= 8 ? `=${client}` : ''}`]),
  ].join('; ');
}

/** The request to a URL with what a connection was told. All but the key, which the engine draws. */
export function requestOf(
  url: ParsedUrl,
  options: ConnectOptions,
  end: () => void,
  abort: (error?: Error) => void,
): HandshakeRequest {
  const { protocols, deflate } = options;
  const headers: [string, string][] = [
    ['Sec-WebSocket-Version', '13'],
    ['Connection', 'Upgrade'],
    ['Upgrade', 'websocket'],
    ...parseHeaderLines(options.headers.join('\r\n')),
    ['Host', options.hostHeader],
  ];
  if (deflate) headers.push(['Sec-WebSocket-Extensions', deflateOffer(deflate)]);
  if (protocols.length > 0) headers.push(['Sec-WebSocket-Protocol', protocols.join(',')]);
  return new HandshakeRequest({
    path: url.path,
    host: url.host,
    protocol: url.secure ? 'https:' : 'http:',
    headers,
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
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
}

/**
 * The server's response to the opening handshake. Its `socket` has addresses and nothing to read; the body of a refusal
 * comes from the connection, as fast as it is read here.
 */
export class HandshakeResponse extends IncomingMessage implements BodySink {
  /** The request that it answers. */
  declare readonly req: ClientRequest;
  readonly #decoder: BodyDecoder;
  /** Where the rest of the body comes from. */
  #source: RefusalBody | undefined;

  /** @param req without: nobody has asked for one. */
  constructor(init: ResponseInit, req?: HandshakeRequest) {
    super(detachedSocket(init));
    this.statusCode = init.status;
    this.statusMessage = init.statusText;
    this.httpVersion = '1.1';
    this.httpVersionMajor = 1;
    this.httpVersionMinor = 1;
    if (req) Object.defineProperty(this, 'req', { value: req, configurable: true, writable: true });
    const pairs = parseHeaderLines(init.headers);
    for (const pair of pairs) this.rawHeaders.push(...pair);
    this.headers = headersOf(pairs);
    this.headersDistinct = distinctOf(pairs);
    this.#decoder = new BodyDecoder(init.status, init.headers);
  }

  /** What has come of the body; the rest comes from the source, or never. */
  takeBody(bytes: Buffer, source: RefusalBody | undefined): void {
    this.#feed(bytes);
    if (this.#decoder.done) return;
    if (source === undefined) {
      this.onBodyEnd('');
      return;
    }
    this.#source = source;
    source.take(this);
  }

  /** There is none: the connection is a WebSocket now. */
  takeNoBody(): void {
    this.complete = true;
    this.push(null);
  }

  #feed(bytes: Buffer): void {
    const decoder = this.#decoder;
    const decoded = decoder.write(bytes);
    const flows = decoded.length === 0 || this.push(decoded);
    if (decoder.done) this.#finish('the body is malformed');
    else if (!flows) this.#source?.flow(false);
  }

  #finish(problem: string): void {
    this.#source?.drop();
    this.#source = undefined;
    this.complete = this.#decoder.complete;
    if (this.complete) this.push(null);
    else
      this.destroy(Object.assign(new Error('aborted', { cause: problem }), { code: 'ECONNRESET' }));
  }

  onBody(bytes: Buffer): void {
    if (!this.destroyed && !this.complete) this.#feed(bytes);
  }

  onBodyEnd(detail: string): void {
    this.#source = undefined;
    if (this.destroyed || this.complete) return;
    if (detail === '') this.#decoder.end();
    this.#finish(detail || 'the server closed the connection');
  }

  override _read(): void {
    this.#source?.flow(true);
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.#source?.drop();
    this.#source = undefined;
    super._destroy(error, callback);
  }
}

/** As Node's parser joins them; the names are the server's, and may be those of Object.prototype. */
function headersOf(pairs: readonly [name: string, value: string][]): IncomingMessage['headers'] {
  const headers = new Map<string, string | string[]>();
  for (const [name, value] of pairs) {
    const key = name.toLowerCase();
    const before = headers.get(key);
    if (key === 'set-cookie') append(headers as Map<string, string[]>, key, value);
    else if (before === undefined) headers.set(key, value);
    else if (key === 'cookie') headers.set(key, `${before as string}; ${value}`);
    else if (!FIRST_ONLY.has(key)) headers.set(key, `${before as string}, ${value}`);
  }
  return Object.fromEntries(headers);
}

function distinctOf(pairs: readonly [name: string, value: string][]): NodeJS.Dict<string[]> {
  const values = new Map<string, string[]>();
  for (const [name, value] of pairs) {
    append(values, name.toLowerCase(), value);
  }
  return Object.fromEntries(values);
}

function append(lists: Map<string, string[]>, key: string, value: string): void {
  const list = lists.get(key);
  if (list) list.push(value);
  else lists.set(key, [value]);
}

/** A socket that was never connected, which says where the real one is. */
function detachedSocket(init: ResponseInit): Socket {
  const socket = new Socket();
  // A response that is destroyed destroys its socket, with the same error.
  socket.on('error', () => undefined);
  for (const name of ['remoteAddress', 'remotePort', 'localAddress', 'localPort'] as const) {
    Object.defineProperty(socket, name, {
      value: init[name],
      configurable: true,
      enumerable: true,
    });
  }
  return socket;
}

/**
 * The response that made a connection, or refused it.
 *
 * @param body of a refusal: where the rest comes from.
 */
export function responseOf(
  from: ConnectionFailure | Established,
  request: HandshakeRequest | undefined,
  body?: RefusalBody,
): HandshakeResponse {
  const { status = 0, statusText = '', headers = '' } = from;
  const established = 'remoteAddress' in from ? from : undefined;
  const failure = from as ConnectionFailure;
  const response = new HandshakeResponse(
    {
      status,
      statusText,
      headers,
      remoteAddress: established?.remoteAddress ?? failure.address,
      remotePort: established?.remotePort ?? failure.port,
      localAddress: established?.localAddress,
      localPort: established?.localPort,
    },
    request,
  );
  if (status === 101) response.takeNoBody();
  else response.takeBody(failure.rawBody ?? Buffer.alloc(0), body);
  return response;
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
