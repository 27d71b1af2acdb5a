/**
 * The listeners that an EventTarget has, and its `on…` attributes. The EventTarget calls them; this knows whether there
 * are any, so that no Event is made in vain, and keeps the order that the standard asks for.
 */

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

interface Entry {
  callback: TargetListener;
  capture: boolean;
  /** What the EventTarget was given: the callback, or what forgets it before it is called once. */
  native: TargetListener;
  /** What `listeners()` has shown of it. */
  shown?: EmitterListener;
}

type EmitterListener = (...args: unknown[]) => void;

type Handler = ((...args: unknown[]) => void) | { handleEvent(event: Event): void };

/** An event handler attribute (`onmessage` …): its place in the order is that of its first listener. */
interface Attribute {
  handler: Handler;
  listener: (event: Event) => void;
}

/** The arguments of an `addEventListener`, as many as were given. */
export type AddArguments = readonly [
  type: string,
  callback?: TargetListener | null,
  options?: boolean | ListenerOptions,
];

/** The arguments of a `removeEventListener`, as many as were given. */
export type RemoveArguments = readonly [
  type: string,
  callback?: TargetListener | null,
  options?: boolean | { capture?: boolean | undefined },
];

const { addEventListener, removeEventListener } = EventTarget.prototype;

export class Targets {
  readonly #target: EventTarget;
  readonly #entries = new Map<string, Entry[]>();
  #attributes: Map<string, Attribute> | undefined;

  constructor(target: EventTarget) {
    this.#target = target;
  }

  /** Whether a listener, or an `on…` attribute, is there for the type. */
  has(type: string): boolean {
    return this.#entries.has(type);
  }

  /** addEventListener(). Returns whether there is another listener now. */
  add(args: AddArguments): boolean {
    const [type, callback, options] = args;
    if (callback === null || callback === undefined) {
      // No listener, or no argument: the EventTarget's own answer.
      addEventListener.call(this.#target, ...(args as unknown as [string, NativeListener]));
      return false;
    }
    const detail = typeof options === 'object' && options !== null ? options : undefined;
    const capture = detail ? Boolean(detail.capture) : Boolean(options);
    const entry: Entry = { callback, capture, native: callback };
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
    if (this.#entry(type, callback, capture)) return false;
    const native = entry.native as NativeListener;
    addEventListener.call(this.#target, type, native, options as NativeOptions);
    if (detail?.signal?.aborted) return false;
    const entries = this.#entries.get(type);
    if (entries) entries.push(entry);
    else this.#entries.set(type, [entry]);
    detail?.signal?.addEventListener('abort', () => this.#forget(type, entry), { once: true });
    return true;
  }

  /** removeEventListener(). */
  remove(args: RemoveArguments): void {
    const [type, callback, options] = args;
    const detail = typeof options === 'object' && options !== null ? options.capture : options;
    const capture = Boolean(detail);
    const entry = callback ? this.#entry(type, callback, capture) : undefined;
    if (!entry) {
      removeEventListener.call(this.#target, ...(args as unknown as [string, NativeListener]));
      return;
    }
    this.#forget(type, entry);
    removeEventListener.call(this.#target, type, entry.native as NativeListener, { capture });
  }

  /** Removes every listener, or those of a type. */
  removeAll(type?: string | symbol): void {
    for (const [known, entries] of [...this.#entries]) {
      if (type !== undefined && type !== known) continue;
      for (const { callback, capture } of [...entries]) this.remove([known, callback, { capture }]);
      this.#attributes?.delete(known);
    }
  }

  /** How many there are; or, if a listener is given, how many are that. */
  count(type: string, listener?: unknown): number {
    const entries = this.#entries.get(type) ?? [];
    if (listener === undefined || listener === null) return entries.length;
    return entries.filter(({ shown, callback }) => shown === listener || callback === listener)
      .length;
  }

  /** Each in the form of an emitter's: what it is called with becomes the event. */
  asListeners(
    type: string,
    eventOf: (args: readonly unknown[]) => Event,
  ): readonly EmitterListener[] {
    const target = this.#target;
    return (this.#entries.get(type) ?? []).map((entry) => {
      entry.shown ??= (...args) => {
        const event = eventOf(args);
        Object.defineProperty(event, 'target', { value: target, configurable: true });
        const native = entry.native as
          ((event: Event) => void) | { handleEvent: (e: Event) => void };
        if (typeof native === 'function') native.call(target, event);
        else native.handleEvent(event);
      };
      return entry.shown;
    });
  }

  /** Removes the listener that {@link asListeners} has shown in this form. */
  removeListener(type: string, shown: EmitterListener): void {
    const entry = this.#entries.get(type)?.find((one) => one.shown === shown);
    if (entry) this.remove([type, entry.callback, { capture: entry.capture }]);
  }

  #entry(type: string, callback: TargetListener, capture: boolean): Entry | undefined {
    return this.#entries
      .get(type)
      ?.find((entry) => entry.callback === callback && entry.capture === capture);
  }

  #forget(type: string, entry: Entry): void {
    const entries = this.#entries.get(type);
    const index = entries?.indexOf(entry) ?? -1;
    if (!entries || index < 0) return;
    if (entries.length === 1) this.#entries.delete(type);
    else entries.splice(index, 1);
  }

  /** Reads an event handler attribute. Source: WHATWG HTML §8.1.8.1, "Event handlers". */
  attribute(type: string): Handler | null {
    return this.#attributes?.get(type)?.handler ?? null;
  }

  /**
   * Sets an event handler attribute. A handler that replaces another keeps its place among the listeners; one set
   * after null takes the last. Anything that is neither a function nor an object counts as null.
   *
   * @returns whether there is another listener now.
   */
  setAttribute(type: string, handler: unknown): boolean {
    const current = this.#attributes?.get(type);
    if (typeof handler !== 'function' && (typeof handler !== 'object' || handler === null)) {
      if (!current) return false;
      this.#attributes?.delete(type);
      this.remove([type, current.listener]);
      return false;
    }
    if (current) {
      current.handler = handler as Handler;
      return false;
    }
    const attribute: Attribute = {
      handler: handler as Handler,
      listener: (event) => {
        const target = attribute.handler;
        // An attribute holds a callback function; an object is kept, and has no effect (the standard's rule).
        if (typeof target !== 'function') return;
        const result: unknown = target.call(this.#target, event);
        if (result === false) event.preventDefault();
      },
    };
    this.#attributes ??= new Map();
    this.#attributes.set(type, attribute);
    return this.add([type, attribute.listener]);
  }
}

/** Puts `onopen`, `onmessage`, `onclose` and `onerror` on a prototype, as Web IDL has event handler attributes. */
export function defineAttributes<S extends EventTarget>(
  prototype: S,
  read: (socket: S, type: string) => unknown,
  write: (socket: S, type: string, handler: unknown) => void,
): void {
  for (const type of ['open', 'message', 'close', 'error']) {
    const accessors = {
      get [`on${type}`](): unknown {
        return read(this as unknown as S, type);
      },
      set [`on${type}`](handler: unknown) {
        write(this as unknown as S, type, handler);
      },
    };
    Object.defineProperties(prototype, Object.getOwnPropertyDescriptors(accessors));
  }
}
