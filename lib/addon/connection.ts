/**
 * One connection, for the life of one attempt: connecting, open, closing, closed. Both public faces stand on it.
 *
 * Everything here runs on the JavaScript thread. Nothing is ever called back from inside a method: handlers are
 * called by the {@link Dispatcher} only, from a batch.
 */
import { AsyncResource } from 'node:async_hooks';
import { X509Certificate } from 'node:crypto';
import {
  State,
  type CheckServerIdentity,
  type Companion,
  type ConnectionHandlers,
  type ConnectionOwner,
  type ConnectionStats,
  type ConnectionStream,
  type LookupFunction,
  type Target,
} from './connection-types';
import { ROUND_TRIP_TIME, STATS_FIELDS, statsOf } from './connection-stats';
import type { Dispatcher } from './dispatcher';
import { lookUp, resolvesHere } from './lookup';
import type {
  AcceptOptions,
  Bytes,
  Closed,
  ConnectionFailure,
  ConnectOptions,
  Established,
  NativeAddon,
  PeerCertificate,
  PreparedHandle,
} from './contract';
import { Kind, SendResult } from './contract';
import { HeldEvents, isTerminal } from './held-events';
import { abortedFailure, finishFailure } from './reasons';
import { RefusalBody } from './refusal-body';
import { nextTick } from '../base/runtime';

export type {
  CheckServerIdentity,
  ConnectionHandlers,
  ConnectionOwner,
  ConnectionStats,
  ConnectionStream,
  LookupFunction,
  Target,
} from './connection-types';
export { State } from './connection-types';

/** A Close frame without a code (RFC 6455 §7.4.1). */
const NO_STATUS = 1005;

export class Connection {
  private currentState = State.Connecting;
  private number = 0;
  private begun = false;
  /** close() or terminate() came before it was established. */
  private aborted = false;
  private refed = true;
  private paused = false;
  /** Undefined: nothing was. */
  private held: HeldEvents | undefined;
  /** Until it is established: ten thousand idle connections notice. */
  private target: Target | undefined;
  private textAsBuffer = false;
  /** As they were when the number was given back. */
  private lastStats: Float64Array | undefined;
  private lastBufferedAmount = 0;
  private refusal: Error | undefined;
  /** Of a refusal, while onFailure or onRedirect tells of it: what may still come of the response. */
  body: RefusalBody | undefined;

  /** Whether events have to go through {@link hold}. For the dispatcher, which reads it for each event. */
  isHolding = false;
  lot = -1;

  /**
   * @param dispatcher `environment().dispatcher`; a test gives its own.
   * @param handlers where events go.
   * @param scope what they run in; default: the context of the caller.
   */
  constructor(
    private readonly dispatcher: Dispatcher,
    public handlers: ConnectionHandlers,
    public scope = new AsyncResource('WebSocket'),
  ) {}

  get state(): State {
    return this.currentState;
  }

  /** The number of the connection in the addon; 0 before it has one and after the terminal event. */
  get id(): number {
    return this.number;
  }

  /** The subprotocol in use, or ''; it stays after it closed. */
  protocol = '';
  /** The Sec-WebSocket-Extensions value in force, as the server sent it, or ''. */
  extensions = '';

  /** What checkServerIdentity returned or threw, if it refused the certificate. */
  get identityError(): Error | undefined {
    return this.refusal;
  }

  // ---- Its life

  /**
   * Begins; once. No handler is called before it returns.
   *
   * @throws Error if the engine cannot be started.
   */
  connect(target: Target): void {
    if (this.begun) throw new Error('a Connection connects once');
    this.dispatcher.start();
    this.begun = true;
    this.target = target;
    if (this.refed) this.dispatcher.hold();
    const { options, lookup } = target;
    if (lookup !== undefined && resolvesHere(options)) this.useLookup(lookup, options);
    else this.begin(options);
  }

  // ---- Its life, where it was not made by connecting

  /** Told when it has ended, before its terminal handler. */
  owner: ConnectionOwner | undefined;
  /** What stands for its socket, and ends with it; weakly while nobody else has it, or waits for it. */
  companion: Companion | WeakRef<Companion> | undefined;
  /** The stream it goes over, if it is not a socket of the engine's. */
  stream: ConnectionStream | undefined;

  /** A client of a listener asks for an upgrade: the engine has the connection, which waits to be decided. */
  arrive(id: number): void {
    this.begun = true;
    this.number = id;
    if (this.refed) this.dispatcher.hold();
    this.dispatcher.add(id, this);
  }

  /** Accepts what has arrived: the connection is open, and tells these handlers. */
  accept(
    response: string,
    options: AcceptOptions,
    handlers: ConnectionHandlers,
    scope: AsyncResource,
  ): void {
    this.handlers = handlers;
    this.scope = scope;
    this.opened(options);
    this.dispatcher.addon.accept(this.number, response, options);
    this.dispatcher.queued(this, 0);
  }

  /** Refuses it: the response goes out, and `onClosed` follows. */
  refuse(response: string): void {
    if (this.number === 0 || this.currentState !== State.Connecting) return;
    this.currentState = State.Closing;
    this.dispatcher.addon.refuse(this.number, response);
  }

  /** Takes a connection that is open already; `make` gives its number. */
  adopt(options: AcceptOptions, make: (addon: NativeAddon) => number): void {
    this.dispatcher.start();
    this.number = make(this.dispatcher.addon);
    this.begun = true;
    this.opened(options);
    if (this.refed) this.dispatcher.hold();
    this.dispatcher.add(this.number, this);
  }

  private opened(options: AcceptOptions): void {
    this.textAsBuffer = options.textAsBuffer;
    this.currentState = State.Open;
  }

  /** What the stream has read. Answers whether it should go on reading; else `onDrain` of the stream follows. */
  feed(data: Buffer): boolean {
    return this.number === 0 || this.dispatcher.addon.feed(this.number, data);
  }

  /** The stream has ended. */
  feedEnd(error?: string): void {
    if (this.number !== 0) this.dispatcher.addon.feedEnd(this.number, error);
  }

  /** The stream has taken so many bytes. */
  took(bytes: number): void {
    if (this.number !== 0) this.dispatcher.addon.took(this.number, bytes);
  }

  private begin(options: ConnectOptions): void {
    const { id, tls, options: own } = this.target as Target;
    try {
      // The engine may have gone while the name was looked up.
      if (options !== own) this.dispatcher.start();
      this.number =
        tls === undefined
          ? this.dispatcher.addon.connect(options, options === own ? id : 0)
          : this.dispatcher.addon.connect({ ...options, tls: tls.handle }, 0);
    } catch (error) {
      this.end();
      throw error;
    }
    this.dispatcher.add(this.number, this);
  }

  private useLookup(lookup: LookupFunction, options: ConnectOptions): void {
    lookUp(lookup, options, (result) => {
      if (this.currentState !== State.Connecting) return;
      if (!Array.isArray(result)) this.fail(result);
      else {
        try {
          this.begin({ ...options, addresses: result });
        } catch (error) {
          this.fail({
            code: 'ERR_CONNECTION_FAILED',
            reason: 'connect failed',
            detail: String(error),
          });
        }
      }
    });
  }

  /** Fails before native code has the connection. */
  private fail(failure: ConnectionFailure): void {
    this.dispatcher.logFailure(failure.code, failure.detail);
    // begin() may have done it.
    if (this.currentState !== State.Closed) this.end();
    this.scope.runInAsyncScope(this.handlers.onFailure, this.handlers, failure);
  }

  /** Everything that ends with the connection, before its terminal handler is called. */
  private end(excess?: Closed['excess']): void {
    if (this.number !== 0) {
      const { addon } = this.dispatcher;
      this.lastBufferedAmount = addon.bufferedAmount(this.number);
      this.lastStats = new Float64Array(STATS_FIELDS);
      addon.stats(this.number, this.lastStats);
      this.dispatcher.remove(this.number);
      this.number = 0;
    }
    this.currentState = State.Closed;
    this.target = undefined;
    this.owner?.connectionEnded(excess);
    const { companion } = this;
    (companion instanceof WeakRef ? companion.deref() : companion)?.connectionEnded();
    if (this.refed) this.dispatcher.unhold();
  }

  // ---- Sending

  /**
   * Sends a message or a fragment; flags as in SendFlag. Only when it is open: else it answers Closed. The bytes are
   * copied before it returns. One wake-up of the engine follows for a burst.
   */
  send(data: string | Bytes, flags: number): SendResult {
    if (this.currentState !== State.Open) return SendResult.Closed;
    let size: number;
    if (typeof data === 'string') size = data.length;
    else {
      // Node-API knows shared memory only behind a view.
      if (!ArrayBuffer.isView(data)) data = new Uint8Array(data);
      size = data.byteLength;
    }
    return this.sent(this.dispatcher.addon.send(this.number, data, flags), size);
  }

  /** Sends a message that the addon's prepare() has made, of so many bytes, as {@link send}. */
  sendPrepared(message: PreparedHandle, size: number): SendResult {
    if (this.currentState !== State.Open) return SendResult.Closed;
    return this.sent(this.dispatcher.addon.send(this.number, message, 0), size);
  }

  /** data: at most 125 bytes, which the caller checks (RFC 6455 §5.5). */
  ping(data?: string | Bytes, masked = true): SendResult {
    if (this.currentState !== State.Open) return SendResult.Closed;
    return this.sent(this.dispatcher.addon.ping(this.number, data, masked), 0);
  }

  /** As {@link ping}. */
  pong(data?: string | Bytes, masked = true): SendResult {
    if (this.currentState !== State.Open) return SendResult.Closed;
    return this.sent(this.dispatcher.addon.pong(this.number, data, masked), 0);
  }

  private sent(result: SendResult, size: number): SendResult {
    if (result >= 0) this.dispatcher.queued(this, size);
    else if (result === SendResult.Limit) this.owner?.sendRefused();
    return result;
  }

  /**
   * Begins the closing handshake, after everything queued. Code 0: a frame without a code. While connecting it gives
   * up: onFailure follows, with ERR_CONNECTION_ABORTED.
   */
  close(code = 0, reason?: string | Bytes): void {
    if (this.currentState === State.Connecting) this.abort();
    else if (this.currentState === State.Open) {
      this.currentState = State.Closing;
      this.dispatcher.addon.close(this.number, code, reason);
      this.dispatcher.queued(this, 0);
    }
  }

  /** Ends TCP at once; what is queued is discarded. onClosed(1006) or onFailure follows. */
  terminate(): void {
    if (this.currentState === State.Connecting) this.abort();
    else if (this.currentState !== State.Closed && this.number !== 0) {
      this.currentState = State.Closing;
      this.dispatcher.addon.terminate(this.number);
      this.dispatcher.flush();
      // What was held back came before the end, and the end must come.
      if (this.paused) this.release();
    }
  }

  private abort(): void {
    this.aborted = true;
    this.currentState = State.Closing;
    if (this.number !== 0) {
      this.dispatcher.addon.terminate(this.number);
      this.dispatcher.flush();
    } else if (this.begun) {
      // lookup has not answered yet.
      nextTick(() => this.fail(abortedFailure()));
    } else this.currentState = State.Closed;
  }

  // ---- Flow

  /** Whether pause() is in force. */
  get isPaused(): boolean {
    return this.paused;
  }

  /** What the peer sends is held back until resume(), and the socket is no longer read. */
  pause(): void {
    if (this.paused || this.currentState === State.Closed) return;
    this.paused = true;
    this.isHolding = true;
    if (this.number !== 0) this.dispatcher.addon.pause(this.number);
  }

  resume(): void {
    if (!this.paused) return;
    if (this.number !== 0) this.dispatcher.addon.resume(this.number);
    this.release();
  }

  private release(): void {
    this.paused = false;
    if (this.holdsSomething) this.dispatcher.replay(this);
    else this.isHolding = false;
  }

  /** Payload bytes that were published to it and not yet given to the system. */
  get publishedAmount(): number {
    return this.number === 0 ? 0 : this.dispatcher.addon.publishedAmount(this.number);
  }

  /** Payload bytes queued and not yet given to the system; what was left of them, after it has closed. */
  get bufferedAmount(): number {
    return this.number === 0
      ? this.lastBufferedAmount
      : this.dispatcher.addon.bufferedAmount(this.number);
  }

  /** Asks for one onFlushed at the next progress. Returns payload bytes queued since the connection began. */
  notifyFlushed(): number {
    if (this.number === 0) return 0;
    // The engine has to be told, as of a message.
    this.dispatcher.queued(this, 0);
    return this.dispatcher.addon.setFlushNotify(this.number);
  }

  stats(): ConnectionStats {
    let values = this.lastStats;
    if (values === undefined) {
      values = new Float64Array(STATS_FIELDS);
      values[ROUND_TRIP_TIME] = -1;
      if (this.number !== 0) this.dispatcher.addon.stats(this.number, values);
    }
    return statsOf(values, this.bufferedAmount);
  }

  // ---- The process

  /** Whether the connection keeps the process alive, from connect() to its terminal event. Default: it does. */
  get hasRef(): boolean {
    return this.refed;
  }

  ref(): void {
    if (this.refed) return;
    this.refed = true;
    if (this.isUnderWay) this.dispatcher.hold();
  }

  unref(): void {
    if (!this.refed) return;
    this.refed = false;
    if (this.isUnderWay) this.dispatcher.unhold();
  }

  private get isUnderWay(): boolean {
    return this.begun && this.currentState !== State.Closed;
  }

  // ---- The certificate

  /** Answers onCertificate: nothing accepts, a text refuses. */
  verify(error?: string): void {
    if (this.number !== 0) this.dispatcher.addon.verify(this.number, error);
  }

  private judge(check: CheckServerIdentity, certificate: PeerCertificate): void {
    let verdict: unknown;
    try {
      verdict = check(
        certificate.servername,
        new X509Certificate(certificate.raw).toLegacyObject(),
      );
    } catch (error) {
      verdict = error ?? new Error('checkServerIdentity threw nothing');
    }
    // As in Node: what is returned besides undefined is an error; ws has boolean answers in its types.
    if (verdict === undefined || verdict === true) {
      this.verify();
      return;
    }
    this.refusal =
      verdict instanceof Error ? verdict : new Error(`checkServerIdentity: ${String(verdict)}`);
    this.verify(this.refusal.message || 'refused by checkServerIdentity');
  }

  // ---- What the dispatcher calls

  private get holdsSomething(): boolean {
    return this.held?.isEmpty === false;
  }

  /** While isHolding. */
  hold(kind: number, value: unknown, b: number, a: number): void {
    // Sending goes on while receiving pauses; and an end that nothing came before need not wait.
    if (
      kind === Kind.Writeable ||
      kind === Kind.Flushed ||
      (kind >= Kind.StreamData && kind <= Kind.StreamDrain) ||
      (!this.holdsSomething && isTerminal(kind))
    ) {
      this.deliver(kind, value, b, a);
    } else {
      this.held ??= new HeldEvents();
      this.held.push({ kind, value, a, b });
      if (isTerminal(kind)) this.handlers.onEndHeld?.();
    }
  }

  /** Delivers what was held, as far as it may. */
  replayHeld(): void {
    while (!this.paused && this.held && !this.held.isEmpty) {
      const { kind, value, a, b } = this.held.shift();
      this.deliver(kind, value, b, a);
    }
    if (!this.holdsSomething) {
      this.held = undefined;
      this.isHolding = this.paused;
    }
  }

  /** Every kind of event; the dispatcher has a shorter way for messages. */
  deliver(kind: number, value: unknown, b: number, a: number): void {
    const { handlers } = this;
    switch (kind) {
      case Kind.Receive:
        handlers.onMessage(value as Buffer, true);
        break;
      case Kind.ReceiveText:
      case Kind.ReceiveTextBytes:
        handlers.onMessage(value as string | Buffer, false);
        break;
      case Kind.ReceiveLarge:
        this.deliverLarge(value as Buffer, b === 0);
        break;
      case Kind.ReceivePing:
        handlers.onPing(value as Buffer);
        break;
      case Kind.ReceivePong:
        handlers.onPong(value as Buffer);
        break;
      case Kind.Writeable:
        handlers.onDrain();
        break;
      case Kind.Flushed:
        handlers.onFlushed(a + b * 2 ** 31);
        break;
      case Kind.Dropped:
        this.owner?.publicationsLost(a);
        handlers.onDropped?.(a, b);
        break;
      case Kind.Certificate:
        this.deliverCertificate(value as PeerCertificate);
        break;
      case Kind.Established:
        this.deliverEstablished(value as Established);
        break;
      case Kind.PeerInitiatedClose:
        this.answer(a === NO_STATUS ? 0 : a, value as Buffer);
        handlers.onPeerClose(a, value as Buffer);
        break;
      case Kind.Body:
        this.body?.deliver(value as Buffer);
        break;
      case Kind.StreamData:
        this.stream?.write(value as Buffer);
        break;
      case Kind.StreamEnd:
        if (this.stream) this.stream.end();
        else handlers.onPeerEnd?.();
        break;
      case Kind.StreamDrain:
        this.stream?.resume();
        break;
      case Kind.ProtocolError: {
        const failure = finishFailure(value as ConnectionFailure);
        this.answer(failure.closeCode ?? 0);
        handlers.onError(failure);
        break;
      }
      default:
        this.deliverEnd(kind, value, a);
    }
  }

  /** Our Close frame, after the peer's or what it broke: behind everything sent before this was known. */
  private answer(code: number, reason?: Buffer): void {
    if (this.currentState !== State.Open) return;
    const close = (): void => this.close(code, reason);
    if (this.handlers.afterSending) this.handlers.afterSending(close);
    else close();
  }

  private deliverEstablished(info: Established): void {
    this.protocol = info.protocol;
    this.extensions = info.extensions;
    this.textAsBuffer = (this.target as Target).options.textAsBuffer;
    this.target = undefined;
    this.dispatcher.begin();
    // close() may have been called while this event was on its way.
    if (this.currentState !== State.Connecting) return;
    this.currentState = State.Open;
    this.handlers.onEstablished(info);
  }

  private deliverLarge(data: Buffer, isBinary: boolean): void {
    const asBytes = isBinary || this.textAsBuffer;
    this.handlers.onMessage(asBytes ? data : data.toString('utf8'), isBinary);
  }

  private deliverCertificate(certificate: PeerCertificate): void {
    const check = this.target?.checkServerIdentity;
    if (check === undefined) this.handlers.onCertificate(certificate);
    else this.judge(check, certificate);
  }

  private deliverEnd(kind: number, value: unknown, code: number): void {
    const { aborted, handlers } = this;
    if (!isTerminal(kind)) return;
    if (this.body !== undefined) {
      this.end();
      this.body.end((value as Closed).detail);
      return;
    }
    if (!aborted && kind !== Kind.Closed && (value as ConnectionFailure).held === true) {
      this.deliverRefusal(kind, value as ConnectionFailure);
      return;
    }
    this.end((value as Closed).excess);
    if (aborted) handlers.onFailure(abortedFailure());
    else if (kind === Kind.Closed) handlers.onClosed(code, value as Closed);
    else if (kind === Kind.Redirect) handlers.onRedirect(finishFailure(value as ConnectionFailure));
    else handlers.onFailure(finishFailure(value as ConnectionFailure));
  }

  /** The server's answer is there, and the connection still stands, for the rest of it. */
  private deliverRefusal(kind: number, failure: ConnectionFailure): void {
    const { handlers } = this;
    const body = new RefusalBody(this.dispatcher, this.number);
    this.currentState = State.Closed;
    this.body = body;
    try {
      if (kind === Kind.Redirect) handlers.onRedirect(finishFailure(failure));
      else handlers.onFailure(finishFailure(failure));
    } finally {
      if (!body.isTaken) {
        this.body = undefined;
        this.end();
      }
    }
  }
}
