/**
 * A class that is both: a real `EventTarget`, and an emitter with Node's own methods.
 *
 * No class can extend both, so this one extends `EventTarget` and carries the methods of `EventEmitter.prototype`,
 * which need nothing but an object that was initialised by `EventEmitter`. Both kinds of listeners live beside each
 * other. An event goes to all in the order they were added, but that the EventTarget's follow each other: they have the
 * place of the first of them. An `Event` object is made only if an EventTarget listener is there to see it.
 */
import { EventEmitter } from 'node:events';
import {
  Targets,
  type AddArguments,
  type ListenerOptions,
  type RemoveArguments,
  type TargetListener,
} from './targets';

/** Takes what `emit()` was given and makes the event that EventTarget listeners get. */
export type EventFactory = (args: readonly unknown[]) => Event;

/** Own properties and methods of an emitter, which the mix-in below brings. */
export interface EmitterMethods {
  /** Emits to the listeners of both kinds. Returns whether there was one. */
  emit(event: string | symbol, ...args: unknown[]): boolean;
  eventNames(): (string | symbol)[];
  getMaxListeners(): number;
  setMaxListeners(count: number): this;
}

type AnyListener = (...args: unknown[]) => void;
// The type of Node's own emitter.
// eslint-disable-next-line @typescript-eslint/no-unsafe-function-type
type Listeners = Function[];

const emitterEmit = EventEmitter.prototype.emit;
const emitterOn = EventEmitter.prototype.on;
const emitterCount = EventEmitter.prototype.listenerCount;
const emitterOff = EventEmitter.prototype.removeListener;
const emitterListeners = EventEmitter.prototype.listeners;
const emitterRaw = EventEmitter.prototype.rawListeners;
const emitterRemoveAll = EventEmitter.prototype.removeAllListeners;

/**
 * Where an emitter keeps its listeners, without a prototype's names as its own is, but with properties: that takes half
 * the memory of a dictionary, and is read faster.
 */
class ListenerTable {}
delete (ListenerTable.prototype as { constructor?: unknown }).constructor;
Object.setPrototypeOf(ListenerTable.prototype, null);

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class EmitterTarget extends EventTarget {
  /** EventTarget listeners, so that no Event is made in vain. Absent until the first. */
  #targets: Targets | undefined;
  /** What stands for them among the emitter's listeners, for the types that have such as were added later. */
  #places: Map<string, AnyListener> | undefined;

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
    return this.hasEmitterListeners(type) || this.hasTargets(type);
  }

  /** Whether a listener of `on` and its kin is there for the type. */
  protected hasEmitterListeners(type: string): boolean {
    const own = this.#places?.has(type) ? 1 : 0;
    return emitterCount.call(this as unknown as EventEmitter, type) > own;
  }

  /** Before a listener of `on` is added behind those of the EventTarget: they get their place. */
  #keepPlace(type: string | symbol): void {
    if (typeof type !== 'string' || !this.hasTargets(type) || this.#places?.has(type)) return;
    const place: AnyListener = (...args) => {
      const factory = this.#factoryOf(type);
      if (factory) this.dispatchEvent(factory(args));
    };
    this.#places ??= new Map();
    this.#places.set(type, place);
    emitterOn.call(this as unknown as EventEmitter, type, place);
  }

  /** The EventTarget's listeners that the place was for may have gone: those to come have another. */
  #leavePlace(type: string | symbol): void {
    const place = this.#places?.get(type as string);
    if (!place || this.hasTargets(type as string)) return;
    this.#places?.delete(type as string);
    emitterOff.call(this as unknown as EventEmitter, type, place);
  }

  /** What makes the event that the EventTarget's listeners get; undefined: there are none, or they get none. */
  #factoryOf(event: string | symbol): EventFactory | undefined {
    return typeof event === 'string' && this.hasTargets(event)
      ? this.eventFactory(event)
      : undefined;
  }

  /** Listeners of `on` and its kin, and of `addEventListener`, as with ws. */
  listenerCount(event: string | symbol, listener?: (...args: never[]) => void): number {
    const self = this as unknown as EventEmitter;
    let count = emitterCount.call(self, event, listener as (() => void) | undefined);
    if (!listener && this.#places?.has(event as string)) count -= 1;
    if (this.#factoryOf(event))
      count += (this.#targets as Targets).count(event as string, listener);
    return count;
  }

  /**
   * The same. Those of `addEventListener` are functions that make an event of what they are called with; off() removes
   * them.
   */
  listeners(event: string | symbol): Listeners {
    return this.#withTargets(event, emitterListeners.call(this as unknown as EventEmitter, event));
  }

  rawListeners(event: string | symbol): Listeners {
    return this.#withTargets(event, emitterRaw.call(this as unknown as EventEmitter, event));
  }

  #withTargets(event: string | symbol, listeners: Listeners): Listeners {
    const factory = this.#factoryOf(event);
    const targets = factory ? (this.#targets as Targets).asListeners(event as string, factory) : [];
    const place = this.#places?.get(event as string);
    const at = place ? listeners.indexOf(place) : -1;
    if (at >= 0) listeners.splice(at, 1, ...targets);
    else listeners.push(...targets);
    return listeners;
  }

  removeListener(event: string | symbol, listener: AnyListener): this {
    if (typeof event === 'string') this.#targets?.removeListener(event, listener);
    emitterOff.call(this as unknown as EventEmitter, event, listener);
    return this;
  }

  off(event: string | symbol, listener: AnyListener): this {
    return this.removeListener(event, listener);
  }

  override addEventListener(
    type: string,
    callback: TargetListener | null | undefined,
    options?: boolean | ListenerOptions,
  ): void;
  override addEventListener(...args: AddArguments): void {
    this.#targets ??= new Targets(this);
    this.#leavePlace(args[0]);
    if (this.#targets.add(args)) this.listenerAdded(args[0]);
  }

  override removeEventListener(
    type: string,
    callback: TargetListener | null | undefined,
    options?: boolean | { capture?: boolean | undefined },
  ): void;
  override removeEventListener(...args: RemoveArguments): void {
    this.#targets ??= new Targets(this);
    this.#targets.remove(args);
  }

  /** Reads an event handler attribute. */
  protected getAttribute(type: string): unknown {
    return this.#targets?.attribute(type) ?? null;
  }

  /** Sets an event handler attribute. */
  protected setAttribute(type: string, handler: unknown): void {
    this.#targets ??= new Targets(this);
    this.#leavePlace(type);
    if (this.#targets.setAttribute(type, handler)) this.listenerAdded(type);
  }

  emit(event: string | symbol, ...args: unknown[]): boolean {
    const self = this as unknown as EventEmitter;
    const factory = this.#factoryOf(event);
    if (!factory && this.#places !== undefined) this.#leavePlace(event);
    if (!factory || this.#places?.has(event as string)) {
      return emitterEmit.call(self, event, ...args);
    }
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
    if (this.#targets !== undefined) this.#keepPlace(event);
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
    this.#targets?.removeAll(event);
    if (event === undefined) this.#places = undefined;
    else this.#places?.delete(event as string);
    return this;
  }
}

// The members that the loop below puts there.
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface EmitterTarget extends EmitterMethods {
  once(event: string | symbol, listener: AnyListener): this;
  prependOnceListener(event: string | symbol, listener: AnyListener): this;
}

// `once` and `prependOnceListener` call this.on() and this.prependListener(), and so need no wrapper of their own.
for (const name of [
  'once',
  'prependOnceListener',
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
