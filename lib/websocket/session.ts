/**
 * The life of one socket: its connections one after the other (redirects, reconnecting), its state, and the events
 * that follow from both. The class itself only has the members users see.
 */
import { AsyncResource } from 'node:async_hooks';
import { Connection, type ConnectionHandlers, type ConnectionStats } from '../connection';
import { environment, logFailure } from '../environment';
import type { Closed, ConnectionFailure, Established, PeerCertificate } from '../native';
import { clearTimeout, forgetContext, nextTick, setTimeout } from '../runtime';
import { CLOSED_EARLY, onAbort, WebSocketError } from './errors';
import { channels } from './diagnostics';
import type { ReconnectInfo } from './events';
import { Intake } from './intake';
import * as handshake from './handshake';
import { offerOf, redirected, targetOf, type Request, type Settings } from './options';
import { Outbox, type SendCallback } from './outbox';
import { PingTimer } from './ping-timer';
import { CLOSED, CLOSING, CONNECTING, OPEN, type ReadyState } from './ready-state';
import { delayBefore } from './reconnect';
import type { SessionOwner } from './session-owner';
import type { WebSocket } from './websocket';

const NO_REASON = Buffer.alloc(0);

export class Session implements ConnectionHandlers {
  readyState: ReadyState = CONNECTING;
  readonly intake: Intake;
  protocol = '';
  /** The Sec-WebSocket-Extensions value in force. */
  extensions = '';
  /** Payload bytes that were sent after the end; the standard counts them. */
  lateBytes = 0;
  closedCleanly = false;
  readonly outbox: Outbox;
  readonly settings: Settings;
  readonly #owner: SessionOwner;
  readonly #socket: WebSocket;
  /** Whether CLOSED is entered before `error`, as the standard has it, or after, as ws. */
  readonly #strict: boolean;
  #request: Request;
  #connection: Connection | undefined;
  #redirects = 0;
  #attempt = 0;
  /** Since the first ping. */
  #pings: PingTimer | undefined;
  #opened = false;
  /** Of this connection: connect() was called. */
  #begun = false;
  /** Of this connection. */
  #established = false;
  /** The user has closed: no further attempt, and no error that is only a consequence. */
  #userClosed = false;
  /** What to report instead of what the connection says. */
  #cause: Error | undefined;
  /** An error of an open connection that reconnecting may make good. */
  #held: Error | undefined;
  /** The same, whether it has been emitted or not. */
  #broken: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ref = true;
  #forgetSignal: () => void = () => undefined;
  /** The context that the socket was made in, for its listeners and functions; until its end. */
  readonly #scope = new AsyncResource('WebSocket');

  constructor(socket: WebSocket, owner: SessionOwner, settings: Settings, strict: boolean) {
    this.#socket = socket;
    this.#owner = owner;
    this.#strict = strict;
    this.settings = settings;
    this.intake = new Intake(strict ? 'blob' : 'nodebuffer', this);
    this.#request = settings.first;
    const { reconnect, defaults, first } = settings;
    const sendLimit = first.options.sendLimit ?? defaults.sendLimit;
    this.outbox = new Outbox(reconnect?.keep ?? false, sendLimit, this);
  }

  /** For the outbox: what was to be sent cannot be read, and nobody else can be told. */
  sendFailed(error: Error): void {
    if (this.readyState !== OPEN) return;
    this.#scope.runInAsyncScope(() => this.#break(error));
    this.#connection?.terminate();
  }

  get url(): string {
    return this.#request.href;
  }

  get origin(): string {
    return this.#request.url.origin;
  }

  get connection(): Connection | undefined {
    return this.#connection;
  }

  /** Of the connection that has ended. */
  #lastStats: ConnectionStats | undefined;

  // ---- Beginning

  /** Throws for options that cannot be used; nothing has begun then. */
  start(): void {
    this.#begin(false);
    this.#forgetSignal = onAbort(this.settings.signal, (error) => this.giveUp(error));
  }

  #begin(redirect: boolean): void {
    const { dispatcher, tls } = environment();
    const target = targetOf(this.settings, this.#request, tls);
    const connection = new Connection(dispatcher, this, this.#scope);
    if (!this.#ref) connection.unref();
    this.#begun = false;
    this.#established = false;
    this.#connection = connection;
    const connect = (): void => {
      if (this.#connection !== connection || this.readyState !== CONNECTING) return;
      this.#begun = true;
      try {
        connection.connect(target);
      } catch (error) {
        this.#connection = undefined;
        throw error;
      }
    };
    const socket = this.#socket;
    const { finishRequest } = this.settings;
    const watched = redirect && socket.listenerCount('redirect') > 0;
    if (!finishRequest && !watched) return connect();
    const request = this.#ask(connection, target.options.headers, target.options.hostHeader, () => {
      target.options.headers = request.lines().filter((line) => !/^host:/i.test(line));
      target.options.hostHeader = String(request.getHeader('host') ?? target.options.hostHeader);
      connect();
    });
    if (watched) socket.emit('redirect', this.url, request);
    if (finishRequest) finishRequest(request, socket);
    else if (!request.aborted) request.end();
  }

  #ask(
    connection: Connection | undefined,
    lines: readonly string[],
    host: string,
    end: () => void,
  ): handshake.HandshakeRequest {
    return handshake.requestOf(this.#request.url, lines, host, end, (error) => {
      if (this.#connection !== connection) return;
      this.giveUp(error ?? Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' }));
    });
  }

  // ---- Connection handlers, until it is open

  onCertificate(_certificate: PeerCertificate): void {
    // The connection itself asks checkServerIdentity.
  }

  onRedirect(failure: ConnectionFailure): void {
    this.#connection = undefined;
    const { followRedirects, maxRedirects, first } = this.settings;
    if (!followRedirects || failure.location === undefined || this.#cause) {
      logFailure('ERR_HTTP_STATUS', `status ${failure.status}, which is not followed`);
      this.#refused(failure);
      return;
    }
    this.#redirects += 1;
    if (this.#redirects > maxRedirects) {
      logFailure('ERR_REDIRECT_LIMIT', `more than ${maxRedirects} redirects`);
      this.#refused({ ...failure, code: 'ERR_REDIRECT_LIMIT', location: undefined });
      return;
    }
    try {
      const keep = this.#socket.listenerCount('redirect') > 0;
      this.#request = redirected(this.#request, first, failure.location, keep);
      this.#begin(true);
    } catch (error) {
      logFailure('ERR_REDIRECT_FAILED', (error as Error).message);
      this.#unmade(error as Error);
    }
  }

  onFailure(failure: ConnectionFailure): void {
    // What checkServerIdentity said is the error, as in Node.
    this.#cause ??= this.#connection?.identityError;
    this.#connection = undefined;
    const location = handshake.locationOf(failure);
    if (location !== undefined && this.settings.followRedirects && !this.#cause) {
      this.onRedirect({ ...failure, location });
    } else {
      this.#refused(failure);
    }
  }

  /** There was an answer, or none, but no connection. */
  #refused(failure: ConnectionFailure): void {
    const socket = this.#socket;
    const cause = this.#cause;
    this.#cause = undefined;
    if (!cause && handshake.isUpgrade(failure) && this.#upgraded(failure)) return;
    const answered = failure.status !== undefined && failure.code !== 'ERR_REDIRECT_LIMIT';
    if (
      !cause &&
      answered &&
      failure.status !== 101 &&
      socket.listenerCount('unexpected-response') > 0
    ) {
      const { url, options } = this.#request;
      const lines = Object.entries(options.headers ?? {}).map((pair) => pair.join(': '));
      const request = this.#ask(undefined, lines, url.hostHeader, () => undefined);
      socket.emit('unexpected-response', request, handshake.responseOf(failure));
      return;
    }
    this.#unmade(cause ?? this.#errorOf(failure));
  }

  #errorOf(failure: ConnectionFailure): WebSocketError {
    return new WebSocketError(failure, offerOf(this.#request));
  }

  /** A connection could not be made. */
  #unmade(error: Error): void {
    if (!this.#retry({ code: 1006, reason: '', error })) this.#fail(error);
  }

  onEstablished(info: Established): void {
    const socket = this.#socket;
    this.#established = true;
    const connection = this.#connection as Connection;
    if (this.#upgraded(info)) return;
    this.#cause = handshake.refusedParameter(info.extensions, this.settings.refusedParameters);
    if (this.#cause) return connection.terminate();
    this.protocol = info.protocol;
    this.extensions = info.extensions;
    const again = this.#opened;
    const attempts = this.#attempt;
    this.#opened = true;
    this.#attempt = 0;
    this.#forgetSignal();
    this.readyState = OPEN;
    this.intake.isEnding = false;
    this.outbox.attach(connection);
    if (this.intake.isHeld) connection.pause();
    if (channels.open.hasSubscribers) {
      const { protocol, extensions } = this;
      const address = info.remoteAddress;
      channels.open.publish({ websocket: socket, url: this.url, address, protocol, extensions });
    }
    try {
      socket.emit('open');
      if (again) socket.emit('reconnected', attempts);
    } finally {
      // After what the listeners of `open` send: a login, say.
      if (this.#connection === connection) this.outbox.resend();
    }
  }

  /** The server has upgraded. Says whether a listener has ended the socket. */
  #upgraded(answer: Established | ConnectionFailure): boolean {
    const socket = this.#socket;
    if (socket.listenerCount('upgrade') === 0) return false;
    socket.emit('upgrade', handshake.responseOf(answer));
    return this.#cause !== undefined || this.readyState !== CONNECTING;
  }

  // ---- Connection handlers, while it is open

  onMessage(data: string | Buffer, isBinary: boolean): void {
    // "If ready state is not OPEN (1), then return." ws goes on until the end.
    if (this.#strict && this.readyState !== OPEN) return;
    const { intake } = this;
    const value = isBinary ? intake.convert(data as Buffer) : data;
    if (intake.isIterated) intake.offer(value, data.length, isBinary);
    if (!this.settings.allowSynchronousEvents) intake.oneATurn();
    this.#owner.message(this.#socket, value, isBinary);
  }

  onPing(data: Buffer): void {
    const socket = this.#socket;
    if (channels.ping.hasSubscribers) channels.ping.publish({ websocket: socket, payload: data });
    if (!this.settings.allowSynchronousEvents) this.intake.oneATurn();
    socket.emit('ping', data);
  }

  onPong(data: Buffer): void {
    const socket = this.#socket;
    this.#pings?.answered(data);
    if (channels.pong.hasSubscribers) channels.pong.publish({ websocket: socket, payload: data });
    if (!this.settings.allowSynchronousEvents) this.intake.oneATurn();
    socket.emit('pong', data);
  }

  ping(data: unknown, masked: boolean, callback: SendCallback | undefined): void {
    this.outbox.control('ping', data, masked, callback);
    this.#pings ??= new PingTimer();
    this.#pings.sent(data);
  }

  /** Counters of the connection, or of the last one. */
  get stats(): ConnectionStats | undefined {
    const stats = this.#connection?.stats() ?? this.#lastStats;
    if (!stats || stats.roundTripTime >= 0 || !this.#pings) return stats;
    return { ...stats, roundTripTime: this.#pings.roundTripTime };
  }

  onDrain(): void {
    // On its way here it may have been overtaken by further messages; another one follows then.
    const { first, defaults } = this.settings;
    const mark = first.options.highWaterMark ?? defaults.highWaterMark;
    if ((this.#connection?.bufferedAmount ?? 0) > mark) return;
    this.outbox.drained();
    this.#socket.emit('drain');
  }

  onFlushed(bytes: number): void {
    this.outbox.flushed(bytes);
  }

  afterSending(then: () => void): void {
    this.outbox.after(then);
  }

  onEndHeld(): void {
    this.intake.isEnding = true;
  }

  onPeerClose(): void {
    if (this.readyState === OPEN) this.readyState = CLOSING;
  }

  onError(failure: ConnectionFailure): void {
    this.#break(this.#errorOf(failure));
  }

  /** The open connection is of no use any more; its end follows. */
  #break(error: Error): void {
    // One error is enough: what follows is no news.
    if (this.#broken) return;
    if (this.readyState === OPEN) this.readyState = CLOSING;
    this.#broken = error;
    // Whether it is one is decided when the connection has closed; and in the standard both come together.
    if (this.#strict || (this.settings.reconnect && !this.#userClosed)) this.#held = error;
    else this.#emitError(error);
  }

  onClosed(code: number, info: Closed): void {
    this.#lastStats = this.#connection?.stats();
    const unsent = this.#connection?.bufferedAmount ?? 0;
    this.#connection = undefined;
    const cause = this.#cause;
    this.#cause = undefined;
    if (!this.#established || cause) {
      this.#unmade(cause ?? new Error(info.detail || 'the connection was closed'));
      return;
    }
    const error = this.#held;
    this.#held = undefined;
    const reason = info.reason.length > 0 ? Buffer.from(info.reason) : NO_REASON;
    if (this.#retry({ code, reason: reason.toString(), error })) return;
    this.lateBytes += unsent;
    try {
      if (error && this.#strict) this.readyState = CLOSED;
      if (error) this.#emitError(error);
    } finally {
      this.#finish(code, reason, info.clean, this.#broken);
    }
  }

  // ---- Trying again

  #retry(loss: Omit<ReconnectInfo, 'attempt' | 'delay'>): boolean {
    const policy = this.settings.reconnect;
    if (!policy || this.#userClosed || this.#attempt >= policy.attempts) return false;
    const attempt = this.#attempt + 1;
    const info = { ...loss, attempt, delay: delayBefore(policy, attempt) };
    if (!policy.when(info)) return false;
    this.#attempt = attempt;
    this.#broken = undefined;
    this.readyState = CONNECTING;
    this.#request = this.settings.first;
    this.#redirects = 0;
    this.#timer = setTimeout(() => this.#again(), info.delay);
    if (!this.#ref) this.#timer.unref();
    try {
      this.outbox.detach();
    } finally {
      const websocket = this.#socket;
      if (channels.reconnecting.hasSubscribers) channels.reconnecting.publish({ websocket, info });
      websocket.emit('reconnecting', info);
    }
    return true;
  }

  #again(): void {
    this.#timer = undefined;
    try {
      this.#begin(false);
    } catch (error) {
      this.#unmade(error as Error);
    }
  }

  // ---- Ending

  /** close(). The arguments have been checked. */
  close(code: number, reason: string | Uint8Array | undefined): void {
    if (this.readyState === CONNECTING) return this.giveUp(new Error(CLOSED_EARLY));
    if (this.readyState !== OPEN) return;
    this.readyState = CLOSING;
    this.#userClosed = true;
    const connection = this.#connection;
    this.outbox.after(() => connection?.close(code, reason));
    // What a loop over messages has not taken would stand before the peer's Close frame.
    this.intake.forget();
  }

  terminate(): void {
    if (this.readyState === CLOSED) return;
    if (this.readyState === CONNECTING) return this.giveUp(new Error(CLOSED_EARLY));
    this.readyState = CLOSING;
    this.#userClosed = true;
    this.intake.forget();
    this.#connection?.terminate();
  }

  /** Ends what is not open. `error` and `close` follow, later. */
  giveUp(error: Error): void {
    if (this.readyState !== CONNECTING || this.#userClosed) return;
    this.#userClosed = true;
    this.readyState = CLOSING;
    clearTimeout(this.#timer);
    const waiting = this.#timer !== undefined;
    this.#timer = undefined;
    const connection = this.#connection;
    // Else finishRequest has not let it go.
    if (connection && this.#begun) {
      this.#cause = error;
      connection.terminate();
      return;
    }
    this.#connection = undefined;
    const end = (): void => {
      // It was open once, and nothing but the wait for the next attempt was given up.
      if (waiting && this.#opened) this.#finish(1006, NO_REASON, false, undefined);
      else this.#fail(error);
    };
    nextTick(this.#scope.bind(end));
  }

  #fail(error: Error): void {
    this.readyState = this.#strict ? CLOSED : CLOSING;
    try {
      this.#emitError(error);
    } finally {
      this.#finish(1006, NO_REASON, false, error);
    }
  }

  #emitError(error: Error): void {
    if (channels.error.hasSubscribers) channels.error.publish({ websocket: this.#socket, error });
    this.#owner.error(this.#socket, error);
  }

  #finish(code: number, reason: Buffer, clean: boolean, error: Error | undefined): void {
    const socket = this.#socket;
    if (!this.#strict) this.readyState = CLOSING;
    this.closedCleanly = clean;
    this.#forgetSignal();
    // When the listeners of `close` have run.
    nextTick(forgetContext, this.#scope);
    if (channels.close.hasSubscribers) {
      const message = { websocket: socket, code, reason: reason.toString(), wasClean: clean };
      channels.close.publish(message);
    }
    const lost =
      code === 1006 && !this.#userClosed ? new Error('the connection was lost (1006)') : undefined;
    this.intake.end(error ?? lost);
    try {
      // ws's callbacks still see CLOSING.
      this.outbox.end();
    } finally {
      this.readyState = CLOSED;
      socket.emit('close', code, reason);
    }
  }

  // ---- The process

  setRef(on: boolean): void {
    this.#ref = on;
    if (on) {
      this.#connection?.ref();
      this.#timer?.ref();
    } else {
      this.#connection?.unref();
      this.#timer?.unref();
    }
  }
}
