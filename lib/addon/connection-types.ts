/** What a connection is told, and what it tells. */
import type { PeerCertificate as LegacyCertificate } from 'node:tls';
import type {
  Closed,
  ConnectionFailure,
  ConnectOptions,
  Established,
  Excess,
  PeerCertificate,
} from './contract';
import type { TlsConfig } from './tls-store';

/** Judges the name of a certificate; an Error, or anything else but true and undefined, refuses it. As in Node.js. */
export type CheckServerIdentity = (
  servername: string,
  certificate: LegacyCertificate,
) => Error | boolean | undefined | void;

/** Told when a connection has ended. */
export interface Companion {
  connectionEnded(): void;
}

/** What a connection is doing. The numbers are those of the standard's `readyState`. */
export const enum State {
  /** From `new` to `onEstablished`, `onFailure` or `onRedirect`. */
  Connecting = 0,
  /** Messages can be sent and arrive. */
  Open = 1,
  /** A Close frame was sent or received, or the connection breaks; `onClosed` (or `onFailure`) follows. */
  Closing = 2,
  /** After the terminal handler. */
  Closed = 3,
}

/**
 * What a connection tells its owner. The order is:
 * `[onCertificate] (onFailure | onRedirect | onEstablished … [onError] onClosed)`.
 * Exactly one of `onFailure`, `onRedirect` and `onClosed` is called, and nothing after it.
 *
 * An exception thrown by a handler leaves the dispatcher (to `uncaughtException`, or out of `loop`); no other
 * event is lost. Give one class implementing all of these, so that the calls stay monomorphic.
 */
export interface ConnectionHandlers {
  /** Only with `verifyInJs` and without `checkServerIdentity`: answer with Connection.verify(), now or later. */
  onCertificate(certificate: PeerCertificate): void;
  /** The server answered with a redirect. Terminal: to follow it, open another connection. */
  onRedirect(failure: ConnectionFailure): void;
  /** The connection could not be made. Terminal. The failure is finished: documented reason, stable code. */
  onFailure(failure: ConnectionFailure): void;
  /** LWS_CALLBACK_CLIENT_ESTABLISHED. */
  onEstablished(info: Established): void;
  /**
   * One whole message. Binary: a Buffer. Text: a string, or a Buffer of UTF-8 if the connection was made with
   * `textAsBuffer`. The Buffer may be a view of a larger block shared with other messages.
   */
  onMessage(data: string | Buffer, isBinary: boolean): void;
  /** A ping arrived (it was answered, unless `autoPong` is off). */
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  /** The outbound queue went over its high-water mark and has drained. */
  onDrain(): void;
  /**
   * The connection is about to answer the peer's Close frame, or what the peer broke: calls `then` when everything
   * given to send() so far has been handed to the connection. Without it that is at once.
   */
  afterSending?(then: () => void): void;
  /** The last event has arrived while the connection is paused, and waits behind others until resume(). */
  onEndHeld?(): void;
  /** The peer began the closing handshake. code is 1005 if there was none in its frame. */
  onPeerClose(code: number, reason: Buffer): void;
  /** The open connection breaks; onClosed follows. */
  onError(failure: ConnectionFailure): void;
  /** The connection has closed. code as in RFC 6455 §7.1.5 (1005: none, 1006: abnormally). Terminal. */
  onClosed(code: number, info: Closed): void;
  /** Of a request that waits to be decided: the client sends nothing more. */
  onPeerEnd?(): void;
  /** So many messages that were published to it, and so many bytes, are lost: too much waited for its peer. */
  onDropped?(messages: number, bytes: number): void;
  /** Answer to Connection.notifyFlushed(): payload bytes given to the system since the connection began. */
  onFlushed(bytes: number): void;
}

/** Who has let a connection in. */
export interface ConnectionOwner {
  /** It has ended; excess: for this limit. */
  connectionEnded(excess?: Excess): void;
  /** What was to be sent would have passed `sendLimit`. */
  sendRefused(): void;
  /** So many messages that were published to it are lost, for `publishLimit`. */
  publicationsLost(messages: number): void;
}

/** A stream of JavaScript's that a connection goes over. */
export interface ConnectionStream {
  /** Bytes for it; then Connection.took(). */
  write(data: Buffer): void;
  /** Nothing more follows. */
  end(): void;
  /** It may be read again. */
  resume(): void;
}

/** Resolves a host name as `dns.lookup` does with `all: true`; of the option `lookup`. */
export type LookupFunction = (
  hostname: string,
  options: { all: true; family: number; hints: number },
  callback: (
    error: NodeJS.ErrnoException | null,
    address: string | { address: string; family: number }[],
    family?: number,
  ) => void,
) => void;

/** What Connection.connect() takes; made by options.ts. Can be used for any number of connections. */
export interface Target {
  /**
   * Unlike that of any other, if `options` never change: the addon need not read them again when the last connection
   * had the same. Else 0.
   */
  id: number;
  /** Everything but the handle of the TLS configuration. */
  options: ConnectOptions;
  /** Secure only. Held by the target, so that the handle stays valid. */
  tls?: TlsConfig;
  /** Resolves the host in JavaScript instead of in the addon; not if a proxy resolves it. */
  lookup?: LookupFunction;
  /** Judges the certificate's name; with `verifyInJs`. */
  checkServerIdentity?: CheckServerIdentity;
}

/** Counters of a connection. Everything since it began; bytes unless said. */
export interface ConnectionStats {
  messagesReceived: number;
  messagesSent: number;
  framesReceived: number;
  framesSent: number;
  /** Payload of messages, before deflating and after inflating. */
  payloadBytesReceived: number;
  payloadBytesSent: number;
  /** With frame headers; before TLS. */
  wireBytesReceived: number;
  wireBytesSent: number;
  /** Payload of received compressed messages, as it came, and after inflating. */
  deflatedBytesReceived: number;
  inflatedBytesReceived: number;
  /** Payload of sent compressed messages before deflating, and what it became. */
  deflatedBytesSent: number;
  compressedBytesSent: number;
  /** From the last ping to its pong, in ms; -1 before the first. */
  roundTripTime: number;
  /** Waiting for JavaScript. */
  receiveQueueBytes: number;
  /** Waiting for the socket: Connection.bufferedAmount. */
  sendQueueBytes: number;
}
