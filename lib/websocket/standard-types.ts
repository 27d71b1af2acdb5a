/**
 * Types of the standard's face. Events are described by what they have, so that the class can be given wherever the
 * DOM's `WebSocket`, or that of `@types/node` or undici, is asked for. Types only.
 */
import type { ReconnectingEvent } from '../session/events';

/** A Blob, by what is used of it: there are several types of it, which differ. */
export interface BlobLike {
  readonly size: number;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** What send() takes. Anything else becomes a string. */
export type Sendable = string | ArrayBufferLike | ArrayBufferView | BlobLike;

/** A message of a loop: text is a string, binary follows `binaryType`. */
export type Data = string | Blob | ArrayBuffer;

/** A message, for listeners. */
export interface StandardMessageEvent extends Event {
  /** Text is a string, binary as `binaryType` has it. */
  // `any`, as the DOM has it: code written for either reads it without a cast.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly data: any;
  /** The server's origin: scheme, host and port of the socket's URL. */
  readonly origin: string;
  readonly lastEventId: string;
  readonly source: object | null;
  readonly ports: readonly object[];
}

/** The end, for listeners. */
export interface StandardCloseEvent extends Event {
  readonly code: number;
  readonly reason: string;
  readonly wasClean: boolean;
}

/** A failure, for listeners. The DOM says of it no more than that it is an event: hence optional. */
export interface StandardErrorEvent extends Event {
  // `any`, as the DOM's own ErrorEvent has it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly error?: any;
  readonly message?: string;
}

/** Events for `addEventListener`. */
export interface StandardEventMap {
  open: Event;
  message: StandardMessageEvent;
  close: StandardCloseEvent;
  error: StandardErrorEvent;
  ping: StandardMessageEvent;
  pong: StandardMessageEvent;
  drain: Event;
  reconnecting: ReconnectingEvent;
  reconnected: Event;
}

/** A handler that takes such an event, or one that knows more or less of it: compared as methods are. */
type Handler<E> = { compared(event: E): unknown }['compared'];

/** A listener for `addEventListener`. */
export type Listener<S, E> = ((this: S, event: E) => unknown) | { handleEvent(event: E): unknown };

/** The event handler attributes. */
export interface StandardAttributes {
  onopen: Handler<Event> | null;
  onmessage: Handler<StandardMessageEvent> | null;
  onclose: Handler<StandardCloseEvent> | null;
  onerror: Handler<StandardErrorEvent> | null;
}
