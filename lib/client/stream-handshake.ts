/**
 * An opening handshake over a stream of somebody else's: of an agent, of `createConnection`, or Node's own TLS. Node
 * writes the request and reads the response, as with ws; the engine gets the stream when the server has upgraded.
 */
import { randomBytes } from 'node:crypto';
import {
  request as httpRequest,
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
} from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as netConnect, isIP, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import { addField, type Fields } from '../base/fields';
import type { AcceptOptions, ConnectOptions } from '../addon/contract';
import { clearTimeout, setTimeout } from '../base/runtime';
import type { ParsedUrl } from '../options/url';
import { deflateOffer, parseHeaderLines } from './handshake';
import type { StreamSource } from './route';

type Options = Record<string, unknown>;

/** What comes of it. After an answer there may still be a failure. */
export interface StreamHandshakeOwner {
  /** The server has upgraded: status 101. */
  streamUpgraded(response: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** The server has answered otherwise. */
  streamAnswered(response: IncomingMessage): void;
  /** There was no answer. */
  streamFailed(error: Error): void;
  /** `handshakeTimeout` is over. */
  streamTimedOut(): void;
}

/** As ws: what a createConnection of the user's replaces. */
function connectPlain(options: Options): Socket {
  return netConnect({ ...options, path: options['socketPath'] } as never);
}

function connectSecure(options: Options): Socket {
  const { host, servername } = options;
  const name = isIP(host as string) ? '' : host;
  const path = options['socketPath'];
  return tlsConnect({ ...options, path, servername: servername ?? name } as never);
}

/** Header fields in order; of several with one name, a list. */
function fieldsOf(
  { headers, hostHeader, protocols, deflate }: ConnectOptions,
  key: string,
  { protocolVersion = 13, origin }: Options,
): Record<string, string | string[]> {
  const fields: Fields = new Map();
  const old = protocolVersion === 8 && origin;
  for (const [given, value] of parseHeaderLines(headers.join('\r\n'))) {
    const name = old && /^origin$/i.test(given) ? 'Sec-WebSocket-Origin' : given;
    addField(fields, name, value);
  }
  return {
    ...Object.fromEntries(fields),
    'Sec-WebSocket-Version': String(protocolVersion),
    'Sec-WebSocket-Key': key,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    ...(deflate && { 'Sec-WebSocket-Extensions': deflateOffer(deflate) }),
    ...(protocols.length > 0 && { 'Sec-WebSocket-Protocol': protocols.join(',') }),
    Host: hostHeader,
  };
}

function requestOptions(
  url: ParsedUrl,
  options: ConnectOptions,
  given: Options,
  source: StreamSource,
  key: string,
): RequestOptions {
  const { agent, createConnection } = source;
  return {
    ...given,
    // As ws has it: what is said by the URL is not said by an option.
    socketPath: options.socketPath,
    hostname: undefined,
    protocol: undefined,
    protocols: undefined,
    timeout: undefined,
    // Done here.
    auth: undefined,
    signal: undefined,
    method: 'GET',
    host: url.host,
    // As ws: the digits of the URL, or the scheme's own port.
    port: /:(\d+)$/.exec(url.hostHeader)?.[1] ?? url.port,
    defaultPort: (given['defaultPort'] as number | undefined) ?? (url.secure ? 443 : 80),
    path: url.path,
    headers: fieldsOf(options, key, given),
    agent,
    createConnection: createConnection ?? (url.secure ? connectSecure : connectPlain),
  } as unknown as RequestOptions;
}

/** What an open connection takes of what a connecting one does. */
export function acceptOptionsOf(
  { closeTimeout, maxPayload, maxFragments, ...rest }: ConnectOptions,
  deflate: AcceptOptions['deflate'],
): AcceptOptions {
  const { skipUtf8Validation, autoPong, textAsBuffer, sendLimit, highWaterMark, heartbeat } = rest;
  return {
    isServer: false,
    closeTimeout,
    maxPayload,
    maxFragments,
    maxPendingAutoPongs: 0,
    skipUtf8Validation,
    autoPong,
    textAsBuffer,
    sendLimit,
    highWaterMark,
    ...(heartbeat && { heartbeat }),
    ...(deflate && { deflate }),
  };
}

export class StreamHandshake {
  readonly key = randomBytes(16).toString('base64');
  readonly request: ClientRequest;
  #timer: NodeJS.Timeout | undefined;
  #over = false;
  #refed = true;

  /** @throws what Node does for options that it cannot use. */
  constructor(
    url: ParsedUrl,
    readonly options: ConnectOptions,
    given: object,
    source: StreamSource,
    owner: StreamHandshakeOwner,
    run: (then: () => void) => void,
  ) {
    const { handshakeTimeout } = options;
    const make = url.secure ? httpsRequest : httpRequest;
    this.request = make(requestOptions(url, options, given as Options, source, this.key));
    const { request } = this;
    const once = (then: () => void): void => {
      if (this.#over) return;
      this.#end();
      run(then);
    };
    request.on('error', (error) => once(() => owner.streamFailed(error)));
    request.on('response', (response) => {
      clearTimeout(this.#timer);
      if (!this.#over) run(() => owner.streamAnswered(response));
    });
    request.on('upgrade', (response, socket, head) => {
      if (this.#over) socket.destroy();
      else once(() => owner.streamUpgraded(response, socket, head));
    });
    request.on('socket', (socket) => {
      if (!this.#refed && !this.#over) socket.unref();
    });
    if (handshakeTimeout > 0) {
      this.#timer = setTimeout(() => once(() => owner.streamTimedOut()), handshakeTimeout);
    }
  }

  #end(): void {
    this.#over = true;
    clearTimeout(this.#timer);
  }

  /** Ends the request, and what still comes of its response. */
  abort(): void {
    this.#end();
    const { request } = this;
    request.destroy();
    // Node does not do it when the request is complete.
    const { socket } = request;
    if (socket && !socket.destroyed) socket.destroy();
  }

  setRef(on: boolean): void {
    this.#refed = on;
    const { socket } = this.request;
    if (this.#over) return;
    if (on) socket?.ref();
    else socket?.unref();
    if (on) this.#timer?.ref();
    else this.#timer?.unref();
  }
}
