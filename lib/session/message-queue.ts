/**
 * Async iteration: `for await (const message of socket)`.
 *
 * Messages wait in a queue; from a high-water mark on the socket is not read, so that a slow loop stops the sender
 * instead of filling memory. Leaving the loop keeps the socket open and held: the next loop goes on where it ended.
 */

/** What the queue tells its socket. */
export interface QueueOwner {
  /** Stop or continue to hand over messages. */
  hold(on: boolean): void;
}

/** Messages that may wait before the socket is held. */
const HIGH_WATER_MESSAGES = 64;
/** Bytes that may wait, likewise. */
const HIGH_WATER_BYTES = 1024 * 1024;

interface Waiter<T> {
  resolve: (result: IteratorResult<T, undefined>) => void;
  reject: (error: unknown) => void;
  /** Its loop ends. */
  leave: () => void;
}

export class MessageQueue<T> {
  readonly #owner: QueueOwner;
  #items: { value: T; bytes: number }[] = [];
  #bytes = 0;
  #waiters: Waiter<T>[] = [];
  #held = false;
  #ended = false;
  #error: Error | undefined;
  /** Loops that run. */
  #loops = 0;

  constructor(owner: QueueOwner) {
    this.#owner = owner;
  }

  /** Whether messages are wanted. */
  get active(): boolean {
    return this.#loops > 0;
  }

  push(value: T, bytes: number): void {
    const waiter = this.#waiters.shift();
    if (waiter) {
      waiter.resolve({ value, done: false });
      return;
    }
    this.#items.push({ value, bytes });
    this.#bytes += bytes;
    this.#update();
  }

  /** No more will come. An error is thrown by the loop after everything that waits. */
  end(error: Error | undefined): void {
    this.#ended = true;
    this.#error = error;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const waiter of waiters) this.#finish(waiter);
  }

  /** Throws away what waits, and lets the socket go on. */
  clear(): void {
    this.#items = [];
    this.#bytes = 0;
    this.#setHeld(false);
  }

  iterate(): AsyncIterableIterator<T> {
    this.#loops += 1;
    this.#update();
    let done = false;
    const leave = (): void => {
      if (done) return;
      done = true;
      this.#loops -= 1;
      this.#update();
    };
    const iterator: AsyncIterableIterator<T> = {
      // No async function: it would make three promises of one, for each message.
      next: () => (done ? Promise.resolve({ value: undefined, done: true }) : this.#next(leave)),
      return: (value?: unknown) => {
        leave();
        return Promise.resolve({ value: value as undefined, done: true });
      },
      [Symbol.asyncIterator]: () => iterator,
    };
    return iterator;
  }

  #next(leave: () => void): Promise<IteratorResult<T, undefined>> {
    const item = this.#items.shift();
    if (item) {
      this.#bytes -= item.bytes;
      this.#update();
      return Promise.resolve({ value: item.value, done: false });
    }
    return new Promise((resolve, reject) => {
      const waiter = { resolve, reject, leave };
      if (this.#ended) this.#finish(waiter);
      else this.#waiters.push(waiter);
    });
  }

  #finish(waiter: Waiter<T>): void {
    const error = this.#error;
    // Once: a loop that is begun after the failure was thrown ends at once.
    this.#error = undefined;
    waiter.leave();
    if (error) waiter.reject(error);
    else waiter.resolve({ value: undefined, done: true });
  }

  #update(): void {
    if (this.#ended) return;
    const { length } = this.#items;
    if (this.#loops === 0) this.#setHeld(true);
    else if (length >= HIGH_WATER_MESSAGES || this.#bytes >= HIGH_WATER_BYTES) this.#setHeld(true);
    // Half-way down, so that it does not flap.
    else if (length <= HIGH_WATER_MESSAGES / 2 && this.#bytes <= HIGH_WATER_BYTES / 2)
      this.#setHeld(false);
  }

  #setHeld(on: boolean): void {
    if (this.#held === on) return;
    this.#held = on;
    this.#owner.hold(on);
  }
}
