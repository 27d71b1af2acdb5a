/**
 * One connection through the documented functions, and what its handlers were told, in order.
 */
import { close, connect, create, type WebSocketObject } from '../../lib';

/** What event 1 hands over besides the reason. */
export interface Failure extends Error {
  reason: string;
  code: string;
  detail: string;
  status?: number;
  statusText?: string;
}

export interface Event {
  id: number;
  args: unknown[];
}

export class Attempt {
  readonly wso: WebSocketObject;
  readonly events: Event[] = [];
  private readonly watchers = new Set<() => void>();

  constructor(
    url: string,
    options: Record<string, unknown> = {},
    ssl: Record<string, unknown> = {},
  ) {
    const note =
      (id: number) =>
      (...args: unknown[]): void => {
        this.events.push({ id, args });
        for (const watcher of this.watchers) watcher();
      };
    this.wso = create({
      url,
      event_handlers: {
        1: note(1),
        3: note(3),
        4: note(4),
        8: note(8),
        9: note(9),
        10: note(10),
        38: note(38),
      },
      ssl_settings: ssl,
      ...options,
    } as Parameters<typeof create>[0]);
  }

  connect(): this {
    connect(this.wso);
    return this;
  }

  /** Resolves when the event has been seen that many times. */
  seen(id: number, times = 1): Promise<Event> {
    return new Promise((resolve) => {
      const watcher = (): void => {
        const events = this.events.filter((event) => event.id === id);
        if (events.length < times) return;
        this.watchers.delete(watcher);
        resolve(events[times - 1] as Event);
      };
      this.watchers.add(watcher);
      watcher();
    });
  }

  /** Resolves with 1 or 3, whichever comes first. */
  settled(): Promise<Event> {
    return Promise.race([this.seen(1), this.seen(3)]);
  }

  /** The failure that event 1 reported; rejects if the connection was established. */
  async failure(): Promise<Failure> {
    const event = await this.settled();
    if (event.id !== 1) throw new Error(`Event ${event.id} came instead of event 1`);
    const [reason, failure] = event.args as [string, Failure];
    if (typeof reason !== 'string') throw new Error(`The reason is no string: ${String(reason)}`);
    if (failure.reason !== reason)
      throw new Error(`"${failure.reason}" on the error, "${reason}" as the argument`);
    return failure;
  }

  /** Rejects if event 1 comes instead of event 3. */
  async established(): Promise<void> {
    const event = await this.settled();
    if (event.id === 3) return;
    const failure = event.args[1] as Failure;
    throw new Error(`${failure.reason} (${failure.code}, ${failure.detail})`);
  }

  /** Closes if it is open, and waits for event 4. */
  async finish(): Promise<void> {
    const count = (id: number): number => this.events.filter((event) => event.id === id).length;
    if (count(4) === count(3)) return;
    close(this.wso);
    await this.seen(4, count(3));
  }
}
