/** The class that takes the place of ws's, with everything of the standard's. */
import type { Duplex } from 'node:stream';
import { typeError } from '../options/errors';
import { disposable, inspectable } from '../base/objects';
import type { SocketTerms } from '../sockets/attach';
import { acceptOptions, openSettings, type OpenOptions } from '../session/accept-options';
import { AcceptedSession } from '../session/accepted-session';
import { checkCloseArguments } from '../session/close-arguments';
import { bufferedBytes, needsDrain, sendControl, sendTooLate } from './acts';
import { connect } from './connect';
import { closeAndWait, factsOf } from './objects';
import { EVENT_FACTORIES } from './event-factories';
import { complete, type WebSocketStats } from '../session/stats';
import type { EventFactory } from './emitter';
import { notOpen } from '../session/errors';
import { CloseEvent, MessageEvent, type MessageData } from '../session/events';
import type * as L from './listeners';
import { settingsOf, type Settings } from '../client/options';
import * as state from '../session/ready-state';
import { Hold } from '../session/intake';
import type { ReadyState } from '../session/ready-state';
import type { OpenSession } from '../session/open-session';
import type { PreparedMessage } from '../session/prepared';
import { Session } from '../client/session';
import { announce, deliver, fail, heard, holdUntilHeard } from '../session/socket-face';
import type { SocketView } from '../session/socket-view';
import type { TopicHub } from '../session/topic-hub';
import { FrameSender } from './frame-sender';
import { defineAttributes, type TargetListener } from './targets';
import { TopicMembers } from './topic-members';
import type * as T from './types';

const BINARY_TYPES: readonly T.BinaryType[] = ['nodebuffer', 'arraybuffer', 'fragments', 'blob'];

/**
 * A WebSocket that takes the place of ws's, and of the standard's.
 *
 * It is an emitter (`on`, `once`, `off` …) and a real EventTarget (`addEventListener`, `on…` attributes). For what is
 * the same as in ws, what differs and what is refused, see docs/migrating-from-ws.md. {@link StandardWebSocket}
 * is the same with the standard's defaults.
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocket extends TopicMembers {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;

  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #session: OpenSession;

  /**
   * Begins to connect.
   *
   * @param address `ws:`, `wss:`, `http:`, `https:` or `ws+unix:` URL, without a fragment.
   * @param protocols subprotocols to offer, or the options.
   * @throws SyntaxError for the URL and the subprotocols; TypeError or RangeError naming the option; Error for
   *   certificates and keys that cannot be used.
   */
  constructor(address: string | URL, options?: T.ClientOptions);
  constructor(
    address: string | URL,
    protocols?: string | readonly string[],
    options?: T.ClientOptions,
  );
  /** A server's: connecting until it is given a socket (setSocket()). `options` as a WebSocketServer's. */
  constructor(address: null, protocols?: undefined, options?: OpenOptions);
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | T.ClientOptions,
    options?: T.ClientOptions | OpenOptions,
  ) {
    super();
    if (address === null) {
      this.#session = new AcceptedSession(this, openSettings((options ?? {}) as OpenOptions));
      return;
    }
    if (
      protocols !== undefined &&
      protocols !== null &&
      typeof protocols === 'object' &&
      !(Symbol.iterator in protocols)
    ) {
      options = protocols as T.ClientOptions;
      protocols = undefined;
    }
    if (options !== undefined && options !== null && typeof options !== 'object') {
      throw typeError('options', 'an object', options);
    }
    const settings = this.makeSettings(address, protocols, options ?? {});
    const session = new Session(this, settings, false);
    this.#session = session;
    session.start();
  }

  // ---- A server's

  /** Whether one that was made without an address sends and expects frames as a server does. @internal */
  declare _isServer: boolean;

  /**
   * Gives a socket that was made without an address its connection: the opening handshake has been done on it.
   *
   * @param socket a net.Socket, a tls.TLSSocket, an HTTP/2 stream, or any other Duplex of bytes.
   * @param head what has been read from it already.
   * @param options as a WebSocketServer's.
   */
  setSocket(socket: Duplex, head: Uint8Array, options: OpenOptions = {}): void {
    const terms = acceptOptions(options, undefined, this._isServer);
    this.takeSocket(socket, head, { greeting: '', protocol: '', extensions: '', options: terms });
  }

  /** @internal */
  takeSocket(socket: Duplex, head: Uint8Array, terms: SocketTerms, topics?: TopicHub): () => void {
    if (!(this.#session instanceof AcceptedSession) || this.#session.connection !== undefined) {
      throw new Error(
        'a WebSocket is given a socket once, and only if it was made without an address',
      );
    }
    const { buffer, byteOffset, byteLength } = head;
    this.#session.topics = topics;
    return this.#session.begin(
      socket,
      Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength),
      terms,
    );
  }

  /**
   * Connects, and waits until the socket is open. Messages that arrive at once are held back until somebody listens,
   * at most for one turn of the event loop.
   *
   * @param options as the constructor's; its `signal` gives up.
   * @returns the open socket; rejects with the error that `error` would have, or with the signal's reason.
   */
  static connect<S extends WebSocket>(
    this: L.Constructor<S>,
    address: string | URL,
    options?: T.ClientOptions,
  ): Promise<S>;
  static connect<S extends WebSocket>(
    this: L.Constructor<S>,
    address: string | URL,
    protocols?: string | readonly string[],
    options?: T.ClientOptions,
  ): Promise<S>;
  static connect<S extends WebSocket>(
    this: L.Constructor<S>,
    address: string | URL,
    protocols?: string | readonly string[] | T.ClientOptions,
    options?: T.ClientOptions,
  ): Promise<S> {
    const make = this as new (...args: unknown[]) => S;
    return connect(() => new make(address, protocols, options), [protocols, options]);
  }

  /** @internal */
  protected makeSettings(
    address: string | URL,
    protocols: unknown,
    options: T.ClientOptions,
    given: object = options,
  ): Settings {
    const base = options.baseUrl === undefined ? undefined : String(options.baseUrl);
    return settingsOf(address, protocols ?? undefined, options, true, base, given);
  }

  /** @internal */
  get member(): OpenSession {
    return this.#session;
  }

  /** @internal */
  protected get view(): SocketView | null {
    return this.#session.view;
  }

  /** Of a client's. @internal */
  protected get handshake(): Pick<Session, 'request' | 'redirects'> | undefined {
    return this.#session instanceof Session ? this.#session : undefined;
  }

  // ---- Properties

  /** 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. With `reconnect` it goes back to 0. */
  get readyState(): ReadyState {
    return this.#session.readyState;
  }

  /** The URL in use, after redirects; `http(s):` as `ws(s):`. */
  get url(): string {
    return this.#session.url;
  }

  /** The subprotocol that the server chose, or ''. */
  get protocol(): string {
    return this.#session.protocol;
  }

  /** Names of the extensions in use ('permessage-deflate' or ''). */
  get extensions(): string {
    return this.#session.extensions
      .split(',')
      .map((one) => one.split(';', 1)[0]?.trim() ?? '')
      .join(',');
  }

  /** Payload bytes of send() that have not been given to the system; after the end, those that never will be. */
  get bufferedAmount(): number {
    return bufferedBytes(this.#session);
  }

  /** Whether send() has returned false, and `drain` will follow. */
  get writableNeedDrain(): boolean {
    return needsDrain(this.#session);
  }

  /** Whether pause() is in force. */
  get isPaused(): boolean {
    return this.#session.intake.isHeldByUser;
  }

  /**
   * How binary messages arrive: 'nodebuffer' (default), 'arraybuffer', 'fragments' or 'blob'. Anything else is ignored.
   * The type of what is read lacks 'blob', as in `@types/ws`, so that a socket can be given where those ask for one.
   */
  get binaryType(): Exclude<T.BinaryType, 'blob'> {
    return this.#session.intake.binaryType as Exclude<T.BinaryType, 'blob'>;
  }

  set binaryType(type: T.BinaryType) {
    if (BINARY_TYPES.includes(type)) this.#session.intake.binaryType = type;
  }

  /** Counters of the connection; see {@link WebSocketStats}. */
  get stats(): WebSocketStats {
    return complete(this.#session.stats);
  }

  // ---- Sending

  /**
   * Sends a message, or a fragment of one.
   *
   * Strings and numbers are sent as text, everything else as binary: views and (Shared)ArrayBuffers are copied before
   * it returns; a Blob is read first, and what is sent after it waits. What prepare() has made goes out as it is.
   *
   * @returns whether to go on: false when `highWaterMark` is exceeded (wait for `drain`), or nothing was sent.
   * @throws Error ERR_NOT_OPEN while connecting, unless messages are kept (`reconnect.unsent: 'keep'`);
   *   without a callback also ERR_SEND_LIMIT (nothing was queued) and ERR_INVALID_UTF8. After the end nothing is
   *   thrown; the callback gets the error.
   */
  send(data: T.Sendable | PreparedMessage, callback?: (error?: Error) => void): boolean;
  send(
    data: T.Sendable | PreparedMessage,
    options: T.SendOptions | undefined,
    callback?: (error?: Error) => void,
  ): boolean;
  send(
    data: T.Sendable | PreparedMessage,
    options?: T.SendOptions | ((error?: Error) => void),
    callback?: (error?: Error) => void,
  ): boolean {
    if (typeof options === 'function') {
      callback = options;
      options = undefined;
    }
    const session = this.#session;
    if (session.readyState !== state.OPEN) {
      if (session.readyState !== state.CONNECTING) return sendTooLate(session, data, callback);
      if (!session.open.keepsUnsent) throw notOpen(state.CONNECTING);
    }
    return session.outbox.send(data, options, callback);
  }

  /**
   * Sends a ping.
   *
   * @param data at most 125 bytes.
   * @throws Error while connecting; RangeError for more than 125 bytes.
   */
  ping(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  ping(data?: unknown, callback?: (error: Error) => void): void;
  ping(callback?: (error: Error) => void): void;
  ping(...args: unknown[]): void {
    sendControl(this.#session, 'ping', args);
  }

  /** Sends a pong nobody asked for; as {@link ping}. */
  pong(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  pong(data?: unknown, callback?: (error: Error) => void): void;
  pong(callback?: (error: Error) => void): void;
  pong(...args: unknown[]): void {
    sendControl(this.#session, 'pong', args);
  }

  /** Stands for ws's, for programs that send frames which they have made. */
  get _sender(): FrameSender {
    return new FrameSender(this);
  }

  // ---- Ending

  /**
   * Begins the closing handshake, after everything sent before. While connecting it gives up: `error` and `close`
   * follow.
   *
   * @param code 1000 to 1014 but 1004 to 1006, or 3000 to 4999 (RFC 6455 §7.4). Default: none (the peer sees 1005).
   * @param reason at most 123 bytes of UTF-8.
   * @throws TypeError or RangeError for another code or a longer reason.
   */
  close(code?: number, reason?: string | Uint8Array): void {
    if (this.readyState === state.OPEN) checkCloseArguments(code, reason);
    this.#session.close(code ?? 0, code === undefined ? undefined : reason);
  }

  /** Ends TCP at once; what waits to be sent is discarded. */
  terminate(): void {
    this.#session.terminate();
  }

  // ---- Receiving

  /**
   * Stops reading: no `message`, `ping` or `pong` event until resume(). If the connection ends first, because it is
   * reset, by terminate(), or when `closeTimeout` has passed since close(), what had arrived comes then, and `close`
   * after it. Nothing while connecting or closed.
   */
  pause(): void {
    this.#session.pause();
  }

  /** Goes on reading. Messages that a loop has left behind are dropped. */
  resume(): void {
    this.#session.resume();
  }

  /**
   * Messages one by one: strings for text, `binaryType` for the rest. While the loop is busy the socket is not
   * read, so that a slow loop slows the sender. It ends when the socket closes, and throws if that was after
   * an error or without a Close frame. Leaving it keeps the socket open and held: another loop goes on with the next
   * message; resume(), close() and terminate() let it go.
   */
  [Symbol.asyncIterator](): AsyncIterableIterator<L.Data> {
    return this.#session.intake.iterate() as AsyncIterableIterator<L.Data>;
  }

  /** Keeps the process alive while not closed (the default). */
  ref(): this {
    this.#session.setRef(true);
    return this;
  }

  /** Does not keep the process alive. */
  unref(): this {
    this.#session.setRef(false);
    return this;
  }

  [Symbol.for('nodejs.ref')](): void {
    this.ref();
  }

  [Symbol.for('nodejs.unref')](): void {
    this.unref();
  }

  // ---- Events

  static {
    inspectable<WebSocket>(this.prototype, (it) => (#session in it ? factsOf(it) : undefined));
    disposable<WebSocket>(this.prototype, closeAndWait);
    defineAttributes<WebSocket>(
      this.prototype,
      (socket, type) => socket.getAttribute(type),
      (socket, type, handler) => socket.setAttribute(type, handler),
    );
  }

  /** @internal */
  [announce](event: string, ...args: unknown[]): boolean {
    return this.emit(event, ...args);
  }

  /** @internal */
  [heard](event: string): boolean {
    return this.hasEmitterListeners(event);
  }

  /** @internal */
  [fail](error: Error): void {
    this.emit('error', error);
  }

  /** @internal */
  [deliver](data: MessageData, isBinary: boolean): void {
    if (isBinary || typeof data !== 'string') this.emitMessage(data, isBinary);
    else this.#text(data);
  }

  /** Text that came as a string: emitter listeners get bytes all the same, if there are any. */
  #text(data: string): void {
    if (this.hasEmitterListeners('message')) this.emit('message', Buffer.from(data), false);
    else if (this.hasTargets('message')) this.dispatchEvent(this.#messageEvent(data));
  }

  #messageEvent(data: unknown): Event {
    return new MessageEvent('message', { data, origin: this.#session.origin });
  }

  protected override eventFactory(type: string | symbol): EventFactory | undefined {
    if (type === 'message') {
      return ([data, isBinary]) =>
        this.#messageEvent(isBinary ? data : this.#session.intake.textOf(data));
    }
    if (type === 'close') {
      return ([code, reason]) => {
        const wasClean = this.#session.closedCleanly;
        return new CloseEvent('close', { code: code as number, reason: String(reason), wasClean });
      };
    }
    return EVENT_FACTORIES.get(type as string);
  }

  protected override listenerAdded(type: string | symbol): void {
    if (type === 'message') this.#session?.intake.hold(Hold.Fresh, false);
  }

  /** @internal */
  [holdUntilHeard](): void {
    if (!this.hasListeners('message')) this.#session.intake.holdForATurn();
  }
}

for (const [value, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
  const constant = { value, enumerable: true, writable: false, configurable: false };
  Object.defineProperty(WebSocket, name, constant);
  Object.defineProperty(WebSocket.prototype, name, constant);
}
// As the standard's interface: a `for … in` over a socket shows them.
const ATTRIBUTES = 'binaryType bufferedAmount extensions isPaused protocol readyState url';
for (const name of ATTRIBUTES.split(' ')) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
Object.defineProperty(WebSocket.prototype, '_isServer', { value: true, writable: true });
Object.defineProperty(WebSocket.prototype, Symbol.toStringTag, {
  value: 'WebSocket',
  configurable: true,
});

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WebSocket {
  /** Closes and waits for the end: `await using socket = …`. Where the symbol exists. */
  [Symbol.asyncDispose](): Promise<void>;

  on: L.Listen<WebSocket, this>;
  once: L.Listen<WebSocket, this>;
  off: L.Listen<WebSocket, this>;
  addListener: L.Listen<WebSocket, this>;
  removeListener: L.Listen<WebSocket, this>;
  prependListener: L.Listen<WebSocket, this>;
  prependOnceListener: L.Listen<WebSocket, this>;

  get onopen(): L.AnyHandler;
  set onopen(handler: L.Handler<WebSocket.Event>);
  get onmessage(): L.AnyHandler;
  set onmessage(handler: L.Handler<WebSocket.MessageEvent>);
  get onclose(): L.AnyHandler;
  set onclose(handler: L.Handler<WebSocket.CloseEvent>);
  get onerror(): L.AnyHandler;
  set onerror(handler: L.Handler<WebSocket.ErrorEvent>);

  addEventListener<K extends keyof L.WebSocketEventMap<WebSocket>>(
    type: K,
    listener: L.EventListener<WebSocket, L.WebSocketEventMap<WebSocket>[K]>,
    options?: boolean | L.ListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: TargetListener | null | undefined,
    options?: boolean | L.ListenerOptions,
  ): void;

  removeEventListener<K extends keyof L.WebSocketEventMap<WebSocket>>(
    type: K,
    listener: L.EventListener<WebSocket, L.WebSocketEventMap<WebSocket>[K]>,
    options?: boolean | { capture?: boolean | undefined },
  ): void;
  removeEventListener(
    type: string,
    listener: TargetListener | null | undefined,
    options?: boolean | { capture?: boolean | undefined },
  ): void;
}

// The names of `@types/ws`, so that `WebSocket.RawData` and its kin go on compiling.
// eslint-disable-next-line @typescript-eslint/no-namespace
export declare namespace WebSocket {
  type RawData = L.RawData;
  type Data = L.Data;
  type ClientOptions = T.ClientOptions;
  type PerMessageDeflateOptions = T.PerMessageDeflateOptions;
  type FinishRequestCallback = NonNullable<T.ClientOptions['finishRequest']>;
  type EventListenerOptions = L.ListenerOptions;
  type WebSocketEventMap = L.WebSocketEventMap<WebSocket>;
  type Event = WebSocketEventMap['open'];
  type MessageEvent = WebSocketEventMap['message'];
  type CloseEvent = WebSocketEventMap['close'];
  type ErrorEvent = WebSocketEventMap['error'];
}
