/**
 * A class that is both: a real `EventTarget`, and an emitter with Node's own methods.
 *
 * No class can extend both, so this one extends `EventTarget` and carries the methods of `EventEmitter.prototype`,
 * which need nothing but an object that was initialised by `EventEmitter`. Both kinds of listeners live beside each
 * other. An event goes to the emitter's listeners first, in the order they were added, then to the EventTarget's,
 * in theirs. An `Event` object is made only if an EventTarget listener is there to see it.
 */
import { EventEmitter } from 'node:events';

type NativeListener = Parameters<EventTarget['addEventListener']>[1];
type NativeOptions = Parameters<EventTarget['addEventListener']>[2];

/** A listener for `addEventListener`: a function, or an object with `handleEvent`. */
export type TargetListener = ((event: never) => void) | { handleEvent(event: never): void };

/** Options of `addEventListener`, as the DOM has them. */
export interface ListenerOptions {
  capture?: boolean | undefined;
  once?: boolean | undefined;
  passive?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

interface TargetEntry {
  callback: TargetListener;
  capture: boolean;
  /** What the EventTarget was given: the callback, or what forgets it before it is called once. */
  native: TargetListener;
}

/** Takes what `emit()` was given and makes the event that EventTarget listeners get. */
export type EventFactory = (args: readonly unknown[]) => Event;

/** Own properties and methods of an emitter, which the mix-in below brings. */
export interface EmitterMethods {
  /** Emits to the emitter's listeners, then to the EventTarget's. Returns whether there was one. */
  emit(event: string | symbol, ...args: unknown[]): boolean;
  eventNames(): (string | symbol)[];
  getMaxListeners(): number;
  setMaxListeners(count: number): this;
  /** Listeners added with `on` and its kin. Those of `addEventListener` belong to the EventTarget. */
  listenerCount(event: string | symbol, listener?: (...args: never[]) => void): number;
  // The types of Node's own emitter.
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  listeners(event: string | symbol): Function[];
  // eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
  rawListeners(event: string | symbol): Function[];
}

type AnyListener = (...args: unknown[]) => void;

const emitterEmit = EventEmitter.prototype.emit;
const emitterOn = EventEmitter.prototype.on;
const emitterCount = EventEmitter.prototype.listenerCount;
const emitterRemoveAll = EventEmitter.prototype.removeAllListeners;

/** An event handler attribute (`onmessage` …): its place in the order is that of its first listener. */
interface Attribute {
  handler: AnyListener | { handleEvent(event: Event): void };
  listener: (event: Event) => void;
}

/**
 * Where an emitter keeps its listeners, without a prototype's names as its own is, but with properties: that takes half
 * the memory of a dictionary, and is read faster.
 */
class ListenerTable {}
delete (ListenerTable.prototype as { constructor?: unknown }).constructor;
Object.setPrototypeOf(ListenerTable.prototype, null);

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class EmitterTarget extends EventTarget {
  /** EventTarget listeners by type, so that no Event is made in vain. Absent until the first. */
  #targets: Map<string, TargetEntry[]> | undefined;
  #attributes: Map<string, Attribute> | undefined;

  constructor() {
    super();
    // A plain function in Node, Bun and Deno alike, made to be called so by classes of old.
    (EventEmitter as unknown as (this: EmitterTarget) => void).call(this);
    (this as unknown as { _events: object })._events = new ListenerTable();
  }

  /** How an emitted event looks to EventTarget listeners; undefined: they do not get it. */
  protected abstract eventFactory(type: string | symbol): EventFactory | undefined;

  /** Called after a listener of either kind was added for a message. */
  protected abstract listenerAdded(type: string | symbol): void;

  /** Whether an EventTarget listener (or an `on…` attribute) is there for the type. */
  protected hasTargets(type: string): boolean {
    return this.#targets !== undefined && this.#targets.has(type);
  }

  /** Whether any listener, of either kind, is there for the type. */
  protected hasListeners(type: string): boolean {
    return emitterCount.call(this as unknown as EventEmitter, type) > 0 || this.hasTargets(type);
  }

  override addEventListener(
    type: string,
    callback: TargetListener | null | undefined,
    options?: boolean | ListenerOptions,
  ): void {
    if (callback === null || callback === undefined) {
      // No listener, or no argument: the EventTarget's own answer.
      // eslint-disable-next-line prefer-rest-params
      super.addEventListener(...(arguments as unknown as [string, NativeListener]));
      return;
    }
    const detail = typeof options === 'object' && options !== null ? options : undefined;
    const capture = detail ? Boolean(detail.capture) : Boolean(options);
    const entry: TargetEntry = { callback, capture, native: callback };
    const mayLeave = Boolean(detail?.once || detail?.signal);
    if (mayLeave && (typeof callback === 'function' || typeof callback === 'object')) {
      // It is forgotten before it is called, so that it can add itself again; and Node's EventTarget would remove
      // for a signal whatever has the same callback, were it added later.
      const forget = detail?.once ? (): void => this.#forget(type, entry) : undefined;
      entry.native = function (this: unknown, event: never): void {
        forget?.();
        if (typeof callback === 'function') callback.call(this, event);
        else callback.handleEvent(event);
      };
    }
    if (this.#entry(type, callback, capture)) return;
    super.addEventListener(type, entry.native as NativeListener, options as NativeOptions);
    if (detail?.signal?.aborted) return;
    this.#targets ??= new Map();
    const entries = this.#targets.get(type);
    if (entries) entries.push(entry);
    else this.#targets.set(type, [entry]);
    detail?.signal?.addEventListener('abort', () => this.#forget(type, entry), { once: true });
    this.listenerAdded(type);
  }

  override removeEventListener(
    type: string,
    callback: TargetListener | null | undefined,
    options?: boolean | { capture?: boolean | undefined },
  ): void {
    const detail = typeof options === 'object' && options !== null ? options.capture : options;
    const capture = Boolean(detail);
    const entry = callback ? this.#entry(type, callback, capture) : undefined;
    if (entry) this.#forget(type, entry);
    if (entry) super.removeEventListener(type, entry.native as NativeListener, { capture });
    // eslint-disable-next-line prefer-rest-params
    else super.removeEventListener(...(arguments as unknown as [string, NativeListener]));
  }

  #entry(type: string, callback: TargetListener, capture: boolean): TargetEntry | undefined {
    return this.#targets
      ?.get(type)
      ?.find((entry) => entry.callback === callback && entry.capture === capture);
  }

  #forget(type: string, entry: TargetEntry): void {
    const entries = this.#targets?.get(type);
    const index = entries?.indexOf(entry) ?? -1;
    if (!entries || index < 0) return;
    if (entries.length === 1) this.#targets?.delete(type);
    else entries.splice(index, 1);
  }

  /**
   * Reads an event handler attribute. Source: WHATWG HTML §8.1.8.1, "Event handlers".
   */
  protected getAttribute(type: string): Attribute['handler'] | null {
    return this.#attributes?.get(type)?.handler ?? null;
  }

  /**
   * Sets an event handler attribute. A handler that replaces another keeps its place among the listeners; one set
   * after null takes the last. Anything that is neither a function nor an object counts as null.
   */
  protected setAttribute(type: string, handler: unknown): void {
    const current = this.#attributes?.get(type);
    if (typeof handler !== 'function' && (typeof handler !== 'object' || handler === null)) {
      if (!current) return;
      this.#attributes?.delete(type);
      this.removeEventListener(type, current.listener);
      return;
    }
    if (current) {
      current.handler = handler as Attribute['handler'];
      return;
    }
    const attribute: Attribute = {
      handler: handler as Attribute['handler'],
      listener: (event) => {
        const target = attribute.handler;
        // An attribute holds a callback function; an object is kept, and has no effect (the standard's rule).
        if (typeof target !== 'function') return;
        const result: unknown = target.call(this, event);
        if (result === false) event.preventDefault();
      },
    };
    this.#attributes ??= new Map();
    this.#attributes.set(type, attribute);
    this.addEventListener(type, attribute.listener);
  }

  emit(event: string | symbol, ...args: unknown[]): boolean {
    const self = this as unknown as EventEmitter;
    if (typeof event !== 'string' || !this.hasTargets(event)) {
      return emitterEmit.call(self, event, ...args);
    }
    const factory = this.eventFactory(event);
    if (!factory) return emitterEmit.call(self, event, ...args);
    if (event === 'error' && emitterCount.call(self, 'error') === 0) {
      emitterEmit.call(self, EventEmitter.errorMonitor, ...args);
    } else {
      emitterEmit.call(self, event, ...args);
    }
    this.dispatchEvent(factory(args));
    return true;
  }

  /** emit('message', data, isBinary) without what is not needed for it: the hot path. */
  protected emitMessage(data: unknown, isBinary: boolean): void {
    if (this.#targets === undefined && this.emit === EmitterTarget.prototype.emit) {
      emitterEmit.call(this as unknown as EventEmitter, 'message', data, isBinary);
    } else {
      this.emit('message', data, isBinary);
    }
  }

  on(event: string | symbol, listener: AnyListener): this {
    emitterOn.call(this as unknown as EventEmitter, event, listener);
    this.listenerAdded(event);
    return this;
  }

  addListener(event: string | symbol, listener: AnyListener): this {
    return this.on(event, listener);
  }

  prependListener(event: string | symbol, listener: AnyListener): this {
    EventEmitter.prototype.prependListener.call(this as unknown as EventEmitter, event, listener);
    this.listenerAdded(event);
    return this;
  }

  /** Removes the listeners of `on` and its kin, and with them those of `addEventListener`, as ws does. */
  removeAllListeners(event?: string | symbol): this {
    if (arguments.length === 0) emitterRemoveAll.call(this as unknown as EventEmitter);
    else emitterRemoveAll.call(this as unknown as EventEmitter, event);
    for (const [type, entries] of [...(this.#targets ?? [])]) {
      if (event !== undefined && event !== type) continue;
      for (const { callback, capture } of [...entries]) {
        this.removeEventListener(type, callback, { capture });
      }
      this.#attributes?.delete(type);
    }
    return this;
  }
}

// The members that the loop below puts there.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface EmitterTarget extends EmitterMethods {
  once(event: string | symbol, listener: AnyListener): this;
  off(event: string | symbol, listener: AnyListener): this;
  removeListener(event: string | symbol, listener: AnyListener): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

// `once` and `prependOnceListener` call this.on() and this.prependListener(), and so need no wrapper of their own.
for (const name of [
  'once',
  'off',
  'removeListener',
  'prependOnceListener',
  'listeners',
  'rawListeners',
  'listenerCount',
  'eventNames',
  'setMaxListeners',
  'getMaxListeners',
] as const) {
  Object.defineProperty(EmitterTarget.prototype, name, {
    value: EventEmitter.prototype[name],
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
