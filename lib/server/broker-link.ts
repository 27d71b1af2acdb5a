/** A server and its broker: what is published goes out, what others publish comes in, and nobody waits. */
import { randomBytes } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import { clearTimeout, nextTick, setTimeout } from '../base/runtime';
import { checkInteger } from '../options/checks';
import { withCode } from '../options/errors';
import { checkBroker, type Broker, type BrokerStats } from './broker';
import { decode, encode, ORIGIN_SIZE, payloadLength, type Carried } from './broker-message';
import type { Message } from '../session/prepared';
import type { Topics, TopicWatcher } from './topics';

/** What may wait for a broker, in bytes. */
const LIMIT = 16 * 1024 * 1024;
/** Servers of which it is known that they have lost touch; the first that were are forgotten. */
const MOST_ORIGINS = 4096;
/** Losses are told together, so often at most; in ms. */
const REPORT_EVERY = 1000;

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}

export class BrokerLink implements TopicWatcher {
  readonly #broker: Broker;
  readonly #limit: number;
  readonly #origin = randomBytes(ORIGIN_SIZE);
  readonly #stats: Omit<BrokerStats, 'waitingBytes'> = {
    published: 0,
    received: 0,
    late: 0,
    lost: 0,
    lostBytes: 0,
    errors: 0,
    reconnects: 0,
  };
  /**
   * Raised whenever what was given to the broker may have been lost: it may still be on its way there, over a
   * connection that nobody else knows of, and be overtaken.
   */
  #epoch = 0;
  /** The latest of other servers, where it is not 0. */
  readonly #epochs = new Map<string, number>();
  #closed = false;
  /** Bytes that the broker has not done with. */
  #waiting = 0;
  /** Not told yet. */
  #untold = { messages: 0, bytes: 0 };
  #cause: Error | undefined;
  #report: NodeJS.Timeout | undefined;
  #reportsSoon = false;

  /**
   * Undefined without a broker.
   *
   * @throws TypeError, RangeError for wrong options; Error ERR_BROKER_IN_USE.
   */
  static of(
    options: { broker?: unknown; brokerLimit?: unknown },
    topics: Topics,
    server: EventEmitter,
  ): BrokerLink | undefined {
    const limit = checkInteger('options.brokerLimit', options.brokerLimit ?? LIMIT, 1, 2 ** 40);
    const broker = checkBroker(options.broker);
    return broker && new BrokerLink(broker, limit, topics, server);
  }

  private constructor(
    broker: Broker,
    limit: number,
    private readonly topics: Topics,
    private readonly server: EventEmitter,
  ) {
    this.#broker = broker;
    this.#limit = limit;
    broker.onMessage((topic, message) => this.#received(topic, message));
    broker.onError?.((error) => this.#failed(error));
    broker.onReconnect?.(() => {
      if (this.#closed) return;
      this.#stats.reconnects += 1;
      this.#epoch += 1;
      server.emit('brokerReconnect');
    });
    topics.watcher = this;
  }

  get stats(): BrokerStats {
    return { ...this.#stats, waitingBytes: this.#waiting };
  }

  first(topic: string): void {
    this.#ask(() => this.#broker.subscribe(topic));
  }

  last(topic: string): void {
    this.#ask(() => this.#broker.unsubscribe(topic));
  }

  published(topic: string, message: Message): void {
    if (this.#closed) return;
    const encoded = encode(this.#origin, this.#epoch, message);
    const size = encoded.length;
    if (this.#waiting + size > this.#limit) {
      this.#lose(encoded, new Error(`more than ${this.#limit} bytes would wait for the broker`));
      return;
    }
    let done: Promise<unknown> | void;
    try {
      done = this.#broker.publish(topic, encoded);
    } catch (error) {
      this.#lose(encoded, asError(error));
      return;
    }
    if (!done) {
      this.#stats.published += 1;
      return;
    }
    this.#waiting += size;
    done.then(
      () => {
        this.#waiting -= size;
        this.#stats.published += 1;
      },
      (error: unknown) => {
        this.#waiting -= size;
        this.#epoch += 1;
        this.#lose(encoded, asError(error));
      },
    );
  }

  /** No more goes either way. */
  close(): void {
    if (this.#closed) return;
    this.#tellLosses();
    this.#closed = true;
    this.topics.watcher = undefined;
    clearTimeout(this.#report);
    // Its last words are nobody's concern any more.
    this.#quietly(() => this.#broker.close());
  }

  #received(topic: string, message: Uint8Array): void {
    if (this.#closed) return;
    try {
      const carried = decode(message);
      if (carried.origin.equals(this.#origin)) return;
      if (this.#isLate(carried)) {
        this.#stats.late += 1;
        return;
      }
      this.#stats.received += 1;
      this.topics.deliver(topic, carried);
    } catch (error) {
      this.#failed(asError(error));
    }
  }

  #isLate({ origin, epoch }: Carried): boolean {
    if (epoch === 0 && this.#epochs.size === 0) return false;
    const name = origin.toString('latin1');
    const latest = this.#epochs.get(name) ?? 0;
    if (epoch < latest) return true;
    if (epoch === latest) return false;
    this.#epochs.set(name, epoch);
    for (const first of this.#epochs.keys()) {
      if (this.#epochs.size <= MOST_ORIGINS) break;
      this.#epochs.delete(first);
    }
    return false;
  }

  #ask(act: () => Promise<unknown> | void): void {
    if (this.#closed) return;
    try {
      act()?.then(undefined, (error: unknown) => this.#failed(asError(error)));
    } catch (error) {
      this.#failed(asError(error));
    }
  }

  #quietly(act: () => Promise<unknown> | void): void {
    try {
      act()?.then(undefined, () => undefined);
    } catch {}
  }

  #failed(error: Error): void {
    if (this.#closed) return;
    this.#stats.errors += 1;
    this.#tell(error);
  }

  /** Listeners that throw must not do so inside of a broker's client. */
  #tell(error: Error): void {
    if (!this.#closed) nextTick(() => this.server.emit('brokerError', error));
  }

  #lose(encoded: Buffer, cause: Error): void {
    const bytes = payloadLength(encoded);
    this.#stats.lost += 1;
    this.#stats.lostBytes += bytes;
    this.#untold.messages += 1;
    this.#untold.bytes += bytes;
    this.#cause = cause;
    if (this.#report !== undefined || this.#reportsSoon) return;
    this.#reportsSoon = true;
    nextTick(() => this.#tellLosses());
  }

  #tellLosses(): void {
    this.#reportsSoon = false;
    this.#report = undefined;
    const { messages, bytes } = this.#untold;
    if (messages === 0 || this.#closed) return;
    this.#untold = { messages: 0, bytes: 0 };
    const cause = this.#cause as Error;
    const text = `${messages} messages are lost on their way to the broker: ${cause.message}`;
    this.#tell(withCode(new Error(text, { cause }), 'ERR_BROKER_LOST', { messages, bytes }));
    this.#report = setTimeout(() => this.#tellLosses(), REPORT_EVERY);
    this.#report.unref();
  }
}
