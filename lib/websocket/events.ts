/**
 * The events of a {@link WebSocket}, for listeners added with `addEventListener` and the `on…` attributes.
 *
 * They are real `Event`s, so that `instanceof`, `currentTarget` and `stopImmediatePropagation()` work; the members
 * of their own are plain getters, since one is made for each message.
 */

/** What a message can be for `addEventListener('message')`: text is a string, the rest follows `binaryType`. */
export type MessageData = string | Buffer | ArrayBuffer | Buffer[] | Blob;

/** Members of an `Event` that can be given to its constructor. */
export interface EventInit {
  bubbles?: boolean;
  cancelable?: boolean;
  composed?: boolean;
}

/** Members of a {@link MessageEvent} that can be given to its constructor. */
export interface MessageEventInit extends EventInit {
  data?: unknown;
  origin?: string;
}

/** A message arrived. Source: WHATWG HTML, "The MessageEvent interface". */
export class MessageEvent<T = MessageData> extends Event {
  readonly #data: T;
  readonly #origin: string;

  constructor(type: string, init: MessageEventInit = {}) {
    super(type, init);
    this.#data = (init.data === undefined ? null : init.data) as T;
    this.#origin = init.origin === undefined ? '' : String(init.origin);
  }

  /** The message: a string for text, else what `binaryType` asks for. */
  get data(): T {
    return this.#data;
  }

  /** The server's origin: scheme, host and port of the socket's URL. */
  get origin(): string {
    return this.#origin;
  }

  /** Always empty: WebSockets have no event IDs. */
  get lastEventId(): string {
    return '';
  }

  /** Always null: there is no other end to post to. */
  get source(): null {
    return null;
  }

  /** Always empty: WebSockets transfer no ports. */
  get ports(): readonly never[] {
    return NO_PORTS;
  }
}

const NO_PORTS: readonly never[] = Object.freeze([]);

/** Members of a {@link CloseEvent} that can be given to its constructor. */
export interface CloseEventInit extends EventInit {
  code?: number;
  reason?: string;
  wasClean?: boolean;
}

/** The connection has closed. Source: WHATWG WebSockets §3.2, "The CloseEvent interface". */
export class CloseEvent extends Event {
  readonly #code: number;
  readonly #reason: string;
  readonly #wasClean: boolean;

  constructor(type: string, init: CloseEventInit = {}) {
    super(type, init);
    this.#code = init.code === undefined ? 0 : Number(init.code);
    this.#reason = init.reason === undefined ? '' : String(init.reason);
    this.#wasClean = Boolean(init.wasClean);
  }

  /** The close code of RFC 6455 §7.1.5: 1000 to 4999; 1005 if the peer gave none, 1006 without a Close frame. */
  get code(): number {
    return this.#code;
  }

  /** The peer's reason, at most 123 bytes of UTF-8, or ''. */
  get reason(): string {
    return this.#reason;
  }

  /** Whether both Close frames were seen (RFC 6455 §7.1.4). */
  get wasClean(): boolean {
    return this.#wasClean;
  }
}

/** Members of an {@link ErrorEvent} that can be given to its constructor. */
export interface ErrorEventInit extends EventInit {
  error?: unknown;
  message?: string;
}

/** The connection could not be made, or breaks; a {@link CloseEvent} follows. */
export class ErrorEvent extends Event {
  readonly #error: unknown;
  readonly #message: string;

  constructor(type: string, init: ErrorEventInit = {}) {
    super(type, init);
    this.#error = init.error === undefined ? null : init.error;
    this.#message = init.message === undefined ? '' : String(init.message);
  }

  /** The error, as `on('error')` gets it. */
  // `any`, as in the DOM's own ErrorEvent: code written for either reads members of it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  get error(): any {
    return this.#error;
  }

  /** `error.message`. */
  get message(): string {
    return this.#message;
  }
}

/** Why and when a connection will be tried again, of `reconnecting`. */
export interface ReconnectInfo {
  /** Number of the attempt that follows, from 1; begins again after each successful one. */
  attempt: number;
  /** Until it begins, in ms. */
  delay: number;
  /** Close code of the lost connection; 1006 if it was never open. */
  code: number;
  /** The peer's reason, or ''. */
  reason: string;
  /** What went wrong, if that is more than a close code. */
  error: Error | undefined;
}

/** The connection was lost and will be tried again: `reconnecting` for `addEventListener`. */
export class ReconnectingEvent extends Event {
  readonly #info: ReconnectInfo;

  constructor(info: ReconnectInfo) {
    super('reconnecting');
    this.#info = info;
  }

  /** Number of the attempt that follows, from 1. */
  get attempt(): number {
    return this.#info.attempt;
  }

  /** Until it begins, in ms. */
  get delay(): number {
    return this.#info.delay;
  }

  /** Close code of the lost connection. */
  get code(): number {
    return this.#info.code;
  }

  /** The peer's reason, or ''. */
  get reason(): string {
    return this.#info.reason;
  }

  /** What went wrong, if that is more than a close code. */
  get error(): Error | undefined {
    return this.#info.error;
  }
}
