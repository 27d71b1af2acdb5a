/** `verawebsockets/brokers/nats`: a broker over NATS, with the client `@nats-io/transport-node`. */
import { nextTick } from '../base/runtime';
import { checkString } from '../options/checks';
import { typeError } from '../options/errors';
import type { Broker } from '../server/broker';
import { Listeners } from './base';

interface Message {
  readonly data: Uint8Array;
}

interface Subscription {
  unsubscribe(): void;
}

/** Of many kinds; these tell of the connection. */
interface Status {
  readonly type: string;
  readonly server?: string;
  readonly error?: Error;
}

/** What is used of a connection. */
interface Nats {
  publish(subject: string, payload: Uint8Array): void;
  subscribe(
    subject: string,
    options: { callback: (error: Error | null, message: Message) => void },
  ): Subscription;
  /** Fulfilled when the server has done everything that was asked for before; rejected if the connection breaks. */
  flush(): Promise<void>;
  status(): AsyncIterable<Status>;
  closed(): Promise<void | Error>;
  isClosed(): boolean;
}

const METHODS = ['publish', 'subscribe', 'flush', 'status', 'closed', 'isClosed'] as const;

/** Options of {@link natsBroker}. */
export interface NatsBrokerOptions {
  /**
   * Stands before topics in the names of subjects: tokens with a dot behind each. Default 'verawebsockets.'. NATS, what
   * subjects are.
   */
  prefix?: string | undefined;
}

/**
 * A topic as one token of a subject: letters, digits and some signs stay, all else is `%` and two digits for each byte
 * of UTF-8. No topic becomes a lone `%`, which stands for the empty one.
 */
function tokenOf(topic: string): string {
  const token = topic.replace(/[^\w~:/@-]/gu, (sign) =>
    Buffer.from(sign)
      .toString('hex')
      .replace(/../g, (byte) => `%${byte.toUpperCase()}`),
  );
  return token || '%';
}

class NatsBroker implements Broker {
  readonly #listeners = new Listeners();
  readonly #subscriptions = new Map<string, Subscription>();
  /** What tells that the server has what was published in this tick. */
  #flushed: Promise<void> | undefined;
  #isAway = false;
  #closed = false;
  readonly #status: AsyncIterable<Status>;

  constructor(
    private readonly nats: Nats,
    private readonly prefix: string,
  ) {
    this.#status = nats.status();
    void this.#watch();
    void nats.closed().then((error) => {
      this.#isAway = true;
      if (!this.#closed) {
        this.#listeners.error(error ?? new Error('the connection to NATS has been closed'));
      }
    });
  }

  async #watch(): Promise<void> {
    for await (const { type, server, error } of this.#status) {
      if (this.#closed) return;
      if (type === 'disconnect') {
        this.#isAway = true;
        this.#listeners.error(new Error(`the connection to NATS has broken (${String(server)})`));
      } else if (type === 'reconnect') {
        this.#isAway = false;
        this.#listeners.reconnect();
      } else if (type === 'error' && error) this.#listeners.error(error);
    }
  }

  publish(topic: string, message: Uint8Array): Promise<void> {
    // It would be kept, for whatever time, and then be lost or not.
    if (this.#isAway) return Promise.reject(new Error('there is no connection to NATS'));
    this.nats.publish(this.prefix + tokenOf(topic), message);
    this.#flushed ??= new Promise((resolve, reject) => {
      nextTick(() => {
        this.#flushed = undefined;
        this.nats.flush().then(resolve, reject);
      });
    });
    return this.#flushed;
  }

  /** The client subscribes again when a connection has broken. */
  subscribe(topic: string): void {
    const subscription = this.nats.subscribe(this.prefix + tokenOf(topic), {
      callback: (error, message) => {
        if (error) this.#listeners.error(error);
        else this.#listeners.message(topic, message.data);
      },
    });
    this.#subscriptions.set(topic, subscription);
  }

  unsubscribe(topic: string): void {
    const subscription = this.#subscriptions.get(topic);
    this.#subscriptions.delete(topic);
    if (!this.nats.isClosed()) subscription?.unsubscribe();
  }

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#listeners.setMessage(listener);
  }

  onError(listener: (error: Error) => void): void {
    this.#listeners.setError(listener);
  }

  onReconnect(listener: () => void): void {
    this.#listeners.setReconnect(listener);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const topic of [...this.#subscriptions.keys()]) this.unsubscribe(topic);
    // What the client iterates by; without it the status of a connection that lives on would be kept for us.
    (this.#status as { stop?(): void }).stop?.();
  }
}

/**
 * A broker over a connection to NATS, which stays its owner's: it may have other uses, and is to be closed when the
 * server has closed.
 *
 * @param connection what `connect()` of `@nats-io/transport-node` resolves to.
 * @throws TypeError for another object, and for wrong options.
 * @example
 * const nats = await connect({ servers: '127.0.0.1:4222', maxReconnectAttempts: -1 });
 * const server = new WebSocketServer({ port: 8080, broker: natsBroker(nats) });
 */
export function natsBroker(
  connection: object,
  { prefix = 'verawebsockets.' }: NatsBrokerOptions = {},
): Broker {
  const has = Object(connection) as Record<string, unknown>;
  if (METHODS.some((name) => typeof has[name] !== 'function')) {
    throw typeError(
      'connection',
      'a connection of the package @nats-io/transport-node',
      connection,
    );
  }
  return new NatsBroker(connection as unknown as Nats, checkString('options.prefix', prefix));
}
