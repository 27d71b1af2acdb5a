/**
 * The websocket object of the documented functions.
 *
 * What users see is {@link WebSocketObject}: opaque, with some properties to look at. What it does is in
 * {@link Core}, which makes a {@link Connection} for each attempt, turns its events into those of the documentation,
 * and keeps what is sent before the connection is established.
 */
import { AsyncResource } from 'node:async_hooks';
import {
  Connection,
  type ConnectionHandlers,
  type ConnectionStats,
  type Target,
} from '../addon/connection';
import type { Environment } from '../addon/environment';
import { disposable, inspectable } from '../base/objects';
import { ConnectionError, stateError, typeError } from '../options/errors';
import { EVENTS, resolveHandler, type AnyHandler } from './events';
import { isBytes } from '../options/checks';
import type { Loop } from './loop';
import {
  SendFlag,
  SendResult,
  type Bytes,
  type Closed,
  type ConnectionFailure,
  type Established,
} from '../addon/contract';
import {
  DEFAULTS,
  heldBesidePayload,
  makeTarget,
  type ConnectionOptions,
  type Naming,
} from '../options/connection-options';
import { followRedirect } from '../client/redirect';
import type { ParsedUrl } from '../options/url';

/** What an object is doing. `idle`: connect() was not called yet. */
export type ObjectState = 'idle' | 'connecting' | 'open' | 'closing' | 'closed';

/** What create() has checked. */
export interface ObjectSettings {
  url: ParsedUrl;
  target: Target;
  /** For the targets of redirects. */
  options: ConnectionOptions;
  naming: Naming;
  handlers: ReadonlyMap<number, AnyHandler>;
  standalone: boolean;
}

/** A message that waits for the connection. */
interface Waiting {
  data: string | Bytes;
  flags: SendFlag;
  bytes: number;
}

export class Core implements ConnectionHandlers {
  state: ObjectState = 'idle';
  connection: Connection | undefined;
  error: ConnectionError | undefined;
  closeCode: number | undefined;
  closeReason: string | undefined;
  /** Given after the object that it belongs to. */
  wso!: WebSocketObject;
  keepsProcess = true;

  /** Handlers run in the context of create(). */
  private readonly scope = new AsyncResource('WebSocket');
  /** Handler 8, the hot one. */
  private readonly onReceive: AnyHandler | undefined;
  private waiting: Waiting[] = [];
  private waitingBytes = 0;
  /** Given to send() between the end of the connection and the event that tells of it. */
  private missedBytes = 0;
  /** By us, that is: not because the server closes. */
  private closeCalled = false;
  private redirects = 0;
  /** Those who wait for the end. */
  private ending: (() => void)[] = [];
  /** Where the attempt goes now: redirects change it. */
  private url: ParsedUrl;

  constructor(
    private readonly environment: Environment,
    private readonly loop: Loop,
    readonly settings: ObjectSettings,
  ) {
    this.onReceive = settings.handlers.get(EVENTS.CLIENT_RECEIVE);
    this.url = settings.url;
  }

  // ---- What the functions do

  connect(): void {
    if (this.state !== 'idle' && this.state !== 'closed') {
      throw stateError(
        'ERR_ALREADY_CONNECTED',
        `connect: the object of ${this.settings.url.href} is ${this.state} already`,
      );
    }
    this.redirects = 0;
    this.url = this.settings.url;
    this.open(this.settings.target);
    this.error = undefined;
    this.closeCode = undefined;
    this.closeReason = undefined;
    this.missedBytes = 0;
    this.closeCalled = false;
    this.state = 'connecting';
    if (this.settings.standalone) this.loop.enter();
  }

  private open(target: Target): void {
    const connection = new Connection(this.environment.dispatcher, this, this.scope);
    if (!this.keepsProcess) connection.unref();
    connection.connect(target);
    this.connection = connection;
  }

  send(message: unknown): boolean {
    let flags: SendFlag;
    if (typeof message === 'string') flags = SendFlag.Text;
    else if (isBytes(message)) flags = SendFlag.Binary;
    else
      throw typeError(
        'message',
        'a string, a Buffer, a TypedArray, a DataView or an ArrayBuffer',
        message,
      );

    if (this.state === 'open') {
      const result = (this.connection as Connection).send(message, flags);
      if (result >= SendResult.Ok) return result === SendResult.Ok;
      if (result === SendResult.Limit) throw this.limitError(sizeOf(message));
      return this.miss(message);
    }
    if (this.state === 'closing' && !this.closeCalled) return this.miss(message);
    if (this.state === 'closing' || this.state === 'closed') {
      throw stateError(
        'ERR_CLOSED',
        `send: the object of ${this.settings.url.href} is ${this.state}`,
      );
    }
    return this.keep(message, flags);
  }

  /** Keeps a message until the connection is established. */
  private keep(message: string | Bytes, flags: SendFlag): boolean {
    const bytes = sizeOf(message);
    const { sendLimit, highWaterMark } = this.settings.target.options;
    const held = this.waitingBytes + heldBesidePayload(this.waiting.length);
    if (held + bytes > sendLimit) throw this.limitError(bytes);
    this.waiting.push({
      data: typeof message === 'string' ? message : copyOf(message),
      flags,
      bytes,
    });
    this.waitingBytes += bytes;
    return held + bytes <= highWaterMark;
  }

  /**
   * The server has ended the connection and event 4 is on its way, which the caller cannot know: the message is lost
   * as one that is in the network would be. bufferedAmount counts it.
   */
  private miss(message: string | Bytes): false {
    this.missedBytes += sizeOf(message);
    return false;
  }

  private limitError(bytes: number): Error {
    return stateError(
      'ERR_SEND_LIMIT',
      `send: a message of ${bytes} bytes does not fit, ${this.bufferedAmount} bytes wait to be sent ` +
        `and sendLimit is ${this.settings.target.options.sendLimit}`,
    );
  }

  close(code: number, reason: string | undefined): void {
    if (this.state === 'connecting' || this.state === 'open') {
      this.closeCalled = true;
      this.state = 'closing';
      (this.connection as Connection).close(code, reason);
    }
  }

  /** Closes, and waits for the event that ends it. */
  closeAndWait(): Promise<void> {
    if (this.state === 'idle' || this.state === 'closed') return Promise.resolve();
    const end = new Promise<void>((resolve) => this.ending.push(resolve));
    this.close(0, undefined);
    return end;
  }

  get bufferedAmount(): number {
    return this.waitingBytes + this.missedBytes + (this.connection?.bufferedAmount ?? 0);
  }

  setRef(keeps: boolean): void {
    this.keepsProcess = keeps;
    if (keeps) this.connection?.ref();
    else this.connection?.unref();
  }

  // ---- Events of the connection

  onMessage(data: string | Buffer): void {
    const handler = this.onReceive;
    if (typeof handler === 'function') {
      const result = handler.call(this.wso, data);
      if (result !== undefined) this.loop.noteResult(result);
    } else if (handler !== undefined) this.fire(EVENTS.CLIENT_RECEIVE, data);
  }

  onEstablished(_info: Established): void {
    this.state = 'open';
    const { waiting } = this;
    this.waiting = [];
    this.waitingBytes = 0;
    for (const { data, flags } of waiting) (this.connection as Connection).send(data, flags);
    this.fire(EVENTS.CLIENT_ESTABLISHED);
  }

  onFailure(failure: ConnectionFailure): void {
    const unsent = this.waiting.length;
    this.waiting = [];
    this.waitingBytes = 0;
    const cause = this.connection?.identityError;
    const error = new ConnectionError(failure, {
      url: this.url.href,
      unsent,
      ...(cause !== undefined && { cause }),
    });
    this.error = error;
    this.end();
    this.fire(EVENTS.CLIENT_CONNECTION_ERROR, error.reason, error);
  }

  onRedirect(answer: ConnectionFailure): void {
    const step = followRedirect(this.url, answer, this.redirects);
    if ('failure' in step) {
      this.refuseRedirect(step.failure);
      return;
    }
    try {
      const target = this.redirectTarget(step.url, step.sameOrigin);
      this.redirects++;
      this.url = step.url;
      this.open(target);
    } catch (error) {
      this.refuseRedirect({
        ...answer,
        code: 'ERR_REDIRECT_FAILED',
        reason: 'HS: Redirect failed',
        detail: (error as Error).message,
      });
    }
  }

  private refuseRedirect(failure: ConnectionFailure): void {
    this.environment.dispatcher.logFailure(failure.code, failure.detail);
    this.onFailure(failure);
  }

  private redirectTarget(url: ParsedUrl, sameOrigin: boolean): Target {
    const { options, naming } = this.settings;
    const { tls } = this.environment;
    if (sameOrigin) {
      const { auth } = this.url;
      return makeTarget(
        tls,
        auth === undefined || url.auth !== undefined ? url : { ...url, auth },
        options,
        DEFAULTS,
        naming,
      );
    }
    // Neither credentials nor what was said of the first server's name and socket are for another one.
    const { auth: _, headers, servername: __, socketPath: ___, ...rest } = options;
    const kept: ConnectionOptions = { ...rest };
    if (headers !== undefined) {
      const pairs = Symbol.iterator in headers ? [...headers] : Object.entries(headers);
      kept.headers = Object.fromEntries(
        pairs.filter(([name]) => !/^(authorization|cookie|host)$/i.test(name)),
      ) as Record<string, string>;
    }
    return makeTarget(tls, url, kept, DEFAULTS, naming);
  }

  onPeerClose(code: number, reason: Buffer): void {
    this.state = 'closing';
    this.fire(EVENTS.WS_PEER_INITIATED_CLOSE, code, reason.toString('utf8'));
  }

  /** The server broke the protocol; event 4 follows, and has the error in `this.error`. */
  onError(failure: ConnectionFailure): void {
    this.state = 'closing';
    this.error = new ConnectionError(failure, { url: this.url.href });
  }

  onClosed(code: number, info: Closed): void {
    this.closeCode = code;
    this.closeReason = info.reason.toString('utf8');
    this.end();
    this.fire(EVENTS.CLOSED);
  }

  onPong(payload: Buffer): void {
    this.fire(EVENTS.CLIENT_RECEIVE_PONG, payload);
  }

  onDrain(): void {
    this.fire(EVENTS.CLIENT_WRITEABLE);
  }

  onCertificate(): void {
    // Only without checkServerIdentity, and verifyInJs is set only with it.
  }

  onPing(): void {
    // The engine has answered it.
  }

  onFlushed(): void {
    // Never asked for.
  }

  /** Before the handler of the terminal event, which may connect again. */
  private end(): void {
    this.state = 'closed';
    for (const resolve of this.ending) resolve();
    this.ending = [];
    if (this.settings.standalone) this.loop.leave();
  }

  private fire(id: number, ...args: unknown[]): void {
    const handler = this.settings.handlers.get(id);
    if (handler === undefined) return;
    const result = resolveHandler(id, handler).apply(this.wso, args);
    if (result !== undefined) this.loop.noteResult(result);
  }
}

/** Bytes of a message as it will be sent. */
function sizeOf(message: string | Bytes): number {
  return typeof message === 'string' ? Buffer.byteLength(message) : message.byteLength;
}

/** What is queued must not change when the caller's buffer does. */
function copyOf(bytes: Bytes): Buffer {
  return ArrayBuffer.isView(bytes)
    ? Buffer.from(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    : Buffer.from(new Uint8Array(bytes));
}

/** A websocket object, made by create() and taken by the other functions. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocketObject {
  readonly #core: Core;

  /** @internal */
  constructor(core: Core) {
    this.#core = core;
    core.wso = this;
  }

  static {
    inspectable<WebSocketObject>(this.prototype, (wso) => {
      if (!(#core in wso)) return undefined;
      const { url, state, standalone, protocol, extensions, bufferedAmount } = wso;
      return { url, state, standalone, protocol, extensions, bufferedAmount };
    });
    disposable<WebSocketObject>(this.prototype, (wso) => wso.#core.closeAndWait());
  }

  /**
   * @internal
   * @throws TypeError if the value is no websocket object.
   */
  static coreOf(value: unknown): Core {
    if (typeof value !== 'object' || value === null || !(#core in value)) {
      throw typeError('wso', 'a websocket object made by create()', value);
    }
    return value.#core;
  }

  /** The URL, as ws: or wss:, without credentials. */
  get url(): string {
    return this.#core.settings.url.href;
  }

  get state(): ObjectState {
    return this.#core.state;
  }

  get standalone(): boolean {
    return this.#core.settings.standalone;
  }

  /** The subprotocol the server chose, or ''. */
  get protocol(): string {
    return this.#core.connection?.protocol ?? '';
  }

  /** The extensions in force, as the server sent them, or ''. */
  get extensions(): string {
    return this.#core.connection?.extensions ?? '';
  }

  /** Payload bytes that wait to be sent; after event 4, those that were not. */
  get bufferedAmount(): number {
    return this.#core.bufferedAmount;
  }

  /** After event 4: the code of the closure (RFC 6455 §7.1.5; 1005: none was given, 1006: it ended without). */
  get closeCode(): number | undefined {
    return this.#core.closeCode;
  }

  /** After event 4: the server's reason, or ''. */
  get closeReason(): string | undefined {
    return this.#core.closeReason;
  }

  /** After event 1, or after an event 4 that a breach of the protocol led to: what it was. */
  get error(): ConnectionError | undefined {
    return this.#core.error;
  }

  /** Counters of the connection, or undefined before connect(). */
  get stats(): ConnectionStats | undefined {
    return this.#core.connection?.stats();
  }

  /** The connection keeps the process alive, as it does by default. */
  ref(): this {
    this.#core.setRef(true);
    return this;
  }

  /** The connection does not keep the process alive. */
  unref(): this {
    this.#core.setRef(false);
    return this;
  }
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WebSocketObject {
  /** close() and the end awaited, event 4 or 1: `await using wso = …`. Where the symbol exists. */
  [Symbol.asyncDispose](): Promise<void>;
}
