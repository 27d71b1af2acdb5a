/** The standard's `WebSocket`. Source: WHATWG WebSockets. */
import { types } from 'node:util';
import { typeError } from '../options/errors';
import { disposable, inspectable } from '../base/objects';
import { setImmediate } from '../base/runtime';
import { Session } from '../client/session';
import type { ClientOptionsOf } from '../client/types';
import { CloseEvent, MessageEvent, type MessageData } from '../session/events';
import type { OpenSession } from '../session/open-session';
import type { SendCallback } from '../session/outbox';
import { byteLength } from '../session/payload';
import * as state from '../session/ready-state';
import type { ReadyState } from '../session/ready-state';
import { announce, deliver, fail, heard, holdUntilHeard } from '../session/socket-face';
import { complete, type WebSocketStats } from '../session/stats';
import { Hold } from '../session/intake';
import { bufferedBytes, needsDrain, sendControl, sendTooLate } from './acts';
import { connect } from './connect';
import { closeAndWait, factsOf } from './objects';
import { EVENT_FACTORIES } from './event-factories';
import type * as S from './standard-types';
import { checkCloseInfo, scalarString } from './close-info';
import { standardSettings } from './standard-settings';
import { SOCKET_FACTS, type SocketFacts } from './socket-members';
import {
  defineAttributes,
  Targets,
  type AddArguments,
  type ListenerOptions,
  type RemoveArguments,
} from './targets';
import type * as T from './types';

/** Options of {@link StandardWebSocket}: those of {@link WebSocket}. */
export type StandardClientOptions = ClientOptionsOf<StandardWebSocket>;

type Protocols = string | readonly string[];

/**
 * The standard's `WebSocket`, as browsers, Deno, Bun and Node.js have it: an EventTarget and no emitter. `binaryType`
 * is 'blob' or 'arraybuffer', text arrives as strings, an error nobody listens to is not thrown, close() takes 1000 and
 * 3000 to 4999 only, wrong arguments are DOMExceptions, `extensions` has the parameters, and send() returns nothing and
 * makes a string of what is neither bytes nor a Blob.
 *
 * What this package adds to the standard is here as well: options, `ping`, `drain` and `reconnecting` events, reading
 * by `for await`. What happens in the handshake (`upgrade`, `unexpected-response`, `redirect`) only
 * {@link WebSocket} tells. Source: WHATWG WebSockets §3.
 *
 * @example
 * const socket = new StandardWebSocket('wss://example.org/chat', ['chat']);
 * socket.onmessage = ({ data }) => console.log(data);
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class StandardWebSocket extends EventTarget {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;

  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  readonly #session: OpenSession;
  readonly #targets = new Targets(this);
  /** Payload of send() in this turn of the event loop, and what was waiting before it. */
  #turnBytes = 0;
  #turnBase = 0;

  /**
   * @param url as that of {@link WebSocket}; relative ones are resolved against `baseUrl`, else `location`.
   * @param protocols subprotocols to offer, or the options. What is no string becomes one.
   * @param options as of {@link WebSocket}. What is no object has no effect, as with any function that takes less.
   * @throws DOMException SyntaxError for the URL and the subprotocols; for the options as {@link WebSocket}.
   */
  constructor(url: string | URL, protocols?: Protocols | StandardClientOptions, options?: unknown);
  constructor(url: string | URL, protocols?: Protocols, options?: StandardClientOptions);
  constructor(url: string | URL, protocols?: Protocols | StandardClientOptions, options?: unknown) {
    if (arguments.length === 0) throw typeError('url', 'given', undefined);
    super();
    let given: { protocols?: unknown } = isObject(options) ? options : {};
    let names: unknown = protocols;
    if (isObject(protocols) && !(Symbol.iterator in protocols)) {
      given = protocols;
      names = undefined;
    }
    if (names === undefined) names = given.protocols ?? [];
    const session = new Session(this, standardSettings(url, names, given), true);
    this.#session = session;
    session.start();
  }

  /**
   * Connects, and waits until the socket is open. Messages that arrive at once are held back until somebody listens,
   * at most for one turn of the event loop.
   *
   * @param options as the constructor's; its `signal` gives up.
   * @returns the open socket; rejects with the error that `error` would have, or with the signal's reason.
   */
  static connect<C extends StandardWebSocket>(
    this: new (url: string | URL, protocols?: Protocols, options?: StandardClientOptions) => C,
    url: string | URL,
    protocols?: Protocols | StandardClientOptions,
    options?: StandardClientOptions,
  ): Promise<C> {
    const make = (): C => new this(url, protocols as Protocols, options);
    return connect(make, [protocols, options]);
  }

  // ---- The standard's attributes

  /** The URL in use, after redirects; `http(s):` as `ws(s):`. */
  get url(): string {
    return this.#session.url;
  }

  /** 0 CONNECTING, 1 OPEN, 2 CLOSING, 3 CLOSED. With `reconnect` it goes back to 0. */
  get readyState(): ReadyState {
    return this.#session.readyState;
  }

  /** Payload bytes of send() not given to the system yet. It does not fall within a turn of the event loop. */
  get bufferedAmount(): number {
    const bytes = bufferedBytes(this.#session);
    return this.#turnBytes === 0 ? bytes : Math.max(bytes, this.#turnBase + this.#turnBytes);
  }

  /** The extensions in use, with their parameters, or ''. */
  get extensions(): string {
    return this.#session.extensions;
  }

  /** The subprotocol that the server chose, or ''. */
  get protocol(): string {
    return this.#session.protocol;
  }

  /** How binary messages arrive: 'blob' (default) or 'arraybuffer'. Another value is ignored (Web IDL §3.3.6). */
  get binaryType(): 'blob' | 'arraybuffer' {
    return this.#session.intake.binaryType as 'blob' | 'arraybuffer';
  }

  set binaryType(type: 'blob' | 'arraybuffer') {
    const { intake } = this.#session;
    const value = `${type}`;
    if (value === 'blob' || value === 'arraybuffer') intake.binaryType = value;
  }

  // ---- The standard's methods

  /**
   * Begins the closing handshake, after everything sent before. While connecting it gives up: `error` and `close`
   * follow.
   *
   * @param code 1000, or 3000 to 4999. Default: none (the peer sees 1005), with a reason 1000.
   * @param reason at most 123 bytes of UTF-8.
   * @throws DOMException InvalidAccessError for another code, SyntaxError for a longer reason.
   */
  close(code?: number, reason?: string | Uint8Array): void {
    const session = this.#session;
    // [Clamp] unsigned short, of Web IDL.
    const number = code === undefined ? undefined : clamp(Number(code));
    const text = reason === undefined ? '' : scalarString(reason);
    checkCloseInfo(number, text);
    if (text === '') session.close(number ?? 0, undefined);
    else session.close(number ?? 1000, text);
  }

  /**
   * Sends a message: strings as text, bytes and Blobs as binary, and anything else, a SharedArrayBuffer included, as
   * the string that it becomes. Bytes are copied before it returns; a Blob is read first, and what is sent after it
   * waits.
   *
   * Whether to go on says `writableNeedDrain`.
   *
   * @param options beyond the standard: as of {@link WebSocket.send}. Neither an object nor a function: ignored.
   * @param callback beyond the standard: called when the message has been given to the system, or with the error.
   * @throws DOMException InvalidStateError while connecting, unless messages are kept (`reconnect.unsent: 'keep'`).
   * @throws TypeError for a view of a SharedArrayBuffer, and without an argument.
   * @throws Error ERR_SEND_LIMIT without a callback, past `sendLimit`: nothing was queued.
   */
  send(data: S.Sendable, callback?: SendCallback): void;
  send(data: S.Sendable, options?: T.SendOptions, callback?: SendCallback): void;
  send(data: S.Sendable, options?: T.SendOptions | SendCallback, callback?: SendCallback): void {
    if (arguments.length === 0) throw typeError('data', 'given', undefined);
    const payload = toPayload(data);
    const done = typeof options === 'function' ? options : callback;
    const tell = typeof done === 'function' ? done : undefined;
    const session = this.#session;
    const open = session.readyState === state.OPEN;
    if (!open) {
      if (session.readyState !== state.CONNECTING) {
        sendTooLate(session, payload, tell);
        return;
      }
      if (!session.open.keepsUnsent) {
        throw new DOMException('the socket is still connecting', 'InvalidStateError');
      }
    }
    const base = open && this.#turnBytes === 0 ? bufferedBytes(session) : 0;
    session.outbox.send(payload, isObject(options) ? (options as T.SendOptions) : undefined, tell);
    if (open) this.#count(base, byteLength(payload));
  }

  #count(base: number, bytes: number): void {
    if (this.#turnBytes === 0) {
      this.#turnBase = base;
      setImmediate(() => {
        this.#turnBytes = 0;
      });
    }
    this.#turnBytes += bytes;
  }

  // ---- Beyond the standard

  /** Whether more than `highWaterMark` bytes wait: a `drain` event will follow. */
  get writableNeedDrain(): boolean {
    return needsDrain(this.#session);
  }

  /** Whether pause() is in force. */
  get isPaused(): boolean {
    return this.#session.intake.isHeldByUser;
  }

  /** Counters of the connection; see {@link WebSocketStats}. */
  get stats(): WebSocketStats {
    return complete(this.#session.stats);
  }

  /** Sends a ping; as {@link WebSocket.ping}. */
  ping(data?: unknown, mask?: boolean, callback?: SendCallback): void;
  ping(data?: unknown, callback?: SendCallback): void;
  ping(callback?: SendCallback): void;
  ping(...args: unknown[]): void {
    sendControl(this.#session, 'ping', args);
  }

  /** Sends a pong nobody asked for; as {@link WebSocket.pong}. */
  pong(data?: unknown, mask?: boolean, callback?: SendCallback): void;
  pong(data?: unknown, callback?: SendCallback): void;
  pong(callback?: SendCallback): void;
  pong(...args: unknown[]): void {
    sendControl(this.#session, 'pong', args);
  }

  /** Ends TCP at once; what waits to be sent is discarded. */
  terminate(): void {
    this.#session.terminate();
  }

  /** Stops reading; as {@link WebSocket.pause}. */
  pause(): void {
    this.#session.pause();
  }

  /** Goes on reading. Messages that a loop has left behind are dropped. */
  resume(): void {
    this.#session.resume();
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

  /** The peer's certificate, in the form of `tls.TLSSocket`; {} where there is none. */
  getPeerCertificate(): object {
    return this.#session.view?.getPeerCertificate() ?? {};
  }

  /** Messages one by one; as the same of {@link WebSocket}. */
  [Symbol.asyncIterator](): AsyncIterableIterator<S.Data> {
    return this.#session.intake.iterate() as AsyncIterableIterator<S.Data>;
  }

  [Symbol.for('nodejs.ref')](): void {
    this.ref();
  }

  [Symbol.for('nodejs.unref')](): void {
    this.unref();
  }

  // ---- Events

  override addEventListener<K extends keyof S.StandardEventMap>(
    type: K,
    listener: S.Listener<StandardWebSocket, S.StandardEventMap[K]> | null,
    options?: boolean | ListenerOptions,
  ): void;
  override addEventListener(
    type: string,
    listener: S.Listener<StandardWebSocket, never> | null | undefined,
    options?: boolean | ListenerOptions,
  ): void;
  override addEventListener(...args: AddArguments): void {
    if (this.#targets.add(args)) this.#listenerAdded(args[0]);
  }

  override removeEventListener<K extends keyof S.StandardEventMap>(
    type: K,
    listener: S.Listener<StandardWebSocket, S.StandardEventMap[K]> | null,
    options?: boolean | { capture?: boolean | undefined },
  ): void;
  override removeEventListener(
    type: string,
    listener: S.Listener<StandardWebSocket, never> | null | undefined,
    options?: boolean | { capture?: boolean | undefined },
  ): void;
  override removeEventListener(...args: RemoveArguments): void {
    this.#targets.remove(args);
  }

  #listenerAdded(type: string): void {
    if (type === 'message') this.#session.intake.hold(Hold.Fresh, false);
  }

  static {
    const { prototype } = this;
    inspectable<StandardWebSocket>(prototype, (it) => (#session in it ? factsOf(it) : undefined));
    disposable<StandardWebSocket>(prototype, closeAndWait);
    defineAttributes<StandardWebSocket>(
      prototype,
      (socket, type) => socket.#targets.attribute(type),
      (socket, type, handler) => {
        if (socket.#targets.setAttribute(type, handler)) socket.#listenerAdded(type);
      },
    );
    for (const [value, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
      const constant = { value, enumerable: true };
      Object.defineProperty(this, name, constant);
      Object.defineProperty(prototype, name, constant);
    }
    for (const [name, read] of Object.entries(SOCKET_FACTS)) {
      Object.defineProperty(prototype, name, {
        get(this: StandardWebSocket) {
          return read(this.#session.view);
        },
        configurable: true,
      });
    }
  }

  /** @internal */
  [announce](type: string, ...args: unknown[]): boolean {
    this.#turnBytes = 0;
    if (!this.#targets.has(type)) return false;
    if (type === 'close') {
      const [code, reason] = args;
      const wasClean = this.#session.closedCleanly;
      const init = { code: code as number, reason: String(reason), wasClean };
      return this.#dispatch(new CloseEvent('close', init));
    }
    const event = EVENT_FACTORIES.get(type)?.(args);
    return event !== undefined && this.#dispatch(event);
  }

  #dispatch(event: Event): true {
    this.dispatchEvent(event);
    return true;
  }

  /** @internal What happens in the handshake is not told: users cannot have asked for it. */
  [heard](): boolean {
    return false;
  }

  /** @internal */
  [fail](error: Error): void {
    this[announce]('error', error);
  }

  /** @internal */
  [deliver](message: MessageData, isBinary: boolean): void {
    // Another task: what was sent in the one before may have gone.
    this.#turnBytes = 0;
    if (!this.#targets.has('message')) return;
    const data = isBinary || typeof message === 'string' ? message : String(message);
    this.dispatchEvent(new MessageEvent('message', { data, origin: this.#session.origin }));
  }

  /** @internal */
  [holdUntilHeard](): void {
    if (!this.#targets.has('message')) this.#session.intake.holdForATurn();
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** `(BufferSource or Blob or USVString)` of Web IDL. */
function toPayload(data: unknown): string | ArrayBuffer | ArrayBufferView | Blob {
  if (typeof data === 'string' || data instanceof Blob || types.isArrayBuffer(data)) return data;
  if (!ArrayBuffer.isView(data)) return `${data as string}`;
  if (types.isSharedArrayBuffer(data.buffer)) {
    throw typeError('data', 'bytes that no other thread shares', data);
  }
  return data;
}

function clamp(value: number): number {
  if (Number.isNaN(value)) return 0;
  const bounded = Math.min(Math.max(value, 0), 65_535);
  const floor = Math.floor(bounded);
  const rest = bounded - floor;
  // Half goes to the even one.
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

// Of the interface: enumerable, named as it, and with the number of arguments that must be given.
const { prototype } = StandardWebSocket;
const INTERFACE = 'url readyState bufferedAmount extensions protocol binaryType close send';
for (const name of INTERFACE.split(' ')) {
  Object.defineProperty(prototype, name, { enumerable: true });
}
Object.defineProperty(prototype, Symbol.toStringTag, { value: 'WebSocket', configurable: true });
Object.defineProperty(StandardWebSocket, 'name', { value: 'WebSocket', configurable: true });
Object.defineProperty(StandardWebSocket, 'length', { value: 1, configurable: true });
Object.defineProperty(prototype.send, 'length', { value: 1, configurable: true });
Object.defineProperty(prototype.close, 'length', { value: 0, configurable: true });

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface StandardWebSocket extends SocketFacts, S.StandardAttributes {
  /** Closes and waits for the end: `await using socket = …`. Where the symbol exists. */
  [Symbol.asyncDispose](): Promise<void>;
}
