/**
 * What goes out of one socket: messages as the user gives them, in the order of the calls, their callbacks, and, if
 * asked for, what has to be sent again on the next connection.
 */
import { AsyncResource } from 'node:async_hooks';
import type { Connection } from '../addon/connection';
import { heldBesidePayload } from '../options/connection-options';
import { typeError, withCode } from '../options/errors';
import { SendFlag, SendResult, type Bytes } from '../addon/contract';
import { nextTick } from '../base/runtime';
import { invalidUtf8, NOT_SENT, notSent, sendLimit } from './errors';
import { byteLength, snapshot, toPayload } from './payload';
import { checkUnsettled, PreparedMessage } from './prepared';
import type { SendOptions } from './types';

export type SendCallback = (error?: Error) => void;

/** Something that was queued and whose fate is still open. */
interface Waiting {
  /** Payload bytes queued on the connection up to and with it. */
  upTo: number;
  callback: SendCallback | undefined;
  /** Kept to be sent again; absent unless asked for. */
  data: string | Bytes | undefined;
  flags: number;
}

/** Something that could not be queued yet, since a Blob before it (or itself) is still being read. */
interface Deferred {
  bytes: number;
  /** undefined until it can run. */
  run: (() => void) | undefined;
  /** Tells its callback that it will not. */
  drop: (error: Error) => void;
}

/** Shared by all that have none; never written to. */
const NOBODY_WAITS: Waiting[] = [];
const NOTHING_DEFERRED: Deferred[] = [];

/** Where a message of several fragments stands. */
const enum Fragments {
  None,
  /** The first has been sent, the last not. */
  Open,
  /** As Open, but the connection that has the first is gone. */
  Lost,
}

export interface OutboxOwner {
  /** Told of what nobody else can be told of: a Blob cannot be read, or what it holds cannot be sent. */
  sendFailed(error: Error): void;
  /** More waits now than the high-water mark. */
  sendHeldUp(): void;
  /** Something does not fit any more. */
  sendDropped(): void;
}

export class Outbox {
  /** Undefined while there is no connection that is open. */
  #connection: Connection | undefined;
  readonly #keep: boolean;
  readonly #limit: number;
  #fragments: Fragments = Fragments.None;
  #waiting: Waiting[] = NOBODY_WAITS;
  #asked = false;
  #compresses = false;
  #deferred: Deferred[] = NOTHING_DEFERRED;
  #deferredBytes = 0;
  /** Of the waiting ones that no connection has. */
  #keptBytes = 0;

  readonly #owner: OutboxOwner;

  constructor(keep: boolean, limit: number, owner: OutboxOwner) {
    this.#keep = keep;
    this.#limit = limit;
    this.#owner = owner;
  }

  /** Payload bytes that have not reached a connection. */
  get bytes(): number {
    return this.#deferredBytes + this.#keptBytes;
  }

  /**
   * Sends a message, or a fragment.
   *
   * @returns whether to go on; false: wait for `drain`.
   * @throws if there is no callback to tell of an error.
   */
  send(
    data: unknown,
    options: SendOptions | undefined,
    callback: SendCallback | undefined,
  ): boolean {
    if (data instanceof PreparedMessage) {
      checkUnsettled(options);
      return this.#sendPrepared(data, callback);
    }
    if (callback) callback = bound(callback);
    const payload = toPayload(data);
    let flags: number;
    if (options === undefined) {
      flags = typeof payload === 'string' ? SendFlag.Text : SendFlag.Binary;
    } else {
      const { binary = typeof payload !== 'string', compress = true, mask = true } = options;
      flags = binary ? SendFlag.Binary : SendFlag.Text;
      if (!compress) flags |= SendFlag.NoCompress;
      if (!mask) flags |= SendFlag.NoMask;
    }
    const fin = options?.fin !== false;
    if (this.#fragments === Fragments.Lost) {
      if (fin) this.#fragments = Fragments.None;
      return this.#refuse(notSent(), callback);
    }
    if (this.#fragments === Fragments.Open) {
      flags = (flags & SendFlag.NoMask) | SendFlag.Continuation;
    }
    if (!fin) flags |= SendFlag.More;
    const before = this.#fragments;
    this.#fragments = fin ? Fragments.None : Fragments.Open;

    if (payload instanceof Blob) return this.#sendBlob(payload, flags, callback);
    if (this.#deferred.length > 0) {
      const copy = snapshot(payload);
      return this.#defer(byteLength(payload), callback, () =>
        this.#queueLate(copy, flags, callback),
      );
    }
    const error = this.#queue(payload, flags, callback);
    if (error === undefined) return this.#flowing;
    // Nothing of it went out: the message it belongs to stands where it stood.
    this.#fragments = before;
    return this.#answer(error, callback);
  }

  #sendPrepared(message: PreparedMessage, callback: SendCallback | undefined): boolean {
    const connection = this.#connection;
    const { flags, isBinary: binary } = message;
    const asItIs = this.#fragments === Fragments.None && this.#deferred.length === 0;
    // Where it is kept, has to wait, or goes on with what was begun, its bytes do.
    if (connection === undefined || this.#keep || !asItIs) {
      const compress = (flags & SendFlag.NoCompress) === 0;
      return this.send(message.bytes(), { binary, compress }, callback);
    }
    if (callback) callback = bound(callback);
    const result = connection.sendPrepared(message.handle, message.byteLength);
    return this.#answer(this.#queued(connection, result, undefined, flags, callback), callback);
  }

  /** What send() does about an error, if there is one. */
  #answer(error: Error | undefined, callback: SendCallback | undefined): boolean {
    if (error === undefined) return this.#flowing;
    // The connection has ended and its last event is on its way here: as after it, nothing is thrown.
    if (!callback && (error as { code?: string }).code === 'ERR_NOT_SENT') return false;
    return this.#refuse(error, callback);
  }

  #flowing = true;

  /** Whether to go on: false until `drain`. */
  get isFlowing(): boolean {
    return this.#flowing;
  }

  #refuse(error: Error, callback: SendCallback | undefined): false {
    if (!callback) throw error;
    nextTick(callback, error);
    return false;
  }

  /** Hands a message to the connection, or keeps it for the next. Returns why it could not. */
  #queue(
    data: string | Bytes,
    flags: number,
    callback: SendCallback | undefined,
  ): Error | undefined {
    const connection = this.#connection;
    if (connection === undefined) return this.#keepForLater(data, flags, callback);
    return this.#queued(connection, connection.send(data, flags), data, flags, callback);
  }

  /** What follows from the connection's answer; without data for what is not kept. */
  #queued(
    connection: Connection,
    result: SendResult,
    data: string | Bytes | undefined,
    flags: number,
    callback: SendCallback | undefined,
  ): Error | undefined {
    if (result > SendResult.Ok && this.#flowing) this.#owner.sendHeldUp();
    this.#flowing = result === SendResult.Ok;
    if (result >= SendResult.Ok) {
      if (callback || this.#keep) this.#await(connection, data, flags, callback);
      return undefined;
    }
    if (result === SendResult.Limit) return this.#overLimit();
    if (result === SendResult.InvalidUtf8) return invalidUtf8();
    // The connection is going and its last event has not arrived yet.
    return data !== undefined && this.#keep ? this.#keepForLater(data, flags, callback) : notSent();
  }

  #overLimit(): Error {
    this.#owner.sendDropped();
    return sendLimit(this.#limit);
  }

  #queueLate(data: string | Bytes, flags: number, callback: SendCallback | undefined): void {
    const error = this.#queue(data, flags, callback);
    if (!error) return;
    const late = (error as { code?: string }).code === 'ERR_NOT_SENT';
    // The call that gave it has returned long ago.
    if (callback) callback(late ? notSent(NOT_SENT.read) : error);
    else if (!late) this.#owner.sendFailed(error);
  }

  #keepForLater(
    data: string | Bytes,
    flags: number,
    callback: SendCallback | undefined,
  ): Error | undefined {
    if (!this.#keep) return notSent();
    const size = byteLength(data);
    const held = this.#keptBytes + heldBesidePayload(this.#waiting.length);
    if (held + size > this.#limit && held > 0) return this.#overLimit();
    this.#keptBytes += size;
    this.#wait({ upTo: Infinity, callback, data: snapshot(data), flags });
    this.#flowing = false;
    return undefined;
  }

  #await(
    connection: Connection,
    data: string | Bytes | undefined,
    flags: number,
    callback: SendCallback | undefined,
  ): void {
    const upTo = connection.notifyFlushed();
    this.#asked = true;
    const kept = this.#keep && data !== undefined ? snapshot(data) : undefined;
    this.#wait({ upTo, callback, data: kept, flags });
  }

  #wait(entry: Waiting): void {
    if (this.#waiting === NOBODY_WAITS) this.#waiting = [entry];
    else this.#waiting.push(entry);
  }

  /** Payload bytes that the connection has given to the system. Called by its handler. */
  flushed(bytes: number): void {
    this.#asked = false;
    let done = 0;
    while (done < this.#waiting.length && (this.#waiting[done] as Waiting).upTo <= bytes) done += 1;
    const ready = this.#waiting.splice(0, done);
    if (this.#waiting.length > 0 && this.#connection && !this.#asked) {
      this.#asked = true;
      this.#connection.notifyFlushed();
    }
    for (const { callback } of ready) callback?.();
  }

  /** The connection's queue went below its high-water mark. */
  drained(): void {
    this.#flowing = true;
  }

  /** Sends a ping or a pong in its turn. */
  control(
    kind: 'ping' | 'pong',
    data: unknown,
    masked: boolean,
    callback: SendCallback | undefined,
  ): void {
    const payload = toPayload(data);
    const size = byteLength(payload);
    if (size > 125) {
      // ws's words.
      throw withCode(
        new RangeError('The data size must not be greater than 125 bytes'),
        'ERR_OUT_OF_RANGE',
        { field: 'data' },
      );
    }
    if (callback) callback = bound(callback);
    const run = (bytes: string | Bytes): void => {
      const connection = this.#connection;
      const result =
        connection?.[kind](size === 0 ? undefined : bytes, masked) ?? SendResult.Closed;
      if (result < SendResult.Ok) {
        this.#refuse(
          result === SendResult.Limit ? this.#overLimit() : notSent(),
          callback ?? nobody,
        );
      } else if (callback && connection) {
        this.#await(connection, undefined, 0, callback);
      }
    };
    if (payload instanceof Blob) {
      this.#readBlob(payload, callback, run);
    } else if (this.#deferred.length > 0) {
      const copy = snapshot(payload);
      this.#defer(size, callback, () => run(copy));
    } else {
      run(payload);
    }
  }

  /** Runs something after everything before it was queued; the closing handshake. */
  after(run: () => void): void {
    if (this.#deferred.length === 0) run();
    else this.#defer(0, undefined, run);
  }

  #sendBlob(blob: Blob, flags: number, callback: SendCallback | undefined): boolean {
    this.#readBlob(blob, callback, (bytes) => this.#queueLate(bytes, flags, callback));
    return this.#flowing && this.bytes < this.#limit;
  }

  #readBlob(blob: Blob, callback: SendCallback | undefined, use: (bytes: Bytes) => void): void {
    this.#defer(blob.size, callback, undefined);
    const entry = this.#deferred[this.#deferred.length - 1] as Deferred;
    blob.arrayBuffer().then(
      (buffer) => {
        entry.run = () => use(buffer);
        this.#runDeferred();
      },
      (error: unknown) => {
        entry.run = () => {
          try {
            entry.drop(error as Error);
          } finally {
            this.#owner.sendFailed(error as Error);
          }
        };
        this.#runDeferred();
      },
    );
  }

  #defer(
    bytes: number,
    callback: SendCallback | undefined,
    run: (() => void) | undefined,
  ): boolean {
    this.#deferredBytes += bytes;
    if (this.#deferred === NOTHING_DEFERRED) this.#deferred = [];
    this.#deferred.push({ bytes, run, drop: (error) => callback?.(error) });
    return this.#flowing && this.bytes < this.#limit;
  }

  #runDeferred(): void {
    while (this.#deferred[0]?.run !== undefined) {
      const entry = this.#deferred.shift() as Deferred;
      this.#deferredBytes -= entry.bytes;
      // Outside the promise's chain, so that what throws is an uncaught exception and no rejection.
      try {
        entry.run?.();
      } catch (error) {
        nextTick(() => {
          throw error;
        });
      }
    }
  }

  /**
   * A connection is open.
   *
   * @param compresses whether it compresses what may be compressed.
   */
  attach(connection: Connection, compresses: boolean): void {
    this.#connection = connection;
    this.#compresses = compresses;
    this.#flowing = true;
  }

  /** Sends what was kept, in order. */
  resend(): void {
    const kept = this.#waiting.filter((entry) => entry.upTo === Infinity);
    if (kept.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => entry.upTo !== Infinity);
    this.#keptBytes = 0;
    let skipping = false;
    for (const entry of kept) {
      const { data, flags, callback } = entry;
      const continues = (flags & SendFlag.Continuation) !== 0;
      // A message whose beginning is gone can not be finished.
      skipping = continues && (skipping || entry === kept[0]);
      const error = skipping ? notSent() : this.#queue(data as string | Bytes, flags, callback);
      if (error) callback?.(error);
    }
  }

  /** There is no connection any more, but another may come. */
  detach(): void {
    this.#connection = undefined;
    this.#asked = false;
    this.#flowing = true;
    if (!this.#keep) {
      this.#drop();
      if (this.#fragments === Fragments.Open) this.#fragments = Fragments.Lost;
      return;
    }
    const lost = this.#waiting.filter((entry) => entry.data === undefined);
    this.#waiting = this.#waiting.filter((entry) => entry.data !== undefined);
    this.#keptBytes = 0;
    for (const entry of this.#waiting) {
      entry.upTo = Infinity;
      this.#keptBytes += byteLength(entry.data as string | Bytes);
    }
    const begun = this.#waiting.some(
      (e) => (e.flags & SendFlag.More) !== 0 && !(e.flags & SendFlag.Continuation),
    );
    if (this.#fragments === Fragments.Open && !begun) this.#fragments = Fragments.Lost;
    const error = notSent();
    for (const { callback } of lost) callback?.(error);
  }

  /** Nothing will be sent any more. */
  end(): void {
    this.#connection = undefined;
    this.#drop();
    const deferred = this.#deferred;
    this.#deferred = NOTHING_DEFERRED;
    this.#deferredBytes = 0;
    if (deferred.length === 0) return;
    const error = notSent(NOT_SENT.read);
    for (const entry of deferred) entry.drop(error);
  }

  #drop(): void {
    const waiting = this.#waiting;
    this.#waiting = NOBODY_WAITS;
    this.#keptBytes = 0;
    // Most sockets end with nothing to drop, and an error is dear: it looks at the stack.
    if (waiting.length === 0) return;
    const errors = { waiting: notSent(), compressed: notSent(NOT_SENT.compressed) };
    for (const { callback, flags } of waiting) {
      // Those of pings and pongs are 0.
      const compressed = this.#compresses && flags !== 0 && (flags & SendFlag.NoCompress) === 0;
      callback?.(compressed ? errors.compressed : errors.waiting);
    }
  }
}

function nobody(): void {
  // An error of a ping without a callback: the close event that follows tells the same.
}

/** The callback, to be called in the context that it was given in. */
function bound(callback: SendCallback): SendCallback {
  const scope = new AsyncResource('WebSocketSend');
  return (error) => {
    if (error === undefined) scope.runInAsyncScope(callback);
    else scope.runInAsyncScope(callback, undefined, error);
  };
}

/** Checks what a callback of send(), ping() and pong() is. */
export function checkCallback(callback: unknown): SendCallback | undefined {
  if (callback === undefined || callback === null) return undefined;
  if (typeof callback !== 'function') throw typeError('callback', 'a function', callback);
  return callback as SendCallback;
}
