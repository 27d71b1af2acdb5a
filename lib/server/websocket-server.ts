/** The class that takes the place of ws's WebSocketServer. */
import { AsyncResource } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { environment } from '../addon/environment';
import { disposable, inspectable } from '../base/objects';
import { nextTick } from '../base/runtime';
import { checkTrustedProxies } from '../options/proxies';
import { AcceptOptionsCache } from '../session/accept-options';
import type { OpenSession } from '../session/open-session';
import type { Publishable } from '../session/prepared';
import { WebSocket } from '../websocket/websocket';
import type { BrokerStats } from './broker';
import { BrokerLink } from './broker-link';
import { agreed } from './deflate';
import { channels } from './diagnostics';
import { Drain, drainSettings, type DrainOptions, type DrainResult } from './drain';
import { exchangeOn, type Exchange } from './exchange';
import { checkOffers, isRefusal, type Refusal, type UpgradeExtensions } from './handshake';
import { http2Listeners, isHttp2, type Http2AnyServer } from './http2-listeners';
import {
  checkMode,
  checkOptions,
  DEFAULTS,
  deflateOptions,
  serverTls,
  type KeptOptions,
  type ServerOptions,
  type ServerTlsSettings,
  type VerifyLater,
  type VerifyNow,
} from './options';
import type { Listener, ListenerAddress } from './listener';
import { isAccepted, listen } from './listeners';
import { LoopDelay } from './loop-delay';
import { metricsSettings, metricsText, type MetricsOptions } from './metrics';
import { isAllowed } from './origins';
import { messageOfStream } from './request';
import { State } from './state';
import type { RefusalReason } from './tally';
import { closeAndWait, factsOf } from './objects';
import { Population } from './population';
import { Counters, type ServerStats } from './stats';
import { Topics } from './topics';
import type {
  BroadcastOptions,
  ConnectionCallback,
  Listening,
  ServerPublishOptions,
} from './types';

/** Sockets that have become a WebSocket. */
const upgraded = new WeakSet<Duplex>();

function destroy(this: Duplex): void {
  this.destroy();
}

/**
 * A WebSocket server that takes the place of ws's: the same options, events and answers.
 *
 * It listens itself (`port`), on one of Node's servers (`server`), or is given requests by its user (`noServer`,
 * {@link handleUpgrade}). See docs/server.md; for what differs from ws, docs/migrating-from-ws.md.
 *
 * @example
 * const server = new WebSocketServer({ port: 8080 });
 * server.on('connection', (socket) => {
 *   socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
 * });
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocketServer extends EventEmitter {
  /** Read again at each upgrade. */
  options: KeptOptions;
  /** The open sockets; only with `clientTracking`. */
  declare clients: Set<WebSocket>;
  /** What listens; null when closed. @internal */
  _server: Listening | null = null;
  /** @internal */
  _state: State = State.Running;
  #removeListeners: (() => void) | undefined;
  #emitsClose = false;
  readonly #population = new Population();
  readonly #topics = new Topics(environment);
  readonly #broker: BrokerLink | undefined;
  #drain: Drain | undefined;
  #loopDelay: LoopDelay | undefined;
  readonly #acceptOptions = new AcceptOptionsCache();
  readonly #counters = new Counters();
  /** A listener of the `close` of sockets that no listener of ours has accepted. */
  readonly #gone = (): void => this.#counters.gone();
  /** Its own; also when it has closed. */
  #listener: Listener | undefined;
  /** A listener of the sockets' `close`: one for all. */
  readonly #forget: (this: WebSocket, code: number, reason: Buffer) => void;

  /**
   * @param options exactly one of `port`, `server` and `noServer`.
   * @param callback a listener of `listening`; only with `port`.
   * @throws TypeError for options that do not go together; Error for certificates and keys that cannot be used.
   */
  constructor(options?: ServerOptions, callback?: () => void) {
    super();
    const all: KeptOptions = { WebSocket, ...DEFAULTS, ...options } as KeptOptions;
    checkMode(all);
    if (all.perMessageDeflate === true) all.perMessageDeflate = {};
    checkOptions(all);
    this.options = all;
    const population = this.#population;
    if (all.clientTracking) this.clients = population.sockets;
    // eslint-disable-next-line @typescript-eslint/no-this-alias
    const server = this;
    this.#forget = function (code, reason) {
      population.leave(this, code);
      if (channels.close.hasSubscribers) {
        channels.close.publish({ server, websocket: this, code, reason: reason.toString() });
      }
      if (server.#emitsClose && population.sockets.size === 0) {
        server.#emitsClose = false;
        nextTick(() => server.#emitClose());
      }
    };
    if (all.eventLoopDelay) this.#loopDelay = new LoopDelay();
    if (all.server) this.#listenTo(all.server);
    else if (!all.noServer) {
      const listener = listen(all, this.#counters);
      this.#listener = listener;
      if (callback) listener.once('listening', callback);
      this.#listenTo(listener);
    }
    // Last, so that a server that could not be made has not taken it.
    try {
      this.#broker = BrokerLink.of(all, this.#topics, this);
    } catch (error) {
      this.#removeListeners?.();
      this.#listener?.close();
      this.#loopDelay?.stop();
      throw error;
    }
  }

  #listenTo(server: Listening | HttpServer | Http2AnyServer): void {
    const emitConnection = (socket: WebSocket, request: IncomingMessage): void => {
      this.emit('connection', socket, request);
    };
    const listeners: [string, (...args: never[]) => void][] = [
      ['listening', () => this.emit('listening')],
      ['error', (error: Error) => this.emit('error', error)],
      [
        'upgrade',
        (request: IncomingMessage, socket: Duplex, head: Buffer) => {
          this.handleUpgrade(request, socket, head, emitConnection);
        },
      ],
    ];
    if (isHttp2(server)) {
      const take = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): void => {
        this.handleStream(stream, headers, emitConnection);
      };
      listeners.push(...http2Listeners(server, take));
    }
    const emitter = server as EventEmitter;
    for (const [event, listener] of listeners) emitter.on(event, listener as () => void);
    this.#removeListeners = () => {
      for (const [event, listener] of listeners)
        emitter.removeListener(event, listener as () => void);
    };
    this._server = server as Listening;
  }

  /**
   * Where the server listens: `{ address, family, port }`, a path, or null after close().
   *
   * @throws Error with `noServer`.
   */
  address(): ListenerAddress | null {
    if (this.options.noServer) throw new Error('The server is operating in "noServer" mode');
    return this._server?.address() ?? null;
  }

  /**
   * Accepts no more connections. `close` is emitted when those that stand have ended: they are not closed.
   *
   * @param callback a listener of `close`; gets an Error if the server was closed already.
   */
  close(callback?: (error?: Error) => void): void {
    if (this._state === State.Closed) {
      if (callback) {
        this.once('close', () => callback(new Error('The server is not running')));
      }
      nextTick(() => this.#emitClose());
      return;
    }
    if (callback) this.once('close', callback);
    if (this._state === State.Closing) return;
    this._state = State.Closing;
    this.#removeListeners?.();
    this.#removeListeners = undefined;
    this._server = null;
    if (this.#listener) {
      this.#listener.close(() => this.#emitClose());
    } else if (this.options.clientTracking && this.#population.sockets.size > 0) {
      this.#emitsClose = true;
    } else {
      nextTick(() => this.#emitClose());
    }
  }

  #emitClose(): void {
    this._state = State.Closed;
    this.#loopDelay?.stop();
    this.#broker?.close();
    this.emit('close');
  }

  /**
   * Whether a request is for this server: its path is `path`, if that is set. May be replaced.
   */
  shouldHandle(request: IncomingMessage): boolean {
    const { path } = this.options;
    if (!path) return true;
    const url = request.url ?? '';
    const query = url.indexOf('?');
    return (query === -1 ? url : url.slice(0, query)) === path;
  }

  /**
   * Accepts a request to upgrade, or refuses it. The socket is this server's from here on.
   *
   * @param head what has been read behind the request.
   * @param callback gets the open socket; not called if the request is refused.
   */
  handleUpgrade(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: ConnectionCallback,
  ): void {
    this.#take(exchangeOn(request, socket), head, callback);
  }

  /**
   * The same for a request over HTTP/2: a stream with `:method` CONNECT and `:protocol` websocket (RFC 8441), as a
   * listener of `stream` on an http2 server gets it. The server must have been made with the setting
   * `enableConnectProtocol`.
   *
   * @param headers those of the stream.
   * @param callback gets the open socket; not called if the request is refused.
   */
  handleStream(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    callback: ConnectionCallback,
  ): void {
    const request = messageOfStream(stream, headers);
    this.#take(exchangeOn(request, stream), Buffer.alloc(0), callback);
  }

  #take(...args: [Exchange, Buffer, ConnectionCallback]): void {
    // A context that is entered for one request is not that of the next.
    new AsyncResource('WebSocketUpgrade').runInAsyncScope(() => this.#decide(...args));
  }

  #decide(exchange: Exchange, head: Buffer, callback: ConnectionCallback): void {
    const { request, socket } = exchange;
    socket.on('error', destroy);
    if (!isAccepted(socket) && !socket.destroyed) {
      this.#counters.given();
      socket.on('close', this.#gone);
    }
    const { options } = this;
    const checked = exchange.check();
    if (isRefusal(checked)) {
      this.#refuseClient(exchange, checked);
      return;
    }
    if (!this.shouldHandle(request)) {
      this.#refuse(exchange, 'path', 400);
      return;
    }
    const offers = checkOffers(request, deflateOptions(options));
    if (isRefusal(offers)) {
      this.#refuseClient(exchange, offers);
      return;
    }
    const { extensions, protocols } = offers;
    const complete = (): void => {
      this.completeUpgrade(extensions, checked.key, protocols, request, socket, head, callback);
    };
    const { origins, verifyClient } = options;
    const { headers } = request;
    const origin = headers[checked.version === 8 ? 'sec-websocket-origin' : 'origin'] as
      string | undefined;
    if (origins && !isAllowed(origins, origin, request)) {
      this.#refuse(exchange, 'origin', 403);
      return;
    }
    if (!verifyClient) {
      complete();
      return;
    }
    const { authorized, encrypted } = request.socket as {
      authorized?: boolean;
      encrypted?: boolean;
    };
    const info = {
      origin: origin as string,
      secure: Boolean(authorized || encrypted),
      req: request,
    };
    const takesTwo = (verifyClient as VerifyLater).length === 2;
    if (takesTwo) {
      const decide = this.#population.wait(socket, () => this.#refuse(exchange, 'closing', 503));
      (verifyClient as VerifyLater)(info, (verified, status, message, more) => {
        decide(() => {
          if (verified) complete();
          else this.#refuse(exchange, 'verify_client', status || 401, message, more);
        });
      });
    } else if ((verifyClient as VerifyNow)(info)) complete();
    else this.#refuse(exchange, 'verify_client', 401);
  }

  #refuse(
    exchange: Exchange,
    reason: RefusalReason,
    ...answer: Parameters<Exchange['refuse']>
  ): void {
    this.#refused(exchange, reason, answer[0]);
    exchange.refuse(...answer);
  }

  #refused({ request, socket }: Exchange, reason: RefusalReason, status: number): void {
    this.#population.tally.refuse(reason);
    if (!channels.refused.hasSubscribers) return;
    channels.refused.publish({ server: this, request, socket, reason, status });
  }

  /** A request that is no WebSocket handshake: a listener may answer it. */
  #refuseClient(exchange: Exchange, { reason, status, message, headers }: Refusal): void {
    this.#refused(exchange, reason, status);
    if (this.listenerCount('wsClientError') > 0) {
      this.emit('wsClientError', new Error(message), exchange.socket, exchange.request);
    } else {
      exchange.refuse(status, message, headers);
    }
  }

  /**
   * The second half of {@link handleUpgrade} and {@link handleStream}: the request has been checked, and is accepted.
   * A subclass may look at it, refuse it itself (it has to answer and end the socket then), or accept it later, by
   * `super.completeUpgrade()`.
   *
   * @param extensions those that are accepted.
   * @param key the value of Sec-WebSocket-Key; '' over HTTP/2.
   * @param protocols the subprotocols that the client offers.
   * @param head what has been read behind the request.
   * @param callback gets the open socket; not called if the client has gone meanwhile, or the server is closed.
   * @throws Error if the socket is a WebSocket already.
   */
  completeUpgrade(
    extensions: UpgradeExtensions,
    key: string,
    protocols: Set<string>,
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    callback: ConnectionCallback,
  ): void {
    const { options } = this;
    const exchange = exchangeOn(request, socket);
    // The client has gone meanwhile.
    if (!socket.readable || !socket.writable) {
      this.#refused(exchange, 'gone', 0);
      socket.destroy();
      return;
    }
    if (upgraded.has(socket)) {
      throw new Error(
        'server.handleUpgrade() was called more than once with the same socket, possibly due to a misconfiguration',
      );
    }
    if (this._state > State.Running && !this.#letsIn(socket)) {
      this.#refuse(exchange, 'closing', 503);
      return;
    }
    const lines = exchange.lines(key);
    let chosen = '';
    if (protocols.size > 0) {
      const protocol = options.handleProtocols
        ? options.handleProtocols(protocols, request)
        : protocols.values().next().value;
      if (protocol) {
        lines.push(`Sec-WebSocket-Protocol: ${protocol}`);
        chosen = protocol;
      }
    }
    const { 'permessage-deflate': deflate } = extensions;
    const inForce = deflate && agreed(deflate.params);
    if (inForce) lines.push(`Sec-WebSocket-Extensions: ${inForce.answer}`);
    this.emit('headers', lines, request);
    // In the context that those have entered.
    const made = new options.WebSocket(null, undefined, options);
    upgraded.add(socket);
    socket.removeListener('error', destroy);
    const terms = {
      greeting: exchange.accept(lines),
      protocol: chosen,
      extensions: inForce?.answer ?? '',
      ends: request.socket,
      owner: this.#counters,
      options: this.#acceptOptions.of(
        options,
        inForce && { terms: inForce.terms, options: deflateOptions(options) ?? {} },
        true,
      ),
    };
    const enterContext = made.takeSocket(socket, head, terms, this.#topics);
    this.#population.enter(made);
    made.on('close', this.#forget);
    if (channels.open.hasSubscribers) {
      channels.open.publish({ server: this, websocket: made, request });
    }
    callback(made, request);
    // Listeners of `connection` may have entered another.
    enterContext();
  }

  // ---- Beyond ws

  /**
   * Sends a message to all sockets that subscribe to the topic (WebSocket.subscribe()): framed once, and compressed
   * once for each set of parameters among them. It goes out in its place among what is sent otherwise, and is lost for
   * sockets whose peers are slow (`publishLimit`), which a `dropped` event tells.
   *
   * @param data as send() takes it, but no Blob; what prepare() has made as well.
   * @returns how many sockets of this process get it.
   * @throws TypeError for a topic that is no string, a Blob, and bytes that are sent as text and are not UTF-8.
   * @example
   * server.publish('news', JSON.stringify({ temperature: 21 }));
   */
  publish(topic: string, data: Publishable, options?: ServerPublishOptions): number {
    return this.#topics.publish(topic, data, options, options?.except?.member);
  }

  /** How many sockets of this process subscribe to the topic. */
  subscribers(topic: string): number {
    return this.#topics.subscribers(topic);
  }

  /**
   * Sends a message to all open sockets of the server, or to those that the filter lets through, as publish() does.
   *
   * @returns how many get it.
   * @example
   * server.broadcast('hello', { filter: (socket) => socket.protocol === 'v2' });
   */
  broadcast(data: Publishable, options?: BroadcastOptions): number {
    const { except, filter } = options ?? {};
    const members: OpenSession[] = [];
    for (const socket of this.#population.sockets) {
      if (socket !== except && (filter === undefined || filter(socket)))
        members.push(socket.member);
    }
    return this.#topics.publishTo(members, data, options);
  }

  /**
   * Ends the server without a rush: accepts no more, closes the sockets one after the other, so that their clients do
   * not all come back at once, and cuts off who is still there at the deadline. Whose handshake has begun is let in,
   * and gets its turn. `close` is emitted as after close().
   *
   * A server of Node's (`server`) goes on; what asks it for a WebSocket is answered 503 until all are gone.
   *
   * @returns what has become of the sockets, when none is left. A second call gets the promise of the first.
   * @throws TypeError, RangeError for wrong options.
   * @example
   * process.once('SIGTERM', () => void server.drain({ spread: 5000, deadline: 20_000 }));
   */
  drain(options?: DrainOptions): Promise<DrainResult> {
    const settings = drainSettings(options);
    if (this.#drain) return this.#drain.result;
    const connections = this.#population.sockets.size;
    channels.drain.publish({ server: this, connections, ...settings });
    const isRunning = this._state === State.Running;
    const listener = isRunning ? this.#listener : undefined;
    const { result } = (this.#drain = new Drain(this.#population, settings, listener));
    void result.then((counts) => channels.drained.publish({ server: this, ...counts }));
    if (!isRunning) return result;
    this._state = State.Closing;
    this._server = null;
    if (listener) listener.once('close', () => this.#emitClose());
    else {
      void result.then(() => {
        this.#removeListeners?.();
        nextTick(() => this.#emitClose());
      });
    }
    return result;
  }

  /** While it drains: a client that had come before. */
  #letsIn(socket: Duplex): boolean {
    if (this.#drain === undefined || this.#drain.isOver) return false;
    return isAccepted(socket) || this.#population.hadCome(socket);
  }

  /**
   * The descriptor of the listening socket, to be given to another process, which listens on it with the option `fd`
   * (docs/deploying.md); it stays this server's. Undefined with `server` and `noServer`, on a pipe of Windows', before
   * `listening`, and after close(). Who has asked for it takes the file of a Unix socket over, too: close() leaves it.
   */
  get fd(): number | undefined {
    return this.#listener?.fd;
  }

  /**
   * The address of the client that a request comes from. Without `trustedProxies`, and for a request that comes from
   * none of them, that is `request.socket.remoteAddress`.
   *
   * @returns undefined if it is not known: a client of a Unix socket, or one that a proxy does not tell.
   */
  clientAddress(request: IncomingMessage): string | undefined {
    const { remoteAddress, destroyed } = request.socket;
    const proxies = checkTrustedProxies(this.options.trustedProxies);
    // A socket that has ended does not know any more where it came from.
    if (!proxies || (remoteAddress === undefined && destroyed)) return remoteAddress;
    const value = request.headers[proxies.header] ?? '';
    return environment().addon.clientAddress(remoteAddress, String(value), proxies);
  }

  /**
   * What the server is doing, as OpenMetrics text for Prometheus and its like: connections, messages and bytes each
   * way, what was refused and dropped, the engine's turns. Answer requests for it with the type
   * `application/openmetrics-text; version=1.0.0; charset=utf-8`. See docs/server.md.
   *
   * Each open socket is asked for its counters, which takes some µs; nothing is done for a message.
   *
   * @throws TypeError for labels that cannot be used.
   */
  metrics(options?: MetricsOptions): string {
    const settings = metricsSettings(options);
    const delays = this.#loopDelay?.read();
    return metricsText(this.#population, this.stats, delays, this.brokerStats, settings);
  }

  /** Counters: connections, handshakes, and what was refused or ended for which limit. */
  get stats(): ServerStats {
    return this.#counters.with(this.#listener?.stats);
  }

  /** Counters of the `broker`; undefined without one. */
  get brokerStats(): BrokerStats | undefined {
    return this.#broker?.stats;
  }

  /**
   * Another certificate, for connections accepted from now on; those that stand are not touched.
   *
   * @throws Error for certificates and keys that cannot be used (the old ones stay); or if the server does not listen
   *   itself, over TLS.
   */
  setSecureContext(settings: ServerTlsSettings): void {
    const listener = this._server ? this.#listener : undefined;
    const tls = serverTls(settings);
    if (listener === undefined || tls === undefined) {
      throw new TypeError(
        'setSecureContext() is for servers that listen themselves, with a certificate',
      );
    }
    listener.setTls(tls);
  }
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WebSocketServer {
  /**
   * Closes, each of `clients` with 1001 ("going away"), and waits for the end: `await using server = …`. Where the
   * symbol exists.
   */
  [Symbol.asyncDispose](): Promise<void>;
}

inspectable(WebSocketServer.prototype, factsOf, ['options', 'clients']);
disposable(WebSocketServer.prototype, closeAndWait);
