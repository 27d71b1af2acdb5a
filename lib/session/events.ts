/**
 * The events of a {@link WebSocket}, for listeners added with `addEventListener` and the `on…` attributes.
 *
 * They are real `Event`s, so that `instanceof`, `currentTarget` and `stopImmediatePropagation()` work; the members
 * of their own are plain getters, since one is made for each message.
 */

import { MessagePort } from 'node:worker_threads';
import { inspectable } from '../base/objects';
import { typeError } from '../options/errors';

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
  lastEventId?: string;
  source?: object | null;
  ports?: Iterable<MessagePort>;
}

/** For members that only events made by users have: one made for a message pays for one field, not for three. */
interface Foreign {
  lastEventId: string;
  source: object | null;
  ports: readonly MessagePort[];
}

const NOTHING = Object.freeze({});

/** USVString of Web IDL: lone surrogates become U+FFFD. */
function scalarString(value: unknown): string {
  const text = `${value as string}`;
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text;
}

/** An event without a type is a TypeError, as Web IDL has it; Node's own makes one of type 'undefined'. */
function needType(count: number): void {
  if (count === 0) throw typeError('type', 'given', undefined);
}

function portsOf(given: unknown): readonly MessagePort[] {
  if (given === undefined) return NO_PORTS;
  if (typeof given !== 'object' || given === null || !(Symbol.iterator in given)) {
    throw typeError('init.ports', 'a sequence of MessagePorts', given);
  }
  const ports = [...(given as Iterable<MessagePort>)];
  for (const port of ports) {
    if (!(port instanceof MessagePort)) {
      throw typeError('init.ports', 'a sequence of MessagePorts', port);
    }
  }
  return Object.freeze(ports);
}

/** No other source can be here: there are no windows, and no service workers. */
function sourceOf(given: unknown): MessagePort | null {
  if (given === undefined || given === null) return null;
  if (!(given instanceof MessagePort)) throw typeError('init.source', 'a MessagePort', given);
  return given;
}

/** A message arrived. Source: WHATWG HTML, "The MessageEvent interface". */
export class MessageEvent<T = MessageData> extends Event {
  #data: T;
  #origin: string;
  #foreign: Foreign | undefined;

  constructor(type: string, init?: MessageEventInit | null) {
    needType(arguments.length);
    super(type, init ?? undefined);
    const { data, origin, lastEventId, source, ports }: MessageEventInit = init ?? NOTHING;
    this.#data = (data === undefined ? null : data) as T;
    this.#origin = origin === undefined ? '' : scalarString(origin);
    if (lastEventId !== undefined || source !== undefined || ports !== undefined) {
      this.#foreign = {
        lastEventId: `${lastEventId ?? ''}`,
        source: sourceOf(source),
        ports: portsOf(ports),
      };
    }
  }

  /** The message: a string for text, else what `binaryType` asks for. */
  get data(): T {
    return this.#data;
  }

  /** The server's origin: scheme, host and port of the socket's URL. */
  get origin(): string {
    return this.#origin;
  }

  /** Empty: WebSockets have no event IDs. */
  get lastEventId(): string {
    return this.#foreign?.lastEventId ?? '';
  }

  /** Null: there is no other end to post to. */
  get source(): object | null {
    return this.#foreign?.source ?? null;
  }

  /** Empty: WebSockets transfer no ports. */
  get ports(): readonly MessagePort[] {
    return this.#foreign?.ports ?? NO_PORTS;
  }
}

const NO_PORTS: readonly MessagePort[] = Object.freeze([]);

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

  constructor(type: string, init?: CloseEventInit | null) {
    needType(arguments.length);
    super(type, init ?? undefined);
    const { code, reason, wasClean }: CloseEventInit = init ?? NOTHING;
    // unsigned short of Web IDL: modulo 2^16.
    this.#code = code === undefined ? 0 : (new Uint16Array([code])[0] as number);
    this.#reason = reason === undefined ? '' : scalarString(reason);
    this.#wasClean = Boolean(wasClean);
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
  filename?: string;
  lineno?: number;
  colno?: number;
}

/**
 * The connection could not be made, or breaks; a {@link CloseEvent} follows. Source: WHATWG HTML, "The ErrorEvent
 * interface".
 */
export class ErrorEvent extends Event {
  readonly #error: unknown;
  readonly #message: string;
  readonly #filename: string;
  readonly #lineno: number;
  readonly #colno: number;

  constructor(type: string, init?: ErrorEventInit | null) {
    needType(arguments.length);
    super(type, init ?? undefined);
    const { error, message, filename, lineno, colno }: ErrorEventInit = init ?? NOTHING;
    this.#error = error;
    this.#message = message === undefined ? '' : `${message}`;
    this.#filename = filename === undefined ? '' : scalarString(filename);
    this.#lineno = Number(lineno ?? 0) >>> 0;
    this.#colno = Number(colno ?? 0) >>> 0;
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

  /** Empty: no script is at fault. */
  get filename(): string {
    return this.#filename;
  }

  /** 0, likewise. */
  get lineno(): number {
    return this.#lineno;
  }

  /** 0, likewise. */
  get colno(): number {
    return this.#colno;
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

for (const [type, names] of [
  [MessageEvent, ['data', 'origin']],
  [CloseEvent, ['code', 'reason', 'wasClean']],
  [ErrorEvent, ['message', 'error']],
  [ReconnectingEvent, ['attempt', 'delay', 'code', 'reason', 'error']],
] as const) {
  inspectable(type.prototype as Event, (event) => {
    const members = event as unknown as Record<string, unknown>;
    try {
      return Object.fromEntries(['type', ...names].map((name) => [name, members[name]]));
    } catch {
      // It is the prototype, which has no members but getters.
      return undefined;
    }
  });
}

// As Web IDL has interfaces: members are enumerable, and the class has a name for Object.prototype.toString().
for (const [name, type] of Object.entries({
  MessageEvent,
  CloseEvent,
  ErrorEvent,
  ReconnectingEvent,
})) {
  for (const member of Object.getOwnPropertyNames(type.prototype)) {
    if (member !== 'constructor')
      Object.defineProperty(type.prototype, member, { enumerable: true });
  }
  Object.defineProperty(type.prototype, Symbol.toStringTag, { value: name, configurable: true });
  if (type !== ReconnectingEvent)
    Object.defineProperty(type, 'length', { value: 1, configurable: true });
}
