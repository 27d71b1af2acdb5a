/**
 * Takes what the addon has for JavaScript and calls handlers; one for each environment.
 *
 * The way up: the addon calls `onReady` when its batch turns from empty to non-empty; {@link Dispatcher.turn} takes
 * the whole batch in one crossing and dispatches it. The way down: sends count up here, and one flush() wakes the
 * engine for a burst of them.
 *
 * Every handler runs in the context (AsyncLocalStorage, async_hooks) of its connection's scope. Records that follow
 * each other and are of one connection share one entry into it.
 *
 * A handler that throws ends the turn: what is left of the batch stays here, the addon is asked to call again, and
 * the exception goes on to whoever called (Node, which makes it an `uncaughtException`, or loop()).
 */
import type { AsyncResource } from 'node:async_hooks';
import type { ConnectionHandlers } from './connection-types';
import type { Closed, EngineOptions, IncomingRequest, NativeAddon } from './contract';
import { Kind, Parts } from './contract';
import { microtask, nextTick, withoutContext } from '../base/runtime';

/** Records that one take() can hand over. 64 KiB of table; a burst of small messages fits in one crossing. */
const RECORDS = 4096;
/** 32-bit integers of a record: connection, kind, a, b. */
const FIELDS = 4;

/**
 * Batches of one turn. More would keep timers and other I/O of a busy process waiting; fewer would cost a turn of the
 * event loop for what has arrived while a batch was being dispatched.
 */
const BATCHES_PER_TURN = 4;

/** Bytes queued after which the engine is told at once: it and the peer work while JavaScript queues the rest. */
const FLUSH_BYTES = 64 * 1024;
/** The same in messages. Each further lot of the same burst is twice as large, since telling costs a system call. */
const FIRST_LOT = 48;
/**
 * A lot of several connections holds so many messages for each, and so many bytes more for each but the first: where
 * the messages of a batch are passed on to many, each of them gets several with one system call.
 */
const SPREAD_BYTES = 1024;
/** A message from this size on is worth a system call; those after it in the same burst go in twos, then as above. */
const LARGE_MESSAGE = 16 * 1024;
/** What a message counts besides its payload: frame header, bookkeeping. */
const MESSAGE_COST = 16;

export const DEFAULT_ENGINE: Readonly<EngineOptions> = {
  inboundHighWaterMark: 8 * 1024 * 1024,
  inboundLowWaterMark: 2 * 1024 * 1024,
  service: 'adaptive',
  threads: 1,
};

/** A connection, as far as its events go. */
export interface Receiver {
  readonly handlers: ConnectionHandlers;
  /** What they run in. */
  readonly scope: AsyncResource;
  /** Whether events have to go through hold(). */
  readonly isHolding: boolean;
  /** Of those of queued(), the last in which it had something. */
  lot: number;
  hold(kind: number, value: unknown, b: number, a: number): void;
  deliver(kind: number, value: unknown, b: number, a: number): void;
  /** Delivers what was held, as far as it may. */
  replayHeld(): void;
}

type BufferView = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/**
 * The cheapest constructor of a Buffer that is a view: the class behind Buffer, without the checks of Buffer.from().
 */
function bufferViewClass(): BufferView {
  const species = (Buffer as unknown as { [Symbol.species]?: BufferView })[Symbol.species];
  try {
    if (species && Buffer.isBuffer(new species(new ArrayBuffer(2), 1, 1))) return species;
  } catch {
    // Another runtime: as its documentation says.
  }
  return class {
    constructor(memory: ArrayBufferLike, offset: number, length: number) {
      return Buffer.from(memory as ArrayBuffer, offset, length);
    }
  } as unknown as BufferView;
}

const View = bufferViewClass();

/** LOG_LEVELS.ERROR. */
const ERROR_LEVEL = 1;

/** An end with nothing to say about it. */
const CUT_OFF: Closed = { reason: Buffer.alloc(0), clean: false, detail: '' };

const NO_MEMORY = new ArrayBuffer(0);
const NO_VALUES: readonly unknown[] = [];

export class Dispatcher {
  private readonly table = new Int32Array(RECORDS * FIELDS + 2);
  /** By number; there are as many as connections at most. */
  private readonly connections: (Receiver | undefined)[] = [];

  // The batch under way. `at` and `end` count table entries; `at` moves on before a handler is called.
  private at = 0;
  private end = 0;
  private slab: ArrayBuffer = NO_MEMORY;
  private values: readonly unknown[] = NO_VALUES;

  /** Connections that were resumed and have events that were held back. */
  private readonly replays: Receiver[] = [];

  private started = false;
  private readonly ready = (): void => this.onReady();
  private turning = false;
  /** A connection has begun in this batch. */
  private begun = false;
  /** Connections that keep the process alive. */
  private holders = 0;
  /** Queued since the last flush, in bytes; see MESSAGE_COST. */
  private unflushed = 0;
  /** The same in messages; for how many connections; and what ends a lot without waiting for the end of the burst. */
  private inLot = 0;
  private spread = 0;
  private lot = FIRST_LOT;
  /** Counts lots, so that a connection can tell whether it has something in this one. */
  private lots = 0;
  private largeLot = LARGE_MESSAGE;
  private flushPlanned = false;
  private readonly flushNow = (): void => {
    this.flushPlanned = false;
    this.flushQueued();
  };

  /** Who gets the requests of a listener: the number of the connection, which waits to be decided, and what it asks. */
  readonly listeners = new Map<number, (connection: number, request: IncomingRequest) => void>();

  /** What becomes of requests whose listener is gone. */
  refuseLate: (connection: number, request: IncomingRequest) => void = (id) =>
    this.addon.terminate(id);

  /** Where log lines go. */
  onLog: ((level: number, line: string) => void) | undefined;

  constructor(
    readonly addon: NativeAddon,
    private engineOptions: EngineOptions = DEFAULT_ENGINE,
  ) {}

  /** Whether the engine was started once. */
  get isStarted(): boolean {
    return this.started;
  }

  get engine(): Readonly<EngineOptions> {
    return this.engineOptions;
  }

  /** Whether a handler is being called. */
  get isDispatching(): boolean {
    return this.turning;
  }

  /** Options for the engine, before it starts. */
  configure(options: EngineOptions): void {
    this.engineOptions = options;
  }

  /** Before each connection: starts the engine, unless it runs. It does not for ever; see NativeAddon.init(). */
  start(): void {
    const { addon, table, ready, engineOptions } = this;
    // What the addon makes to call back lives for longer than one connection: not in the context of the first.
    withoutContext(() => addon.init(table, ready, engineOptions));
    this.started = true;
  }

  /** Where a connection fails by what is decided in JavaScript; native code logs its own failures. */
  logFailure(code: string, detail: string): void {
    const line = `failed: ${code}, ${detail}`;
    if (!this.addon.writeLog(ERROR_LEVEL, line)) return;
    try {
      this.onLog?.(ERROR_LEVEL, line);
    } catch (error) {
      // As from any other call of it: the connection goes on.
      microtask(() => {
        throw error;
      });
    }
  }

  // ---- Connections

  add(id: number, connection: Receiver): void {
    this.connections[id] = connection;
    this.begin();
  }

  /**
   * A connection was made, or is open. Its events wait for the next turn, if they are not in this batch: what who hears
   * of it does in a promise comes before them, its listeners, say.
   */
  begin(): void {
    this.begun = true;
  }

  remove(id: number): void {
    this.connections[id] = undefined;
    this.addon.release(id);
  }

  /** One connection more keeps the process alive. */
  hold(): void {
    if (this.holders++ === 0) this.addon.setRef(true);
  }

  unhold(): void {
    if (--this.holders === 0) this.addon.setRef(false);
  }

  // ---- The way down

  /** Something was queued for a connection that the engine does not know of yet. */
  queued(connection: Receiver, bytes: number): void {
    if (connection.lot !== this.lots) {
      connection.lot = this.lots;
      this.spread += 1;
    }
    this.count(bytes);
  }

  /** The same of something for many connections, a publication. */
  queuedForMany(bytes: number): void {
    this.count(bytes);
  }

  private count(bytes: number): void {
    this.unflushed += bytes + MESSAGE_COST;
    this.inLot += 1;
    const spread = this.spread || 1;
    const small = bytes < LARGE_MESSAGE;
    if (this.inLot >= this.lot * spread) {
      this.lot *= 2;
      this.flush();
    } else if (
      this.unflushed >= (small ? FLUSH_BYTES + SPREAD_BYTES * (spread - 1) : this.largeLot)
    ) {
      if (this.largeLot < FLUSH_BYTES) this.largeLot *= 2;
      this.flush();
    }
    // While dispatching, the end of the batch flushes.
    else if (!this.flushPlanned && !this.turning) {
      this.flushPlanned = true;
      nextTick(this.flushNow);
    }
  }

  /** The end of a burst. Wakes the engine, if there is something it does not know of. */
  flushQueued(): void {
    this.lot = FIRST_LOT;
    this.largeLot = LARGE_MESSAGE;
    if (this.unflushed !== 0) this.flush();
  }

  flush(): void {
    this.unflushed = 0;
    this.inLot = 0;
    this.spread = 0;
    this.lots += 1;
    this.addon.flush();
  }

  // ---- The way up

  private onReady(): void {
    // Only if a handler made the engine's loop turn, which nothing here does; the turn under way goes on.
    if (this.turning) return;
    if (!this.turn(BATCHES_PER_TURN)) this.addon.rearm();
  }

  /** Held events of a connection may be delivered again. */
  replay(connection: Receiver): void {
    if (this.replays.includes(connection)) return;
    this.replays.push(connection);
    this.addon.rearm();
  }

  /** Whether there is something to dispatch that the addon does not know of. */
  get hasRest(): boolean {
    return this.at < this.end || this.replays.length !== 0;
  }

  /**
   * Dispatches what is left of the last batch, and then up to `batches` more.
   *
   * @returns whether everything that had arrived was dispatched.
   */
  turn(batches: number): boolean {
    let finished = false;
    this.turning = true;
    try {
      if (this.replays.length !== 0) this.replayHeld();
      if (this.at < this.end) this.dispatch();
      while (batches-- > 0) {
        this.begun = false;
        if (!this.take()) {
          finished = true;
          break;
        }
        this.dispatch();
        this.flushQueued();
        if (this.begun) break;
      }
      return finished;
    } catch (error) {
      this.addon.rearm();
      throw error;
    } finally {
      this.turning = false;
      this.flushQueued();
    }
  }

  private take(): boolean {
    // The slab of the last batch may be large: views that were given out keep it alive, the dispatcher does not.
    const batch = this.addon.take();
    this.slab = NO_MEMORY;
    this.values = NO_VALUES;
    if (batch === undefined) return false;
    const { table } = this;
    this.at = 0;
    this.end = (table[RECORDS * FIELDS] as number) * FIELDS;
    switch (table[RECORDS * FIELDS + 1]) {
      case Parts.Slab:
        this.slab = batch as ArrayBuffer;
        break;
      case Parts.Values:
        this.values = batch as unknown[];
        break;
      case Parts.Both:
        [this.slab, this.values] = batch as [ArrayBuffer, unknown[]];
        break;
    }
    return true;
  }

  private replayHeld(): void {
    while (this.replays.length !== 0) {
      // Stays in the list until all of its events are delivered: a handler may throw.
      const connection = this.replays[0] as Receiver;
      connection.scope.runInAsyncScope(connection.replayHeld, connection);
      this.replays.shift();
    }
  }

  private dispatch(): void {
    const { table, connections, values } = this;
    while (this.at < this.end) {
      const { at } = this;
      const connection = connections[table[at] as number];
      if (connection !== undefined)
        connection.scope.runInAsyncScope(this.dispatchTo, this, connection);
      else {
        this.at = at + FIELDS;
        const kind = table[at + 1] as number;
        if (kind === Kind.Log) {
          this.onLog?.(table[at + 2] as number, values[table[at + 3] as number] as string);
        } else if (kind === Kind.Request) {
          this.request(table[at] as number, values[table[at + 2] as number]);
        }
      }
    }
  }

  /** The hot loop: the records of one connection that come next. */
  private dispatchTo(connection: Receiver): void {
    const { table, connections, slab, values, end } = this;
    let { at } = this;
    const id = table[at] as number;
    do {
      // First: an event whose handler throws has been delivered.
      this.at = at + FIELDS;
      const kind = table[at + 1] as number;
      const a = table[at + 2] as number;
      const b = table[at + 3] as number;
      if (connection.isHolding) {
        connection.hold(kind, this.valueOf(kind, a, b), b, a);
      } else if (kind === Kind.Receive) {
        connection.handlers.onMessage(new View(slab, a, b), true);
      } else if (kind === Kind.ReceiveText) {
        connection.handlers.onMessage(values[a] as string, false);
      } else if (kind === Kind.ReceiveTextBytes) {
        connection.handlers.onMessage(new View(slab, a, b), false);
      } else {
        connection.deliver(kind, this.valueOf(kind, a, b), b, a);
      }
      at += FIELDS;
      // Its end frees the number.
    } while (at < end && table[at] === id && connections[id] === connection);
  }

  private request(id: number, value: unknown): void {
    const request = value as IncomingRequest;
    // Without a listener it has come too late: its number is free when its end has been told.
    const listener = this.listeners.get(request.listener) ?? this.refuseLate;
    listener(id, request);
  }

  /** What the record carries, for all kinds but the hottest. */
  private valueOf(kind: number, a: number, b: number): unknown {
    switch (kind) {
      case Kind.Receive:
      case Kind.ReceiveTextBytes:
      case Kind.Body:
        // Held back: a copy, which does not keep the slab.
        return Buffer.from(new View(this.slab, a, b));
      case Kind.ReceiveLarge: {
        const memory = this.values[a] as ArrayBuffer;
        return new View(memory, 0, memory.byteLength);
      }
      case Kind.Closed:
        return b < 0 ? CUT_OFF : this.values[b];
      case Kind.PeerInitiatedClose:
        return this.values[b];
      case Kind.Writeable:
      case Kind.Flushed:
      case Kind.StreamEnd:
      case Kind.StreamDrain:
      case Kind.Dropped:
        return undefined;
      default:
        return this.values[a];
    }
  }
}
