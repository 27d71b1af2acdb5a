/** Options of a socket whose connection is open already: ws's names, and what the engine takes. */
import { checkDelay, checkInteger } from '../options/checks';
import { typeError } from '../options/errors';
import type { AcceptOptions } from '../addon/contract';
import type { HeartbeatOptions } from '../options/connection-options';
import type { OpenSettings } from './open-session';
import type { PerMessageDeflateOptions } from './types';

/** In ms. */
export const CLOSE_TIMEOUT = 30_000;
/** In bytes. */
export const MAX_PAYLOAD = 100 * 1024 * 1024;
export const MAX_PENDING_AUTO_PONGS = 60;

const GIB = 1024 ** 3;
const MIB = 1024 ** 2;

/** What can be said of an open socket, of either side. */
export interface OpenOptions {
  /** Largest message, inflated, in bytes; 0: no limit. Default 100 MiB. Past it: close code 1009. */
  maxPayload?: number | undefined;
  /** Most fragments of a message; 0: see the option of the client. Default 0. Past it: close code 1008. */
  maxFragments?: number | undefined;
  /** Accepted: chunks are never buffered here. */
  maxBufferedChunks?: number | undefined;
  /**
   * Automatic pongs that may wait to be written; one more ping, and the connection is cut off, with 1006. 0: no limit;
   * past 64 KiB of them only the latest ping is answered. Default 60.
   */
  maxPendingAutoPongs?: number | undefined;
  /** Answer pings. Default true. */
  autoPong?: boolean | undefined;
  /** false: no more than one `message`, `ping` or `pong` event in a turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** Do not check that text, and the reason of a Close frame, is UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
  /** From the Close frame to the end of TCP, in ms; 0: no limit. Default 30 000. */
  closeTimeout?: number | undefined;

  // ---- Beyond ws

  /** Payload bytes that a socket may have queued; past it send() fails. Default 1 GiB. */
  sendLimit?: number | undefined;
  /** Payload bytes queued from which send() answers false, and `drain` follows. Default 1 MiB. */
  highWaterMark?: number | undefined;
  /** Ping clients that are silent; those that do not answer are closed with 1006. */
  heartbeat?: HeartbeatOptions | undefined;
  /**
   * Close connections without traffic: nothing has come and nothing has gone for so many ms, pings included. The code
   * is 1006. 0 (default): no limit.
   */
  idleTimeout?: number | undefined;
  /**
   * As soon as so many bytes of published messages wait for a socket (payload, and 32 for each), some are lost, as
   * `slowSubscriber` says, which `dropped` tells. Default 1 MiB.
   */
  publishLimit?: number | undefined;
  /**
   * What such a socket loses: 'drop-new' (default), the messages that come; 'drop-old', the oldest that wait, but for
   * what is on its way, at most half of the limit and 128 KiB; 'close', the connection, with 1013.
   */
  slowSubscriber?: 'drop-new' | 'drop-old' | 'close' | undefined;
}

/** permessage-deflate in force, and how to compress. */
export interface DeflateInForce {
  terms: {
    serverNoContextTakeover: boolean;
    clientNoContextTakeover: boolean;
    serverMaxWindowBits: number;
    clientMaxWindowBits: number;
  };
  options: Pick<PerMessageDeflateOptions, 'threshold' | 'zlibDeflateOptions'>;
}

/** ws makes 32-bit integers of its limits; 0, and what is none, turns a limit off. */
export function integer(value: unknown): number {
  return Math.max(0, Number(value) | 0);
}

/** @throws TypeError, RangeError for limits that are none. */
function queueLimits(options: OpenOptions): { sendLimit: number; highWaterMark: number } {
  const sendLimit = checkInteger(
    'options.sendLimit',
    options.sendLimit ?? GIB,
    1,
    Number.MAX_SAFE_INTEGER,
  );
  const highWaterMark = checkInteger(
    'options.highWaterMark',
    options.highWaterMark ?? Math.min(MIB, sendLimit),
    0,
    sendLimit,
  );
  return { sendLimit, highWaterMark };
}

/** @throws TypeError for what is none of the three. */
function slowSubscriber({ slowSubscriber = 'drop-new' }: OpenOptions): string {
  if (!['drop-new', 'drop-old', 'close'].includes(slowSubscriber)) {
    throw typeError('options.slowSubscriber', "'drop-new', 'drop-old' or 'close'", slowSubscriber);
  }
  return slowSubscriber;
}

/** What the engine takes. */
export function acceptOptions(
  options: OpenOptions,
  deflate: DeflateInForce | undefined,
  isServer: boolean,
): AcceptOptions {
  const { heartbeat } = options;
  const result: AcceptOptions = {
    isServer,
    closeTimeout: integer(options.closeTimeout ?? CLOSE_TIMEOUT),
    maxPayload: integer(options.maxPayload ?? MAX_PAYLOAD),
    maxFragments: integer(options.maxFragments ?? 0),
    maxPendingAutoPongs: integer(options.maxPendingAutoPongs ?? MAX_PENDING_AUTO_PONGS),
    skipUtf8Validation: Boolean(options.skipUTF8Validation),
    autoPong: options.autoPong !== false,
    textAsBuffer: true,
    ...queueLimits(options),
  };
  if (heartbeat !== undefined) {
    const interval = checkDelay('options.heartbeat.interval', heartbeat.interval, 1);
    const timeout = checkDelay('options.heartbeat.timeout', heartbeat.timeout ?? interval, 1);
    result.heartbeat = { interval, timeout };
  }
  const idleTimeout = checkDelay('options.idleTimeout', options.idleTimeout ?? 0);
  if (idleTimeout > 0) result.idleTimeout = idleTimeout;
  if (options.publishLimit !== undefined) {
    result.publishLimit = checkInteger('options.publishLimit', options.publishLimit, 1, GIB);
  }
  if (slowSubscriber(options) === 'drop-old') result.dropOldest = true;
  if (deflate !== undefined) {
    const { threshold, zlibDeflateOptions } = deflate.options;
    result.deflate = {
      ...deflate.terms,
      threshold: integer(threshold ?? 1024),
      level: checkInteger(
        'options.perMessageDeflate.zlibDeflateOptions.level',
        zlibDeflateOptions?.level ?? 3,
        -1,
        9,
      ),
      memLevel: checkInteger(
        'options.perMessageDeflate.zlibDeflateOptions.memLevel',
        zlibDeflateOptions?.memLevel ?? 8,
        1,
        9,
      ),
    };
  }
  return result;
}

/**
 * The options of sockets that are asked for one after the other, mostly alike: the same object as for the last one, if
 * all in it is the same, so that native code need not read it again.
 */
export class AcceptOptionsCache {
  #last: AcceptOptions | undefined;

  of(options: OpenOptions, deflate: DeflateInForce | undefined, isServer: boolean): AcceptOptions {
    const made = acceptOptions(options, deflate, isServer);
    if (this.#last === undefined || !isSame(this.#last, made)) this.#last = made;
    return this.#last;
  }
}

/** Whether two objects have the same members, and those that are objects likewise. */
function isSame(a: object, b: object): boolean {
  const names = Object.keys(a) as (keyof typeof a)[];
  return (
    names.length === Object.keys(b).length &&
    names.every((name) => {
      const [one, other]: unknown[] = [a[name], b[name]];
      if (one === other) return true;
      if (typeof one !== 'object' || typeof other !== 'object') return false;
      return one !== null && other !== null && isSame(one, other);
    })
  );
}

/** What the socket itself keeps. */
export function openSettings(options: OpenOptions): OpenSettings {
  return {
    allowSynchronousEvents: options.allowSynchronousEvents !== false,
    keepsUnsent: false,
    closesSlow: options.slowSubscriber === 'close',
    ...queueLimits(options),
  };
}
