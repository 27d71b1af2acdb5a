/**
 * The typed face of the addon: what crosses between JavaScript and native code. Declarations only; load.ts loads it.
 *
 * Everything crosses in two ways. Down: one call a message into the connection's outbound queue, and one
 * {@link NativeAddon.flush} for a burst. Up: the addon calls `onReady` once when its batch turns from empty
 * to non-empty, and {@link NativeAddon.take} hands over everything there is in one crossing.
 *
 * A connection is a small integer. It is valid from `connect` until `release`.
 */

import type { ListeningAddon } from './listening-contract';
import type { TlsOptions } from './tls-contract';

export type * from './listening-contract';
export type * from './tls-contract';

/** Kinds of records. Below 1000: libwebsockets' callback reasons, under their v2.4 numbers. */
export const enum Kind {
  /** LWS_CALLBACK_CLIENT_CONNECTION_ERROR. a: index of a {@link ConnectionFailure}. Terminal. */
  ConnectionError = 1,
  /** LWS_CALLBACK_CLIENT_ESTABLISHED. a: index of an {@link Established}. */
  Established = 3,
  /**
   * LWS_CALLBACK_CLOSED. a: close code (RFC 6455 §7.1.5), b: index of a {@link Closed}; -1: not clean, and nothing
   * more is to be said. Terminal.
   */
  Closed = 4,
  /** LWS_CALLBACK_CLIENT_RECEIVE, binary, inside the slab. a: offset, b: length, in bytes. */
  Receive = 8,
  /** LWS_CALLBACK_CLIENT_RECEIVE_PONG. a: index of a Buffer. */
  ReceivePong = 9,
  /** LWS_CALLBACK_CLIENT_WRITEABLE: the queue went over its high-water mark and has drained. */
  Writeable = 10,
  /** LWS_CALLBACK_WS_PEER_INITIATED_CLOSE. a: code (1005 if none), b: index of a Buffer (the reason). */
  PeerInitiatedClose = 38,
  /** Text. a: index of a string. */
  ReceiveText = 1000,
  /** Text that the connection asked to get as bytes ({@link ConnectOptions.textAsBuffer}). a: offset, b: length. */
  ReceiveTextBytes = 1001,
  /** Large message. a: index of an ArrayBuffer that is this message's own; b: 1 for text bytes, 0 for binary. */
  ReceiveLarge = 1002,
  /** A ping arrived (and was answered, unless autoPong is off). a: index of a Buffer. */
  ReceivePing = 1003,
  /** Bytes went to the socket. a + b * 2^31: payload bytes written since the connection began (see setFlushNotify). */
  Flushed = 1004,
  /** A log line. connection is 0; a: level bit, b: index of a string. */
  Log = 1005,
  /**
   * A redirect was answered; the addon follows it only if asked to by connect()ing again. Terminal.
   * a: index of a {@link ConnectionFailure} with location.
   */
  Redirect = 1006,
  /** The connection breaks, Closed follows. a: index of a {@link ConnectionFailure} (code, message, closeCode). */
  ProtocolError = 1007,
  /** The certificate is to be judged by JavaScript: answer with verify(). a: index of a {@link PeerCertificate}. */
  Certificate = 1008,
  /** A listener was asked for an upgrade: answer by accept() or refuse(). a: index of an {@link IncomingRequest}. */
  Request = 1009,
  /** Bytes for the stream of a connection made by adoptStream(); then took(). a: index of a Buffer. */
  StreamData = 1010,
  /** The stream of such a connection is to be ended. */
  StreamEnd = 1011,
  /** More bytes of its stream may be given to feed(). */
  StreamDrain = 1012,
  /** Of the body of a refusal, inside the slab; see {@link ConnectionFailure.held}. a: offset, b: length. */
  Body = 1013,
  /** Publications were dropped, since too much waits. a: how many, b: bytes of their payload. */
  Dropped = 1014,
}

/** Why a connection could not be made (event 1), or broke. */
export interface ConnectionFailure {
  /** Stable and machine-readable, see docs/errors.md. */
  code: string;
  /** The documented text of event 1 where the cause has one, else the engine's own. */
  reason: string;
  /** The engine's, OpenSSL's or the system's own words. */
  detail: string;
  /** HTTP status, when an HTTP response arrived. */
  status?: number;
  statusText?: string;
  /** Raw header lines of the response, "Name: value" separated by \r\n. */
  headers?: string;
  /** What arrived of the response's body with the headers; without its transfer coding after finishFailure(). */
  body?: Buffer;
  /**
   * More of it may come. The number stays valid: resume() asks for it (Body records, then Closed, whose detail tells
   * why it was cut off; pause() and terminate() as ever), release() does without.
   */
  held?: boolean;
  /** Of finishFailure(): the same with it. */
  rawBody?: Buffer;
  /** Of finishFailure(): whether that is all of it. */
  bodyComplete?: boolean;
  /** Where a redirect points to, as sent. */
  location?: string;
  /** Close code that was sent for a protocol error. */
  closeCode?: number;
  /** The system's errno name ("ECONNREFUSED"), where there is one. */
  errno?: string;
  /** What was tried. */
  address?: string;
  port?: number;
}

export interface Established {
  /** Subprotocol chosen by the server, or ''. */
  protocol: string;
  /** The Sec-WebSocket-Extensions value in force, as the server sent it, or ''. */
  extensions: string;
  status: number;
  statusText: string;
  /** Raw header lines of the response. */
  headers: string;
  remoteAddress: string;
  remotePort: number;
  remoteFamily: number;
  localAddress: string;
  localPort: number;
  /** TLS only. */
  tls?: {
    protocol: string;
    cipher: string;
    alpn: string;
    authorized: boolean;
    reused: boolean;
    fingerprint256: string;
    /** DER of the leaf. */
    certificate?: Buffer;
  };
}

export interface Closed {
  /** Reason bytes of the peer's Close frame, or empty. */
  reason: Buffer;
  /** Whether both Close frames were seen (RFC 6455 §7.1.4). */
  clean: boolean;
  /** System or TLS words for an abnormal closure (1006), or ''. */
  detail: string;
  /** The limit that was passed, if that has ended it. */
  excess?: Excess;
}

export interface PeerCertificate {
  /** DER of the leaf certificate. */
  raw: Buffer;
  servername: string;
}

/** What a connection takes that is open already. As in {@link ConnectOptions}. */
export interface AcceptOptions extends Pick<
  ConnectOptions,
  | 'closeTimeout'
  | 'maxPayload'
  | 'maxFragments'
  | 'skipUtf8Validation'
  | 'autoPong'
  | 'textAsBuffer'
  | 'sendLimit'
  | 'highWaterMark'
  | 'heartbeat'
  | 'idleTimeout'
  | 'publishLimit'
  | 'dropOldest'
> {
  /** Automatic pongs that may wait to be written; past it the connection is cut off. 0: no limit. */
  maxPendingAutoPongs: number;
  /** Which side this is: a server sends without masks and expects them. */
  isServer: boolean;
  /** permessage-deflate, if it is in force. */
  deflate?: {
    serverNoContextTakeover: boolean;
    clientNoContextTakeover: boolean;
    serverMaxWindowBits: number;
    clientMaxWindowBits: number;
    threshold: number;
    level: number;
    memLevel: number;
  };
}

/** What connect() takes; validated by lib/ before. Everything is required but what is marked. */
export interface ConnectOptions {
  secure: boolean;
  /** Host name or numeric address, without brackets. */
  host: string;
  port: number;
  /** Path and query, starting with "/". */
  path: string;
  /** The Host header. */
  hostHeader: string;
  /** Unix socket path, instead of host and port. */
  socketPath?: string;
  /** Already resolved numeric addresses, in the order to try. Else the addon resolves host itself. */
  addresses?: string[];
  /** 0, 4 or 6. */
  family: number;
  localAddress?: string;
  /** Subprotocols offered. If there are any, the server must choose one. */
  protocols: string[];
  /** A server that chooses none of them is refused. */
  requireProtocol?: boolean;
  /** Further header lines, each "Name: value", without line ends; Origin and Authorization included. */
  headers: string[];
  /** "http://user:pass@host:port", "socks5://…" (names resolved by the proxy: socks5h). */
  proxy?: {
    type: 'http' | 'socks5';
    host: string;
    port: number;
    auth?: string;
    resolveLocally?: boolean;
    headers?: string[];
  };
  /** Handle of createTls(); secure only. */
  tls?: number;
  /** Server name for SNI and for the certificate check; secure only; '' disables SNI. */
  servername?: string;
  /** Judge the certificate in JavaScript as well (Certificate record, verify()). */
  verifyInJs?: boolean;
  /** From connect() to Established, in ms; 0: none. */
  handshakeTimeout: number;
  /** From our Close frame to the end of TCP, in ms. */
  closeTimeout: number;
  /** Offer of permessage-deflate; absent: none. */
  deflate?: {
    serverNoContextTakeover: boolean;
    clientNoContextTakeover: boolean;
    /** 8 to 15; 0: not offered; for client 1: offered without a value. */
    serverMaxWindowBits: number;
    clientMaxWindowBits: number;
    /** Messages shorter than this many bytes are not compressed. */
    threshold: number;
    level: number;
    memLevel: number;
  };
  /** Largest message accepted, inflated, in bytes; 0: no limit. */
  maxPayload: number;
  /** Most fragments of a message. 0: no limit. */
  maxFragments: number;
  skipUtf8Validation: boolean;
  autoPong: boolean;
  textAsBuffer: boolean;
  /** Report pings (ReceivePing). Pongs are always reported. */
  /** Payload bytes that may be queued before send() answers Limit. */
  sendLimit: number;
  /** Payload bytes queued from which send() answers Full and a Writeable record follows when drained. */
  highWaterMark: number;
  /** Ping every interval ms while nothing arrives; without an answer within timeout ms: closed with 1006. */
  heartbeat?: { interval: number; timeout: number };
  /** Closed with 1006 when nothing has gone either way for so many ms. */
  idleTimeout?: number;
  /** Bytes of publications that wait when the newest are dropped, or the oldest. Default 1 MiB. */
  publishLimit?: number;
  dropOldest?: boolean;
}

/** Bits of send()'s flags. */
export const enum SendFlag {
  Text = 1,
  Binary = 2,
  /** Not the last fragment. */
  More = 4,
  /** A continuation of the message begun with More. */
  Continuation = 8,
  /** Compress, if negotiated, even below the threshold... never for a continuation. */
  Compress = 16,
  /** Do not compress, whatever was negotiated. Without either flag the threshold decides. */
  NoCompress = 64,
  /** Do not mask (tests against servers that must refuse it). */
  NoMask = 32,
  /** A string is sent as a binary message, or bytes as text, by Text/Binary: the type of data does not decide. */
}

/** Limits of an open connection that end it. As Excess in native/engine/events.h. */
export const enum Excess {
  /** `idleTimeout`. */
  Idle = 1,
  /** `maxPayload`, or more memory than there is. */
  Payload = 2,
  /** `maxFragments`. */
  Fragments = 3,
  /** `maxPendingAutoPongs`. */
  Pongs = 4,
}

/** What send() answers. */
export const enum SendResult {
  /** Queued; go on. */
  Ok = 0,
  /** Queued; the queue is over its high-water mark: wait for Writeable. */
  Full = 1,
  /** Not queued: it would go over the limit. */
  Limit = -1,
  /** Not queued: the connection is closing or closed. */
  Closed = -2,
  /** Not queued: text bytes that are not UTF-8. */
  InvalidUtf8 = -3,
  /** Not queued: there is no memory for it. */
  NoMemory = -4,
}

/** Bytes as JavaScript hands them over. */
export type Bytes = ArrayBufferView | ArrayBuffer | SharedArrayBuffer;

/** What a batch's records refer to, as bits. */
export const enum Parts {
  Slab = 1,
  Values = 2,
  Both = 3,
}

declare const prepared: unique symbol;

/** A message that prepare() has made. */
export interface PreparedHandle {
  readonly [prepared]: true;
}

/** The part of the addon that publishes. Connections are a server's; topics are numbers of the caller's choice. */
export interface PublishingAddon {
  /** The connection gets what is published under the topic from here on. It ends with the connection. */
  subscribe(connection: number, topic: number): void;
  unsubscribe(connection: number, topic: number): void;
  /**
   * A message for all that subscribe: with the next flush(), in its place among what is sent. except: the connection
   * that does not get it, or 0; subscribers: how many there are, by which the engine plans.
   */
  publish(
    topic: number,
    data: string | Bytes | PreparedHandle,
    flags: number,
    except: number,
    subscribers: number,
  ): SendResult;
  /** The same for the connections named. */
  publishTo(
    connections: Int32Array,
    data: string | Bytes | PreparedHandle,
    flags: number,
  ): SendResult;
  /** A message that send(), publish() and publishTo() take, whatever flags those get; or why there is none. */
  prepare(data: string | Bytes, flags: number): PreparedHandle | SendResult;
  preparedSize(message: PreparedHandle): number;
  /** A copy. */
  preparedPayload(message: PreparedHandle): Buffer;
  /** Payload bytes that were published to the connection and not yet given to the system. */
  publishedAmount(connection: number): number;
}

export interface NativeAddon extends ListeningAddon, PublishingAddon {
  /** The package's version that the binary was built for. */
  readonly version: string;
  /** Versions of the engine ("4.1.6"), OpenSSL and zlib that are linked in. */
  readonly versions: { libwebsockets: string; openssl: string; zlib: string };

  /**
   * Starts the environment's engine, unless it runs: without connections it is ended after some seconds, so that this
   * is called before each. `table` receives the records of take(): four 32-bit integers each
   * (connection, kind, a, b), and in its last two elements how many there are and their {@link Parts}. `onReady` is
   * called on the JavaScript thread when there is something to take.
   */
  init(table: Int32Array, onReady: () => void, options: EngineOptions): void;

  /** target: a number that stands for these options, whenever it comes again, or 0. Not for secure ones. */
  connect(options: ConnectOptions, target: number): number;
  /** flags must name Text, Binary or Continuation. */
  send(connection: number, data: string | Bytes | PreparedHandle, flags: number): SendResult;
  ping(connection: number, data: string | Bytes | undefined, masked: boolean): SendResult;
  pong(connection: number, data: string | Bytes | undefined, masked: boolean): SendResult;
  /** Begins the closing handshake (code 0: no code), after everything queued before. While connecting: gives up. */
  close(connection: number, code: number, reason?: string | Bytes): void;
  /** Ends TCP at once; queued data is discarded. */
  terminate(connection: number): void;
  pause(connection: number): void;
  resume(connection: number): void;
  /** Hands what was queued to the service thread: one wake-up for the burst. */
  flush(): void;
  /** Payload bytes queued and not yet given to the system. */
  bufferedAmount(connection: number): number;
  /** Ask for a Flushed record at the next progress (one shot). Returns payload bytes queued since the beginning. */
  setFlushNotify(connection: number): number;
  /**
   * Fills out: messages in, out, frames in, out, payload bytes in, out, wire bytes in, out,
   * inflated bytes in, deflated source bytes out, last RTT µs, inbound queue bytes, deflated bytes
   * in, compressed bytes out (14 in all).
   */
  stats(connection: number, out: Float64Array): void;
  /**
   * Fills out: how many turns took no longer than each of the bounds of turn-times.ts, and than none of them; then what
   * all took together, in seconds. False if there is no engine.
   */
  turnTimes(out: Float64Array): boolean;
  /**
   * Fills out, for each lane: the connections it has, those under way to it included; and how long its turns took
   * altogether, in seconds. As far as there is room. Returns how many lanes there are; 0 if there is no engine.
   */
  laneLoads(out: Float64Array): number;
  verify(connection: number, error: string | undefined): void;

  /**
   * Accepts the request of a Request record: writes the response (Latin-1), and the connection is open. The same object
   * of options again is not read again, here and in the following: it must not change.
   */
  accept(connection: number, response: string, options: AcceptOptions): void;
  /** Refuses it: writes the response and closes. Closed follows. */
  refuse(connection: number, response: string): void;
  /** An open connection on a duplicate of the descriptor: writes the greeting; head has been read already. */
  adopt(fd: number, greeting: string, head: Buffer, options: AcceptOptions): number;
  /** The same over a stream of JavaScript's: bytes come by feed(), and go by StreamData records. */
  adoptStream(head: Buffer, options: AcceptOptions): number;
  /** What has been read from the stream. Answers whether to go on; else StreamDrain follows. */
  feed(connection: number, data: Buffer): boolean;
  /** The stream has ended: the peer sends nothing more. error: why it is broken, if it is. */
  feedEnd(connection: number, error: string | undefined): void;
  /** The stream has taken so many bytes of StreamData records. */
  took(connection: number, bytes: number): void;
  /** Frees the number, after a terminal record. */
  release(connection: number): void;

  /**
   * Moves what has arrived into the table. Returns undefined if there is nothing, else what the records refer to:
   * the slab of small payloads, the values, [slab, values], or null, as {@link Parts} says. Records that did not
   * fit come with the next call.
   */
  take(): ArrayBuffer | unknown[] | null | undefined;
  /** Blocks the calling thread until there is something to take, or ms have passed (negative: no limit). */
  wait(ms: number): boolean;
  /** Calls onReady again soon although nothing new came (a dispatch was cut short). */
  rearm(): void;

  /** Whether the environment is kept alive. */
  setRef(ref: boolean): void;

  /** Bit mask of levels; sink 0: stderr, 1: Log records. */
  setLogLevel(levels: number, sink: 0 | 1): void;
  /**
   * Logs a line of one level wherever it is asked for, but for this environment's Log records: true if it is to be
   * one of those. A connection that fails may be the last thing that keeps the process alive; no record would come.
   */
  writeLog(level: number, line: string): boolean;
  /**
   * PEM of the roots that this environment trusts where no others are given; before the first createTls(), and
   * again when they change: configurations keep those they were made with. Empty: nobody is trusted.
   */
  setRoots(pem: string): void;
  /** Loads and checks certificates and keys. Throws an Error with a code. */
  createTls(options: TlsOptions): number;
  /** The configuration lives on while a connection uses it. */
  releaseTls(tls: number): void;
}

export interface EngineOptions {
  /** Bytes waiting for JavaScript from which sockets are no longer read, and below which they are again. */
  inboundHighWaterMark: number;
  inboundLowWaterMark: number;
  /** 'thread': a service thread of its own. 'loop': the engine runs on Node's own loop (lowest latency). 'adaptive'. */
  service: 'thread' | 'loop' | 'adaptive';
  /** Threads over which connections are spread: the engine's lanes. */
  threads: number;
}
