/**
 * One socket of either side from where it is open to its end: its state, and the events that follow from those of its
 * connection. How the connection comes about is a subclass's matter; the WebSocket class only has the members users
 * see.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Connection, ConnectionHandlers, ConnectionStats } from '../addon/connection';
import type { Closed, ConnectionFailure, Established, PeerCertificate } from '../addon/contract';
import { forgetContext, nextTick } from '../base/runtime';
import { channels } from './diagnostics';
import { Act, Ending } from './ending';
import { Hold, Intake } from './intake';
import { Outbox, type SendCallback } from './outbox';
import { PingTimer } from './ping-timer';
import { CLOSING, OPEN } from './ready-state';
import { announce, deliver, fail, type SocketFace } from './socket-face';
import { SocketView, type Ends, type StreamEnds, type Viewed } from './socket-view';

export const NO_REASON = Buffer.alloc(0);

/** TCP ended without a Close frame: a client fails the connection then (RFC 6455 §7.2.1), as the standard tells. */
function lossOf({ detail }: Closed): ConnectionFailure {
  const words = detail || 'the connection ended without a Close frame';
  return { code: 'ECONNRESET', reason: 'Peer hung up', detail: words };
}

/** What of a socket's options matters while it is open. */
export interface OpenSettings {
  allowSynchronousEvents: boolean;
  /** Whether messages are kept while there is no connection, for the next one. */
  keepsUnsent: boolean;
  sendLimit: number;
  highWaterMark: number;
  /** Whether it is closed when messages published to it are lost. */
  closesSlow?: boolean;
}

/** "Try again later", as the registry of close codes has it. */
const TRY_AGAIN_LATER = 1013;

export abstract class OpenSession extends Ending implements ConnectionHandlers, Viewed {
  readonly intake: Intake;
  protocol = '';
  /** The Sec-WebSocket-Extensions value in force. */
  extensions = '';
  /** Payload bytes that were sent after the end; the standard counts them. */
  lateBytes = 0;
  readonly outbox: Outbox;
  connection: Connection | undefined;
  /** Since the first ping. */
  #pings: PingTimer | undefined;
  protected hasRef = true;
  /** Of the connection, or of the last one. */
  #ends: Ends | StreamEnds | undefined;
  /** Made when somebody looks. */
  #view: SocketView | undefined;
  /** Of the connection that has ended. */
  #lastStats: ConnectionStats | undefined;

  /**
   * @param strict as an {@link Ending} has it.
   * @param scope the context that the socket was made in, for its listeners and functions; until its end.
   */
  constructor(
    protected readonly socket: SocketFace,
    readonly open: OpenSettings,
    strict: boolean,
    protected scope = new AsyncResource('WebSocket'),
  ) {
    super(strict);
    this.intake = new Intake(strict ? 'blob' : 'nodebuffer', this);
    this.outbox = new Outbox(open.keepsUnsent, open.sendLimit, this);
  }

  /** The URL in use; '' where there is none. */
  abstract readonly url: string;

  /** Of message events. */
  abstract readonly origin: string;

  abstract onCertificate(certificate: PeerCertificate): void;
  abstract onRedirect(failure: ConnectionFailure): void;
  abstract onFailure(failure: ConnectionFailure): void;
  abstract onEstablished(info: Established): void;
  abstract onClosed(code: number, info: Closed): void;

  /** Ends what is not open. `error` and `close` follow, later. */
  abstract giveUp(error: Error): void;

  /** close() or terminate() of a socket that is still connecting. */
  protected abstract closeEarly(): void;

  /** An error for users. */
  protected abstract errorOf(failure: ConnectionFailure): Error;

  /** Whether an error of the open connection is of interest only if nothing follows. */
  protected get mayRecover(): boolean {
    return false;
  }

  /** What stands for the network socket; null before it is open. */
  get view(): SocketView | null {
    if (this.#ends === undefined) return null;
    this.#view ??= new SocketView(this, this.#ends);
    return this.#view;
  }

  /** Payload bytes of send() that have not been given to the system. */
  get waiting(): number {
    return (this.connection?.bufferedAmount ?? 0) + this.outbox.bytes;
  }

  /** The same of what was published to it. */
  get publishedBytes(): number {
    return 0;
  }

  get isPaused(): boolean {
    return this.intake.isHeld;
  }

  get highWaterMark(): number {
    return this.open.highWaterMark;
  }

  get bytesRead(): number {
    return this.stats?.wireBytesReceived ?? 0;
  }

  get bytesWritten(): number {
    return this.stats?.wireBytesSent ?? 0;
  }

  /** The connection is open: `open` is emitted next. */
  protected enterOpen(connection: Connection, ends: Ends | StreamEnds): void {
    this.#ends = ends;
    this.#view = undefined;
    this.opened();
    this.intake.isEnding = false;
    this.outbox.attach(connection, this.extensions !== '');
    if (this.intake.isHeld) connection.pause();
    if (channels.open.hasSubscribers) {
      const { protocol, extensions, socket, url } = this;
      const { remoteAddress: address = '' } = (ends.stream ?? ends) as { remoteAddress?: string };
      channels.open.publish({ websocket: socket, url, address, protocol, extensions });
    }
  }

  /** For the outbox: what was to be sent cannot be read, and nobody else can be told. */
  sendFailed(error: Error): void {
    if (this.readyState !== OPEN) return;
    this.scope.runInAsyncScope(() => this.break(error));
    this.connection?.terminate();
  }

  sendHeldUp(): void {
    if (!channels.backpressure.hasSubscribers) return;
    channels.backpressure.publish({ websocket: this.socket, bufferedAmount: this.waiting });
  }

  sendDropped(): void {
    if (!channels.dropped.hasSubscribers) return;
    const { socket, waiting } = this;
    channels.dropped.publish({
      websocket: socket,
      reason: 'send_limit',
      bufferedAmount: waiting,
    });
  }

  // ---- Connection handlers

  onMessage(data: string | Buffer, isBinary: boolean): void {
    // "If ready state is not OPEN (1), then return." ws goes on until the end.
    if (this.strict && this.readyState !== OPEN) return;
    const { intake } = this;
    const value = isBinary ? intake.convert(data as Buffer) : data;
    if (intake.isIterated) intake.offer(value, data.length, isBinary);
    if (!this.open.allowSynchronousEvents) intake.oneATurn();
    this.socket[deliver](value, isBinary);
  }

  onPing(data: Buffer): void {
    const { socket } = this;
    if (channels.ping.hasSubscribers) channels.ping.publish({ websocket: socket, payload: data });
    if (!this.open.allowSynchronousEvents) this.intake.oneATurn();
    socket[announce]('ping', data);
  }

  onPong(data: Buffer): void {
    const { socket } = this;
    this.#pings?.answered(data);
    if (channels.pong.hasSubscribers) channels.pong.publish({ websocket: socket, payload: data });
    if (!this.open.allowSynchronousEvents) this.intake.oneATurn();
    socket[announce]('pong', data);
  }

  onDrain(): void {
    // On its way here it may have been overtaken by further messages; another one follows then.
    if ((this.connection?.bufferedAmount ?? 0) > this.open.highWaterMark) return;
    this.outbox.drained();
    this.#view?.emit('drain');
    this.socket[announce]('drain');
  }

  onDropped(messages: number, bytes: number): void {
    this.socket[announce]('dropped', messages, bytes);
    if (this.open.closesSlow) this.close(TRY_AGAIN_LATER, Buffer.from('messages were lost'));
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
    this.leaveOpen();
  }

  onError(failure: ConnectionFailure): void {
    this.break(this.errorOf(failure));
  }

  /** The open connection is of no use any more; its end follows. */
  protected break(error: Error): void {
    if (this.breaks(error, this.mayRecover)) this.emitError(error);
  }

  /** The connection has ended, and no other one follows. */
  protected ended(code: number, reason: Buffer, info: Closed, unsent: number): void {
    const error = this.tcpEnded(code, () => this.errorOf(lossOf(info)));
    this.lateBytes += unsent;
    try {
      if (error) this.emitError(error);
    } finally {
      this.finish(code, reason, info.clean, this.breach);
    }
  }

  /** The connection has ended; another one may follow. Payload bytes that it has not sent. */
  protected leave(info: Closed): number {
    const { connection } = this;
    this.#lastStats = connection?.stats();
    this.connection = undefined;
    this.#view?.close(info.detail);
    return connection?.bufferedAmount ?? 0;
  }

  // ---- What users ask for

  ping(data: unknown, masked: boolean, callback: SendCallback | undefined): void {
    this.outbox.control('ping', data, masked, callback);
    this.#pings ??= new PingTimer();
    this.#pings.sent(data);
  }

  /** Counters of the connection, or of the last one. */
  get stats(): ConnectionStats | undefined {
    const stats = this.connection?.stats() ?? this.#lastStats;
    if (!stats || stats.roundTripTime >= 0 || !this.#pings) return stats;
    return { ...stats, roundTripTime: this.#pings.roundTripTime };
  }

  /** close(). The arguments have been checked. */
  close(code: number, reason: string | Uint8Array | undefined): void {
    const act = this.wishClose();
    if (act === Act.GiveUp) this.closeEarly();
    if (act !== Act.SendClose) return;
    const { connection } = this;
    this.outbox.after(() => connection?.close(code, reason));
    // What a loop over messages has not taken would stand before the peer's Close frame.
    this.intake.forget();
  }

  terminate(): void {
    const act = this.wishCut();
    if (act === Act.GiveUp) this.closeEarly();
    if (act !== Act.CutOff) return;
    this.intake.forget();
    this.connection?.terminate();
  }

  /** pause(): there is something to stop only while it is open, or closing. */
  pause(): void {
    if (this.readyState === OPEN || this.readyState === CLOSING) this.intake.hold(Hold.User, true);
  }

  resume(): void {
    if (this.readyState === OPEN || this.readyState === CLOSING) this.intake.resume();
  }

  protected emitError(error: Error): void {
    if (channels.error.hasSubscribers) channels.error.publish({ websocket: this.socket, error });
    this.socket[fail](error);
  }

  protected finish(code: number, reason: Buffer, clean: boolean, error: Error | undefined): void {
    const { socket } = this;
    this.finishing(clean);
    // When the listeners of `close` have run.
    nextTick(forgetContext, this.scope);
    if (channels.close.hasSubscribers) {
      const message = { websocket: socket, code, reason: reason.toString(), wasClean: clean };
      channels.close.publish(message);
    }
    this.intake.end(error, this.isLoss(code));
    try {
      // ws's callbacks still see CLOSING.
      this.outbox.end();
    } finally {
      this.over();
      socket[announce]('close', code, reason);
    }
  }

  setRef(on: boolean): void {
    this.hasRef = on;
    if (on) this.connection?.ref();
    else this.connection?.unref();
  }
}
