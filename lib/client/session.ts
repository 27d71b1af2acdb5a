/**
 * The life of one client: its connections one after the other (redirects, reconnecting), until one is open, and
 * whether another one follows.
 */
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { Connection } from '../addon/connection';
import { environment, logFailure } from '../addon/environment';
import type { Closed, ConnectionFailure, Established, PeerCertificate } from '../addon/contract';
import { clearTimeout, nextTick, setTimeout } from '../base/runtime';
import { CLOSED_EARLY, onAbort, WebSocketError } from '../session/errors';
import { channels } from '../session/diagnostics';
import type { ReconnectInfo } from '../session/events';
import { Exchange, lateFailure } from './exchange';
import { checkAgreement, failureOf } from './agreement';
import { isUpgrade, locationOf, refusedParameter } from './handshake';
import {
  offerOf,
  optionsOverStream,
  redirected,
  sourceOf,
  targetOf,
  type Request,
  type Settings,
} from './options';
import type { StreamSource } from './route';
import { acceptOptionsOf, StreamHandshake, type StreamHandshakeOwner } from './stream-handshake';
import { attach } from '../sockets/attach';
import { NO_REASON, OpenSession } from '../session/open-session';
import { CONNECTING } from '../session/ready-state';
import { delayBefore } from './reconnect';
import { announce, heard, type SocketFace } from '../session/socket-face';
import { endsOf, type Ends, type StreamEnds } from '../session/socket-view';

/** One for all: ten thousand idle connections notice. */
const nothing = (): void => undefined;

export class Session extends OpenSession implements StreamHandshakeOwner {
  readonly settings: Settings;
  #request: Request;
  #redirects = 0;
  #attempt = 0;
  #opened = false;
  /** Of this connection: connect() was called. */
  #begun = false;
  /** Of this connection. */
  #established = false;
  /** What to report instead of what the connection says. */
  #cause: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** The attempt under way, until it is established. */
  #exchange: Exchange | undefined;
  /** The same, over a stream that the engine has not made. */
  #overStream: StreamHandshake | undefined;
  #forgetSignal = nothing;

  constructor(socket: SocketFace, settings: Settings, strict: boolean) {
    const { reconnect, defaults, first, allowSynchronousEvents } = settings;
    const open = {
      allowSynchronousEvents,
      keepsUnsent: reconnect?.keep ?? false,
      sendLimit: first.options.sendLimit ?? defaults.sendLimit,
      highWaterMark: first.options.highWaterMark ?? defaults.highWaterMark,
    };
    super(socket, open, strict);
    this.settings = settings;
    this.#request = first;
  }

  get url(): string {
    return this.#request.href;
  }

  get origin(): string {
    return this.#request.url.origin;
  }

  /** Redirects that were followed, of this attempt. */
  get redirects(): number {
    return this.#redirects;
  }

  /** The request under way. */
  get request(): ClientRequest | undefined {
    return this.#overStream?.request ?? this.#exchange?.request;
  }

  protected override get mayRecover(): boolean {
    return this.settings.reconnect !== undefined;
  }

  // ---- Beginning

  /** Throws for options that cannot be used; nothing has begun then. */
  start(): void {
    this.#begin(false);
    const { signal } = this.settings;
    if (signal) this.#forgetSignal = onAbort(signal, (error) => this.giveUp(error));
  }

  #begin(redirect: boolean): void {
    const source = sourceOf(this.settings, this.#request);
    if (source) {
      this.#askFor(source, redirect);
      return;
    }
    const { dispatcher, tls } = environment();
    const target = targetOf(this.settings, this.#request, tls);
    const connection = new Connection(dispatcher, this, this.scope);
    if (!this.hasRef) connection.unref();
    this.#begun = false;
    this.#established = false;
    this.connection = connection;
    const exchange = new Exchange(this.#request.url, target, (error) => this.giveUp(error));
    this.#exchange?.close();
    this.#exchange = exchange;
    const connect = (): void => {
      if (this.connection !== connection || this.readyState !== CONNECTING) return;
      this.#begun = true;
      try {
        connection.connect(target);
      } catch (error) {
        this.connection = undefined;
        throw error;
      }
    };
    const socket = this.socket;
    const { finishRequest } = this.settings;
    const watched = redirect && socket[heard]('redirect');
    if (!finishRequest && !watched) return connect();
    const request = exchange.prepare(connect, (failure) => {
      this.connection = undefined;
      this.#refused(connection, failure);
    });
    exchange.setRef(this.hasRef);
    try {
      if (watched) socket[announce]('redirect', this.url, request);
      // The option and the socket are of one class.
      if (finishRequest) finishRequest(request, socket as never);
      else if (!request.aborted) request.end();
    } catch (error) {
      if (!this.#begun) exchange.close();
      throw error;
    }
  }

  /** Begins over a stream that Node gets from somebody else. */
  #askFor(source: StreamSource, redirect: boolean): void {
    const options = optionsOverStream(this.settings, this.#request, environment().tls);
    const { url } = this.#request;
    const { given, finishRequest } = this.settings;
    const run = (then: () => void): void => this.scope.runInAsyncScope(then);
    this.connection = undefined;
    this.#established = false;
    const handshake = new StreamHandshake(url, options, given, source, this, run);
    this.#overStream = handshake;
    handshake.setRef(this.hasRef);
    const { socket } = this;
    if (redirect) socket[announce]('redirect', this.url, handshake.request);
    if (finishRequest) finishRequest(handshake.request as never, socket as never);
    else handshake.request.end();
  }

  // ---- Of a handshake over a stream

  streamFailed(error: Error): void {
    this.#overStream = undefined;
    this.#unmade(error);
  }

  streamTimedOut(): void {
    this.#overStream?.abort();
    const { handshakeTimeout } = this.#overStream?.options ?? {};
    this.#overStream = undefined;
    this.#unmade(this.errorOf(lateFailure(`no answer within ${handshakeTimeout} ms`)));
  }

  streamAnswered(response: IncomingMessage): void {
    const handshake = this.#overStream as StreamHandshake;
    const { socket } = this;
    const failure = failureOf(response, 'HS: ws upgrade response not 101');
    const location = locationOf(failure);
    const follows = location !== undefined && this.settings.followRedirects;
    if (!follows && socket[announce]('unexpected-response', handshake.request, response)) return;
    handshake.abort();
    this.#overStream = undefined;
    if (follows) this.onRedirect({ ...failure, location });
    else this.#unmade(this.errorOf(failure));
  }

  streamUpgraded(response: IncomingMessage, stream: Duplex, head: Buffer): void {
    const handshake = this.#overStream as StreamHandshake;
    const { options, key } = handshake;
    this.socket[announce]('upgrade', response);
    if (this.#overStream !== handshake) return; // a listener has ended it
    this.#overStream = undefined;
    const fail = (error: Error): void => {
      stream.on('error', () => undefined).destroy();
      this.#unmade(error);
    };
    const agreed = checkAgreement(response, key, options);
    if ('code' in agreed) return fail(this.errorOf(agreed));
    const { refusedParameters } = this.settings;
    const refused = refusedParameter(agreed.extensions, refusedParameters);
    if (refused) return fail(refused);
    const terms = { ...agreed, greeting: '', options: acceptOptionsOf(options, agreed.deflate) };
    const connection = attach(stream, head, terms, { handlers: this, scope: this.scope });
    if (!connection) return fail(new Error('the server has closed the connection'));
    this.connection = connection;
    if (!this.hasRef) connection.unref();
    this.#established = true;
    this.#isOpen(connection, agreed, { stream });
  }

  // ---- Connection handlers, until it is open

  onCertificate(_certificate: PeerCertificate): void {
    // The connection itself asks checkServerIdentity.
  }

  onRedirect(failure: ConnectionFailure): void {
    const { connection } = this;
    this.connection = undefined;
    const { followRedirects, maxRedirects, first } = this.settings;
    if (!followRedirects || failure.location === undefined || this.#cause) {
      logFailure('ERR_HTTP_STATUS', `status ${failure.status}, which is not followed`);
      this.#refused(connection, failure);
      return;
    }
    this.#redirects += 1;
    if (this.#redirects > maxRedirects) {
      logFailure('ERR_REDIRECT_LIMIT', `more than ${maxRedirects} redirects`);
      const limit = { ...failure, code: 'ERR_REDIRECT_LIMIT', location: undefined };
      this.#refused(connection, limit);
      return;
    }
    try {
      const keep = this.socket[heard]('redirect');
      this.#request = redirected(this.#request, first, failure.location, keep);
      this.#begin(true);
    } catch (error) {
      logFailure('ERR_REDIRECT_FAILED', (error as Error).message);
      this.#unmade(error as Error);
    }
  }

  onFailure(failure: ConnectionFailure): void {
    // What checkServerIdentity said is the error, as in Node.
    const { connection } = this;
    this.#cause ??= connection?.identityError;
    const location = locationOf(failure);
    if (location !== undefined && this.settings.followRedirects && !this.#cause) {
      this.onRedirect({ ...failure, location });
      return;
    }
    this.connection = undefined;
    this.#refused(connection, failure);
  }

  /** There was an answer, or none, but no connection. */
  #refused(connection: Connection | undefined, failure: ConnectionFailure): void {
    const { socket } = this;
    const cause = this.#cause;
    this.#cause = undefined;
    const exchange = this.#exchange as Exchange;
    if (!cause && isUpgrade(failure) && this.#upgraded(failure, exchange)) return;
    const answered = failure.status !== undefined && failure.code !== 'ERR_REDIRECT_LIMIT';
    if (!cause && answered && failure.status !== 101 && socket[heard]('unexpected-response')) {
      const response = exchange.refused(failure, connection?.body);
      socket[announce]('unexpected-response', exchange.request, response);
      return;
    }
    this.#unmade(cause ?? this.errorOf(failure));
  }

  protected errorOf(failure: ConnectionFailure): WebSocketError {
    return new WebSocketError(failure, offerOf(this.#request));
  }

  /** A connection could not be made. */
  #unmade(error: Error): void {
    if (!this.#retry({ code: 1006, reason: '', error })) this.#fail(error);
  }

  onEstablished(info: Established): void {
    this.#established = true;
    const connection = this.connection as Connection;
    const exchange = this.#exchange as Exchange;
    this.#exchange = undefined;
    exchange.close();
    if (this.#upgraded(info, exchange)) return;
    this.#cause = refusedParameter(info.extensions, this.settings.refusedParameters);
    if (this.#cause) return connection.terminate();
    this.#isOpen(connection, info, endsOf(info));
  }

  #isOpen(
    connection: Connection,
    agreed: Pick<Established, 'protocol' | 'extensions'>,
    ends: Ends | StreamEnds,
  ): void {
    const { socket } = this;
    this.protocol = agreed.protocol;
    this.extensions = agreed.extensions;
    const again = this.#opened;
    const attempts = this.#attempt;
    this.#opened = true;
    this.#attempt = 0;
    this.#forgetSignal();
    this.#forgetSignal = nothing;
    this.enterOpen(connection, ends);
    try {
      socket[announce]('open');
      if (again) socket[announce]('reconnected', attempts);
    } finally {
      // After what the listeners of `open` send: a login, say.
      if (this.connection === connection) this.outbox.resend();
    }
  }

  /** The server has upgraded. Says whether a listener has ended the socket. */
  #upgraded(answer: Established | ConnectionFailure, exchange: Exchange): boolean {
    const socket = this.socket;
    if (!socket[heard]('upgrade')) return false;
    socket[announce]('upgrade', exchange.upgraded(answer));
    return this.#cause !== undefined || this.readyState !== CONNECTING;
  }

  onClosed(code: number, info: Closed): void {
    const unsent = this.leave(info);
    const cause = this.#cause;
    this.#cause = undefined;
    if (!this.#established || cause) {
      this.#unmade(cause ?? new Error(info.detail || 'the connection was closed'));
      return;
    }
    const reason = info.reason.length > 0 ? Buffer.from(info.reason) : NO_REASON;
    if (this.#retry({ code, reason: reason.toString(), error: this.untold })) return;
    this.ended(code, reason, info, unsent);
  }

  // ---- Trying again

  #retry(loss: Omit<ReconnectInfo, 'attempt' | 'delay'>): boolean {
    const policy = this.settings.reconnect;
    if (!policy || this.byUser || this.#attempt >= policy.attempts) return false;
    const attempt = this.#attempt + 1;
    const info = { ...loss, attempt, delay: delayBefore(policy, attempt) };
    if (!policy.when(info)) return false;
    this.#attempt = attempt;
    this.startAnew();
    this.#request = this.settings.first;
    this.#redirects = 0;
    this.#timer = setTimeout(() => this.#again(), info.delay);
    if (!this.hasRef) this.#timer.unref();
    try {
      this.outbox.detach();
    } finally {
      const websocket = this.socket;
      if (channels.reconnecting.hasSubscribers) channels.reconnecting.publish({ websocket, info });
      websocket[announce]('reconnecting', info);
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

  protected closeEarly(): void {
    this.giveUp(new Error(CLOSED_EARLY));
  }

  /** Ends what is not open. `error` and `close` follow, later. */
  giveUp(error: Error): void {
    if (!this.abandon()) return;
    clearTimeout(this.#timer);
    this.#exchange?.drop();
    this.#overStream?.abort();
    this.#overStream = undefined;
    const waiting = this.#timer !== undefined;
    this.#timer = undefined;
    const connection = this.connection;
    // Else finishRequest has not let it go.
    if (connection && this.#begun) {
      this.#cause = error;
      connection.terminate();
      return;
    }
    this.connection = undefined;
    const end = (): void => {
      // It was open once, and nothing but the wait for the next attempt was given up.
      if (waiting && this.#opened) this.finish(1006, NO_REASON, false, undefined);
      else this.#fail(error);
    };
    nextTick(this.scope.bind(end));
  }

  #fail(error: Error): void {
    this.failing();
    try {
      this.emitError(error);
    } finally {
      this.finish(1006, NO_REASON, false, error);
    }
  }

  protected override finish(
    code: number,
    reason: Buffer,
    clean: boolean,
    error: Error | undefined,
  ): void {
    this.#forgetSignal();
    super.finish(code, reason, clean, error);
  }

  override setRef(on: boolean): void {
    super.setRef(on);
    this.#exchange?.setRef(on);
    this.#overStream?.setRef(on);
    if (on) this.#timer?.ref();
    else this.#timer?.unref();
  }
}
