/** The types of events and of the methods that listen to them. Types only. */
import type { ClientOptions } from './types';
import type { HandshakeRequest, HandshakeResponse } from '../client/handshake';
import type {
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  ReconnectInfo,
  ReconnectingEvent,
} from '../session/events';

export type { ListenerOptions } from './targets';

/** A message for `on('message')`: text is a Buffer of UTF-8; binary follows `binaryType` ('blob': a Blob). */
export type RawData = Buffer | ArrayBuffer | Buffer[];

/** A message for `addEventListener('message')` and `onmessage`: text is a string. */
export type Data = string | RawData;

/** Events of the emitter, and what their listeners get. */
export interface WebSocketEvents {
  /** The connection stands; with `reconnect`, each time. */
  open: [];
  message: [data: RawData, isBinary: boolean];
  /** A ping arrived, and was answered unless `autoPong` is off. */
  ping: [data: Buffer];
  pong: [data: Buffer];
  /** The last event. code: RFC 6455 §7.1.5; reason: UTF-8. */
  close: [code: number, reason: Buffer];
  /** Without a listener it is thrown, as by any emitter. `close` follows. */
  error: [error: Error];
  /** The server has accepted; before `open`. */
  upgrade: [response: HandshakeResponse];
  /** The server answered with another status. Who listens has to end the socket: `request.destroy()`. */
  'unexpected-response': [request: HandshakeRequest, response: HandshakeResponse];
  /** A redirect is being followed; the request may be changed. */
  redirect: [url: string, request: HandshakeRequest];
  /** The queue of messages went over `highWaterMark` (send() returned false) and has drained. */
  drain: [];
  /** Published messages were lost, since too much waits (`publishLimit`): how many, and bytes of payload. */
  dropped: [messages: number, bytes: number];
  /** The connection was lost, or could not be made, and is tried again. */
  reconnecting: [info: ReconnectInfo];
  /** Open again, after so many attempts; after `open`. */
  reconnected: [attempts: number];
}

/** An event of this socket. */
export type Of<E, S> = E & { readonly target: S };

/** Events for `addEventListener`. */
export interface WebSocketEventMap<S, D = Data> {
  open: Of<Event, S>;
  message: Of<MessageEvent<D>, S>;
  close: Of<CloseEvent, S>;
  error: Of<ErrorEvent, S>;
  ping: Of<MessageEvent<Buffer>, S>;
  pong: Of<MessageEvent<Buffer>, S>;
  drain: Of<Event, S>;
  reconnecting: Of<ReconnectingEvent, S>;
  reconnected: Of<Event, S>;
}

/**
 * What an `on…` attribute holds. That of any event when it is read, so that a socket can be given where the types of
 * `@types/ws`, whose events are others, ask for one.
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type AnyHandler = ((event: any) => void) | null;
export type Handler<E> = ((event: E) => void) | null;

/** A listener of `addEventListener` for events of one type. */
export type EventListener<S, E> =
  ((this: S, event: E) => void) | { handleEvent(event: E): void } | null;

/** Methods of one name and shape: `on`, `once`, `off` … */
export interface Listen<S, R> {
  <K extends keyof WebSocketEvents>(
    event: K,
    listener: (this: S, ...args: WebSocketEvents[K]) => void,
  ): R;
  // Any other event, and the same ones with listeners of other types, as in `@types/ws`.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  (event: string | symbol, listener: (this: S, ...args: any[]) => void): R;
}

/** The class or one that extends it. */
export type Constructor<S> = new (
  address: string | URL,
  protocols?: string | readonly string[],
  options?: ClientOptions,
) => S;
