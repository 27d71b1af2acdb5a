/** What users give to a socket of either side. Each option says its unit, range, default and source. */
import type { ZlibOptions } from 'node:zlib';

/** The type of binary messages. */
export type BinaryType = 'nodebuffer' | 'arraybuffer' | 'fragments' | 'blob';

/** permessage-deflate (RFC 7692), as ws names its parameters. */
export interface PerMessageDeflateOptions {
  /** Ask the server to forget its context after each message. Default false. RFC 7692 §7.1.1.1. */
  serverNoContextTakeover?: boolean | undefined;
  /**
   * true: say that this side forgets its context after each message. false: refuse a server that asks for it.
   * Default: neither. RFC 7692 §7.1.1.2.
   */
  clientNoContextTakeover?: boolean | undefined;
  /** Ask for a window of 2^n bytes on the server's side. 8 to 15. Default: not asked. RFC 7692 §7.1.2.1. */
  serverMaxWindowBits?: number | undefined;
  /**
   * A window of 2^n bytes on this side: 8 to 15. true (default): as the server likes. false: not offered, and a
   * server that asks for it is refused. RFC 7692 §7.1.2.2.
   */
  clientMaxWindowBits?: number | boolean | undefined;
  /**
   * Messages shorter than this many bytes are not compressed if this side forgets its context after each (as in ws:
   * with context takeover short ones are worth it too). 0 to 2^31 - 1; default 1024.
   */
  threshold?: number | undefined;
  /**
   * Of zlib: `level` (-1 to 9, default 3) and `memLevel` (1 to 9, default 8). `chunkSize` is accepted and has
   * nothing to size here. The others are refused.
   */
  zlibDeflateOptions?:
    | {
        level?: number | undefined;
        memLevel?: number | undefined;
        chunkSize?: number | undefined;
        flush?: number | undefined;
        finishFlush?: number | undefined;
        windowBits?: number | undefined;
        strategy?: number | undefined;
        dictionary?: Buffer | Buffer[] | DataView | undefined;
        info?: boolean | undefined;
      }
    | undefined;
  /** `chunkSize` is accepted and has nothing to size here. The others are refused. */
  zlibInflateOptions?: ZlibOptions | undefined;
  /** At least 1. Accepted: there is one compression at a time, which is within any limit. */
  concurrencyLimit?: number | undefined;
}

/** Options of {@link WebSocket.send}. */
export interface SendOptions {
  /** Text frame (false) or binary frame. Default: text for strings and numbers, else binary. */
  binary?: boolean | undefined;
  /** false: not compressed, though the connection compresses. Default true. */
  compress?: boolean | undefined;
  /** false: a fragment of a message that goes on with the next send(). Default true. */
  fin?: boolean | undefined;
  /** false: not masked, which RFC 6455 §5.3 forbids and servers must refuse. Default true. */
  mask?: boolean | undefined;
}

/** Options of what goes to many sockets. */
export interface PublishOptions {
  /** Text frame (false) or binary frame. Default: text for strings and numbers, else binary. */
  binary?: boolean | undefined;
  /** false: not compressed, for whomever. Default true: for connections that compress, from their `threshold` on. */
  compress?: boolean | undefined;
}

/** What send() takes, as in `@types/ws`: what is none of the first is handed to `Buffer.from`. */
export type Sendable =
  | string
  | number
  | Buffer
  | DataView
  | ArrayBufferView
  | Uint8Array
  | ArrayBuffer
  | SharedArrayBuffer
  | Blob
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  | readonly any[]
  | readonly number[]
  | { valueOf(): ArrayBuffer }
  | { valueOf(): SharedArrayBuffer }
  | { valueOf(): Uint8Array }
  | { valueOf(): readonly number[] }
  | { valueOf(): string }
  | { [Symbol.toPrimitive](hint: string): string };
