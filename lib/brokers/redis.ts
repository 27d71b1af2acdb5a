/** `verawebsockets/brokers/redis`: a broker over Redis's pub/sub, with the client `redis` or `ioredis`. */
import type { EventEmitter } from 'node:events';
import { checkBoolean, checkString } from '../options/checks';
import { typeError } from '../options/errors';
import type { Broker } from '../server/broker';
import { Listeners } from './base';
import { Subscriptions } from './subscriptions';

type Take = (message: Buffer, channel: Buffer) => void;

/** What is used of a client of the package `redis`. */
interface NodeRedis extends EventEmitter {
  readonly isOpen: boolean;
  duplicate(overrides?: object): NodeRedis;
  connect(): Promise<unknown>;
  publish(channel: string, message: Buffer): Promise<unknown>;
  sPublish(channel: string, message: Buffer): Promise<unknown>;
  subscribe(channel: string, listener: Take, buffers: true): Promise<unknown>;
  sSubscribe(channel: string, listener: Take, buffers: true): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  sUnsubscribe(channel: string): Promise<unknown>;
  destroy(): void;
}

/** What is used of a client of the package `ioredis`. */
interface IoRedis extends EventEmitter {
  duplicate(overrides?: object): IoRedis;
  publish(channel: string, message: Buffer): Promise<unknown>;
  spublish(channel: string, message: Buffer): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  ssubscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  sunsubscribe(channel: string): Promise<unknown>;
  disconnect(): void;
}

/** One client or the other. */
interface Wire {
  readonly clients: readonly EventEmitter[];
  publish(channel: string, message: Buffer): Promise<unknown>;
  subscribe(channel: string): Promise<unknown>;
  unsubscribe(channel: string): Promise<unknown>;
  close(): void;
}

/** Options of {@link redisBroker}. */
export interface RedisBrokerOptions {
  /** Stands before topics in the names of channels. Default 'verawebsockets:'. */
  prefix?: string | undefined;
  /** Sharded pub/sub, SSUBSCRIBE and SPUBLISH: Redis 7. Default false. */
  sharded?: boolean | undefined;
}

type Arrived = (channel: string, message: Buffer) => void;

function overNodeRedis(client: NodeRedis, sharded: boolean, arrived: Arrived): Wire {
  const publisher = client.duplicate({ disableOfflineQueue: true });
  const subscriber = client.duplicate();
  const take: Take = (message, channel) => arrived(channel.toString(), message);
  for (const one of [publisher, subscriber]) {
    one.on('error', () => undefined);
    // Its errors come as events, too.
    void one.connect().catch(() => undefined);
  }
  return {
    clients: [publisher, subscriber],
    publish: (channel, message) =>
      sharded ? publisher.sPublish(channel, message) : publisher.publish(channel, message),
    subscribe: (channel) =>
      sharded
        ? subscriber.sSubscribe(channel, take, true)
        : subscriber.subscribe(channel, take, true),
    unsubscribe: (channel) =>
      sharded ? subscriber.sUnsubscribe(channel) : subscriber.unsubscribe(channel),
    close: () => {
      // It throws where the client has given up.
      for (const one of [publisher, subscriber]) if (one.isOpen) one.destroy();
    },
  };
}

function overIoRedis(client: IoRedis, sharded: boolean, arrived: Arrived): Wire {
  const publisher = client.duplicate({
    // What was on its way when a connection broke must not be sent again: it may have arrived.
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    // What waits in the queue is overtaken by what is published between `connect` and `ready`.
    enableOfflineQueue: false,
    keyPrefix: '',
  });
  const subscriber = client.duplicate({ maxRetriesPerRequest: null, keyPrefix: '' });
  for (const one of [publisher, subscriber]) one.on('error', () => undefined);
  subscriber.on(
    sharded ? 'smessageBuffer' : 'messageBuffer',
    (channel: Buffer, message: Buffer) => {
      arrived(channel.toString(), message);
    },
  );
  return {
    clients: [publisher, subscriber],
    publish: (channel, message) =>
      sharded ? publisher.spublish(channel, message) : publisher.publish(channel, message),
    subscribe: (channel) =>
      sharded ? subscriber.ssubscribe(channel) : subscriber.subscribe(channel),
    unsubscribe: (channel) =>
      sharded ? subscriber.sunsubscribe(channel) : subscriber.unsubscribe(channel),
    close: () => {
      publisher.disconnect();
      subscriber.disconnect();
    },
  };
}

/**
 * A time in which the connections are not all there. Clients tell each of their attempts; users hear of each cause
 * once, and of the end.
 */
class Outage {
  readonly #away = new Set<EventEmitter>();
  readonly #seen = new Set<EventEmitter>();
  readonly #causes = new Set<string>();

  begins(client: EventEmitter): void {
    this.#away.add(client);
  }

  isNews(error: Error & { code?: unknown }): boolean {
    const cause = String(error.code ?? error.message);
    if (this.#causes.has(cause)) return false;
    this.#causes.add(cause);
    return true;
  }

  wasThere(client: EventEmitter): boolean {
    return this.#seen.has(client);
  }

  /** Whether it is over with this one. */
  ends(client: EventEmitter): boolean {
    this.#seen.add(client);
    this.#away.delete(client);
    if (this.#away.size > 0) return false;
    this.#causes.clear();
    return true;
  }
}

class RedisBroker implements Broker {
  readonly #listeners = new Listeners();
  readonly #wire: Wire;
  readonly #subscriptions: Subscriptions;
  #closed = false;

  constructor(
    client: unknown,
    private readonly prefix: string,
    sharded: boolean,
  ) {
    const has = Object(client) as Record<string, unknown>;
    const arrived: Arrived = (channel, message) => {
      const topic = channel.slice(prefix.length);
      if (this.#subscriptions.has(topic)) this.#listeners.message(topic, message);
    };
    if (typeof has['sPublish'] === 'function') {
      this.#wire = overNodeRedis(client as NodeRedis, sharded, arrived);
    } else if (typeof has['spublish'] === 'function') {
      this.#wire = overIoRedis(client as IoRedis, sharded, arrived);
    } else throw typeError('client', 'a client of the package redis or ioredis', client);
    const wire = this.#wire;
    this.#subscriptions = new Subscriptions(
      (topic) => wire.subscribe(prefix + topic),
      (topic) => wire.unsubscribe(prefix + topic),
    );
    const outage = new Outage();
    for (const one of wire.clients) {
      one.on('error', (error: Error) => {
        outage.begins(one);
        if (outage.isNews(error)) this.#listeners.error(error);
      });
      for (const sign of ['reconnecting', 'close', 'end']) one.on(sign, () => outage.begins(one));
      one.on('ready', () => {
        const isBack = outage.wasThere(one);
        if (isBack) {
          this.#subscriptions.retry().catch((error: Error) => this.#listeners.error(error));
        }
        if (outage.ends(one) && isBack) this.#listeners.reconnect();
      });
    }
  }

  publish(topic: string, message: Uint8Array): Promise<unknown> {
    const { buffer, byteOffset, byteLength } = message;
    return this.#wire.publish(this.prefix + topic, Buffer.from(buffer, byteOffset, byteLength));
  }

  subscribe(topic: string): Promise<unknown> {
    return this.#subscriptions.set(topic, true);
  }

  unsubscribe(topic: string): Promise<unknown> {
    return this.#subscriptions.set(topic, false);
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
    this.#wire.close();
  }
}

/**
 * A broker over Redis. It opens two connections of its own, as the client's `duplicate()` makes them: the client need
 * not be connected, and stays its owner's.
 *
 * @param client of the package `redis` or `ioredis`.
 * @throws TypeError for another one, and for wrong options.
 */
export function redisBroker(client: object, options: RedisBrokerOptions = {}): Broker {
  const { prefix = 'verawebsockets:', sharded = false } = options;
  return new RedisBroker(
    client,
    checkString('options.prefix', prefix),
    checkBoolean('options.sharded', sharded),
  );
}
