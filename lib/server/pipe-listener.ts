/**
 * A server on a named pipe of Windows', which only Node.js opens: its `net` accepts, and its `http` and `https` speak
 * TLS and read the requests. Connections that become WebSockets go on as those of the option `server`. On Unix it is
 * able to listen on a Unix socket in the same way.
 */
import { EventEmitter } from 'node:events';
import {
  createServer as createWeb,
  STATUS_CODES,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
} from 'node:http';
import { createServer as createSecureWeb } from 'node:https';
import { createServer, type Server as NetServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { environment } from '../addon/environment';
import type { ListenerStats, ListenOptions, ServerTlsOptions } from '../addon/contract';
import {
  clearTimeout,
  handingObstacle,
  nextTick,
  setTimeout,
  wrappedSocket,
} from '../base/runtime';
import { stateError, withCode } from '../options/errors';
import { refusalText } from './handshake';
import type { Listener, ListenerAddress, ListenerEvents } from './listener';
import { HEADERS_COUNT, HEADER_SIZE } from './options';
import { httpsOptions } from './pipe-tls';
import { NOTHING_COUNTED } from './stats';

/** In which the client may read an answer that refuses, in ms: as with the engine. */
export const LINGER_TIME = 1000;
/** What is read and thrown away of it meanwhile, in bytes: as much as the engine does. */
const MOST_DISCARDED = 256 * 1024;
/** Before an IPv4 address that is written as one of IPv6. */
const MAPPED = /^::ffff:(?=\d+\.)/;

const enum Stage {
  /** For others' handshakes to end, of which there are enough. */
  Waiting,
  Tls,
  Head,
  /** It is refused, and may read why. */
  Answered,
  /** A request to upgrade has come, and was given to the server. */
  Given,
}

interface Arrival {
  /** As it was accepted. */
  readonly raw: Socket;
  /** What its request comes by: the same, or TLS over it. */
  socket: Socket;
  stage: Stage;
  timer: NodeJS.Timeout | undefined;
  /** The address that a trusted proxy tells, if it counts. */
  client: string | undefined;
}

export type PipeOptions = Omit<ListenOptions, 'tls'> & { path: string };

/** Connections that listeners have given to their servers. */
const given = new WeakSet<Duplex>();

/** Whether the socket has come by a listener of this kind, which counts it. */
export function cameByPipe(socket: Duplex): boolean {
  return given.has(socket);
}

/** As the engine answers what it gives to nobody. */
function answerOf(status: number, more = '', body = ''): string {
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, 'Connection: close'];
  if (more !== '') lines.push(more);
  if (body !== '') lines.push('Content-Type: text/plain', `Content-Length: ${body.length}`);
  return [...lines, '', body].join('\r\n');
}

const UPGRADE_REQUIRED = answerOf(426, 'Upgrade: websocket', 'Upgrade Required');

/** An error of a socket, whose `close` follows. */
function ignore(): void {
  // It counts as that.
}

/** Whether a request to upgrade says that it has a body: what follows it belongs to the other protocol. */
function upgradesWithBody(headers: IncomingHttpHeaders): boolean {
  const { upgrade, connection = '' } = headers;
  if (upgrade === undefined || !/(?:^|[\s,])upgrade(?:[\s,]|$)/i.test(connection)) return false;
  return (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
}

function unsupported(name: string, why: string): TypeError {
  const field = `options.${name}`;
  const problem = `${field} cannot be had on a named pipe: ${why}`;
  return withCode(new TypeError(problem), 'ERR_UNSUPPORTED_OPTION', { field });
}

/** @throws TypeError for what would have no effect, and is not to be missed without a word. */
function checkOptions({ reusePort, proxyProtocol }: PipeOptions): void {
  if (reusePort) throw unsupported('reusePort', 'it has one server at a time');
  const sendsHeader = Array.isArray(proxyProtocol) ? proxyProtocol.includes('unix') : proxyProtocol;
  if (sendsHeader) throw unsupported('proxyProtocol', 'nothing there reads its header');
}

/**
 * @throws TypeError likewise; Error ERR_FEATURE_UNAVAILABLE on Bun; as the engine's listener for wrong certificates.
 */
function checkTls(tls: ServerTlsOptions): void {
  const obstacle = handingObstacle();
  if (obstacle !== undefined)
    throw stateError('ERR_FEATURE_UNAVAILABLE', `TLS on a named pipe ${obstacle}`);
  const { addon } = environment();
  addon.releaseServerTls(addon.createServerTls(tls));
  if (tls.names.length > 0) throw unsupported('serverNames', 'it has no host name');
  if (tls.ocspResponse) throw unsupported('ocspResponse', "Node's TLS is spoken there");
}

export class PipeListener extends EventEmitter<ListenerEvents> implements Listener {
  readonly #options: PipeOptions;
  readonly #server: NetServer;
  /** Gets the connections, and does not listen itself: so it can be replaced. */
  #web: Server;
  #isSecure: boolean;
  #closing = false;
  /** Listens no more, but lets in whoever was connected already. */
  #finishing = false;
  /** It says that it listens no more, and has no connection. Of the last one that comes before its `close`. */
  #empty = false;
  /** No handshake is waited for any more. */
  #cutting = false;
  #ended = false;
  readonly #open = new Set<Arrival>();
  readonly #handshakes = new Set<Arrival>();
  readonly #waiting = new Set<Arrival>();
  /** By both of their sockets. */
  readonly #arrivals = new WeakMap<Socket, Arrival>();
  /** Connections that were given to the server, and have not ended. */
  #given = 0;
  /** How many connections the clients of trusted proxies have. */
  readonly #clients = new Map<string, number>();
  readonly #counts = { ...NOTHING_COUNTED };

  /**
   * Begins to listen: `listening` or `error` follows.
   *
   * @throws TypeError ERR_UNSUPPORTED_OPTION for options that cannot be had there; Error for certificates and keys that
   *   cannot be used.
   */
  constructor(options: PipeOptions, tls: ServerTlsOptions | undefined) {
    super();
    checkOptions(options);
    this.#options = options;
    this.#web = this.#makeWeb(tls);
    this.#isSecure = tls !== undefined;
    // As http's and https's own servers have it.
    const server = createServer({ allowHalfOpen: !this.#isSecure, pauseOnConnect: true });
    this.#server = server;
    server.on('connection', (raw) => this.#accept(raw));
    server.on('listening', () => {
      if (!this.#closing) this.emit('listening');
    });
    server.on('error', (error) => {
      if (!this.#closing) this.emit('error', error);
    });
    server.on('close', () => {
      this.#empty = true;
      this.#lookForEnd();
    });
    server.listen({ path: options.path, backlog: options.backlog, exclusive: true });
  }

  #makeWeb(tls: ServerTlsOptions | undefined): Server {
    if (tls) checkTls(tls);
    const { maxHeaderSize } = this.#options;
    const settings = {
      // As with the engine, 0 is no other limit than without it.
      maxHeaderSize: maxHeaderSize || HEADER_SIZE,
      // What has no Host is answered here, and the time is measured here.
      requireHostHeader: false,
      headersTimeout: 0,
      requestTimeout: 0,
      // Node.js 26 would wait for its body.
      shouldUpgradeCallback: ({ headers }: IncomingMessage) => !upgradesWithBody(headers),
    };
    const web = tls ? createSecureWeb({ ...settings, ...httpsOptions(tls) }) : createWeb(settings);
    // Past one of its own Node.js forgets headers, or, from 22 on, says that the head is too large.
    web.maxHeadersCount = 0;
    const answer = (request: IncomingMessage): void => this.#take(request, request.socket);
    web.on('request', answer);
    web.on('checkContinue', answer);
    web.on('checkExpectation', answer);
    web.on('connect', (request, socket) => this.#take(request, socket as Socket));
    web.on('upgrade', (request, socket, head) => this.#take(request, socket as Socket, head));
    web.on('clientError', (error, socket) => this.#fail(error, socket as Socket));
    web.on('secureConnection', (socket: TLSSocket) => this.#shakenHands(socket));
    return web;
  }

  get listening(): boolean {
    return !this.#closing && this.#server.listening;
  }

  address(): ListenerAddress | null {
    return this.listening ? this.#server.address() : null;
  }

  /** Node.js does not tell it. */
  get fd(): undefined {
    return undefined;
  }

  get isQuiet(): boolean {
    return this.#handshakes.size === 0 && this.#waiting.size === 0;
  }

  get stats(): ListenerStats {
    const { size: connections } = this.#open;
    return { ...this.#counts, connections, handshakes: this.#handshakes.size };
  }

  // ---- Connections until their request has come

  get #isFull(): boolean {
    const { maxHandshakes } = this.#options;
    return maxHandshakes > 0 && this.#handshakes.size >= maxHandshakes;
  }

  /** Not read yet. */
  #accept(raw: Socket): void {
    const { handshakeTimeout, maxConnections } = this.#options;
    raw.on('error', ignore);
    if (maxConnections > 0 && this.#open.size >= maxConnections) {
      this.#counts.overLimit += 1;
      raw.destroy();
      return;
    }
    this.#counts.accepted += 1;
    const arrival: Arrival = {
      raw,
      socket: raw,
      stage: Stage.Waiting,
      timer: undefined,
      client: undefined,
    };
    this.#open.add(arrival);
    this.#arrivals.set(raw, arrival);
    raw.once('close', () => this.#gone(arrival));
    if (handshakeTimeout > 0) {
      arrival.timer = setTimeout(() => {
        this.#counts.timeouts += 1;
        this.#cutOff(arrival, answerOf(408));
      }, handshakeTimeout);
    }
    if (!this.#isFull) this.#begin(arrival);
    else {
      this.#counts.overHandshakes += 1;
      this.#waiting.add(arrival);
    }
  }

  #begin(arrival: Arrival): void {
    const { raw } = arrival;
    const isSecure = this.#isSecure;
    this.#handshakes.add(arrival);
    arrival.stage = isSecure ? Stage.Tls : Stage.Head;
    this.#web.emit('connection', raw);
    if (!isSecure) raw.resume();
  }

  #shakenHands(socket: TLSSocket): void {
    const arrival = this.#arrivalOf(socket);
    if (arrival?.stage !== Stage.Tls) {
      socket.destroy();
      return;
    }
    socket.on('error', ignore);
    arrival.socket = socket;
    arrival.stage = Stage.Head;
  }

  #arrivalOf(socket: Socket): Arrival | undefined {
    const raw = socket instanceof TLSSocket ? wrappedSocket(socket) : socket;
    return raw && this.#arrivals.get(raw);
  }

  /** Whatever becomes of it. */
  #endHandshake(arrival: Arrival, stage: Stage): void {
    clearTimeout(arrival.timer);
    arrival.timer = undefined;
    arrival.stage = stage;
    this.#waiting.delete(arrival);
    this.#handshakes.delete(arrival);
    for (const next of this.#waiting) {
      if (this.#isFull) return;
      this.#waiting.delete(next);
      this.#begin(next);
    }
  }

  /** Its connection has ended. */
  #gone(arrival: Arrival): void {
    const { stage, client } = arrival;
    if (stage === Stage.Tls) this.#counts.tlsFailures += 1;
    this.#open.delete(arrival);
    this.#endHandshake(arrival, Stage.Answered);
    if (client !== undefined) this.#count(client, -1);
    if (stage === Stage.Given) this.#given -= 1;
    this.#lookForEnd();
  }

  /** Ends a handshake: with an answer, if the client can read one. */
  #cutOff(arrival: Arrival, answer: string): void {
    const { stage } = arrival;
    const readsPlain = stage === Stage.Waiting && !this.#isSecure;
    if (stage === Stage.Head || readsPlain) this.#answer(arrival, answer);
    else if (stage < Stage.Head) {
      this.#endHandshake(arrival, Stage.Answered);
      arrival.raw.destroy();
    }
  }

  #answer(arrival: Arrival, answer: string): void {
    const { socket, raw } = arrival;
    this.#endHandshake(arrival, Stage.Answered);
    arrival.timer = setTimeout(() => raw.destroy(), LINGER_TIME);
    this.#discard(arrival);
    socket.end(answer, 'latin1');
  }

  /** What still comes is read, so that the client gets to read the answer: no more of it than that, nor by `http`. */
  #discard({ socket, raw }: Arrival): void {
    let discarded = 0;
    socket.removeAllListeners('data');
    socket.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded >= MOST_DISCARDED) raw.destroy();
    });
    socket.resume();
  }

  /** What `http` cannot read, and what TLS refuses. */
  #fail(error: NodeJS.ErrnoException, socket: Socket): void {
    const arrival = this.#arrivalOf(socket);
    if (arrival?.stage === Stage.Tls) {
      this.#counts.tlsFailures += 1;
      this.#endHandshake(arrival, Stage.Answered);
      socket.destroy();
      return;
    }
    if (arrival?.stage === Stage.Answered) return;
    const { code = '' } = error;
    // A client that has ended in the middle of its request gets no answer.
    if (
      arrival?.stage !== Stage.Head ||
      !code.startsWith('HPE_') ||
      code === 'HPE_INVALID_EOF_STATE'
    ) {
      socket.destroy();
    } else if (code === 'HPE_HEADER_OVERFLOW') {
      this.#counts.overHeaderSize += 1;
      this.#answer(arrival, answerOf(431));
    } else {
      this.#counts.malformed += 1;
      this.#answer(arrival, answerOf(400));
    }
  }

  // ---- Requests

  /** @param head only of a request to upgrade. */
  #take(request: IncomingMessage, socket: Socket, head?: Buffer): void {
    if (head === undefined) request.resume();
    const arrival = this.#arrivalOf(socket);
    // Another one, behind what was answered.
    if (arrival?.stage !== Stage.Head) return;
    const refusal = this.#refusalOf(request, arrival, head !== undefined);
    if (refusal !== undefined) this.#answer(arrival, refusal);
    else if (this.#closing && !this.#finishing) this.#answer(arrival, refusalText(503));
    else {
      this.#endHandshake(arrival, Stage.Given);
      this.#given += 1;
      given.add(socket);
      // Who goes before the server has answered is not waited for: pipes do not end on one side.
      socket.allowHalfOpen = false;
      if (!this.emit('upgrade', request, socket, head as Buffer)) socket.destroy();
    }
  }

  /** Why a request is not given to the server, as the engine says it; undefined: it is. */
  #refusalOf(request: IncomingMessage, arrival: Arrival, upgrades: boolean): string | undefined {
    const { headers, rawHeaders, httpVersionMinor } = request;
    const counts = this.#counts;
    if (rawHeaders.length / 2 > (this.#options.maxHeadersCount || HEADERS_COUNT)) {
      counts.overHeadersCount += 1;
      return answerOf(431);
    }
    const hosts = rawHeaders.filter((text, i) => i % 2 === 0 && text.toLowerCase() === 'host');
    const hasNoHost = hosts.length === 0 && httpVersionMinor > 0;
    if (hasNoHost || hosts.length > 1 || upgradesWithBody(headers)) {
      counts.malformed += 1;
      return answerOf(400);
    }
    if (!upgrades) {
      counts.notUpgrades += 1;
      return UPGRADE_REQUIRED;
    }
    if (this.#belongs(request, arrival)) return undefined;
    counts.overLimitPerAddress += 1;
    return answerOf(429);
  }

  /** Whether the client that a trusted proxy tells may have one more connection. */
  #belongs({ headers }: IncomingMessage, arrival: Arrival): boolean {
    const { maxConnectionsPerAddress: most, trustedProxies } = this.#options;
    if (most === 0 || trustedProxies === undefined) return true;
    const value = String(headers[trustedProxies.header] ?? '');
    const told = environment().addon.clientAddress(undefined, value, trustedProxies);
    if (told === undefined) return true;
    const client = told.replace(MAPPED, '');
    if ((this.#clients.get(client) ?? 0) >= most) return false;
    arrival.client = client;
    this.#count(client, 1);
    return true;
  }

  #count(client: string, more: number): void {
    const count = (this.#clients.get(client) ?? 0) + more;
    if (count > 0) this.#clients.set(client, count);
    else this.#clients.delete(client);
  }

  // ---- The end

  drain(): void {
    this.#finishing = true;
    this.close();
  }

  finish(): void {
    if (!this.#finishing) return;
    this.#finishing = false;
    this.#lookForEnd();
  }

  close(callback?: (error?: Error) => void): this {
    if (callback) this.once('close', callback);
    if (this.#closing) return this;
    this.#closing = true;
    this.#server.close();
    this.#lookForEnd();
    return this;
  }

  /** The name is free when the last connection has ended: no handshake is waited for then. */
  #lookForEnd(): void {
    if (!this.#closing || this.#finishing || this.#given > 0 || this.#ended) return;
    if (!this.#cutting) {
      this.#cutting = true;
      // Those that wait first: else they would begin.
      for (const arrival of [...this.#waiting, ...this.#handshakes])
        this.#cutOff(arrival, refusalText(503));
    }
    if (!this.#empty || this.#open.size > 0) return;
    this.#ended = true;
    nextTick(() => this.emit('close'));
  }

  setTls(tls: ServerTlsOptions): void {
    this.#web = this.#makeWeb(tls);
    this.#isSecure = true;
  }

  ref(): this {
    this.#server.ref();
    return this;
  }

  unref(): this {
    this.#server.unref();
    return this;
  }
}
