/**
 * `verawebsockets/brokers/cluster`: a broker over the channels between the workers of a cluster and their primary.
 */
import cluster, { type Worker } from 'node:cluster';
import { checkInteger, checkString } from '../options/checks';
import { withCode } from '../options/errors';
import type { Broker } from '../server/broker';
import { Listeners } from './base';

/** Marks our messages among those of the application. */
const MARK = 'verawebsockets:broker';
/** What may wait for one worker, in characters. */
const LIMIT = 16 * 1024 * 1024;

/** Messages of a channel. JSON may carry them, so bytes are in base64. */
interface Note {
  [MARK]: 'subscribe' | 'unsubscribe' | 'publish';
  /** Of the brokers that belong together. */
  name: string;
  topic: string;
  message?: string;
}

function isNote(value: unknown): value is Note {
  return typeof value === 'object' && value !== null && MARK in value;
}

/** Options of {@link clusterBroker}. */
export interface ClusterBrokerOptions {
  /** Brokers with the same name belong together: for several servers in each worker. Default ''. */
  name?: string | undefined;
}

/** Options of {@link clusterRelay}. */
export interface ClusterRelayOptions {
  /**
   * What may wait for one worker, in characters of base64; past it, messages for it are lost. 1 to 2^40. Default
   * 16 MiB.
   */
  limit?: number | undefined;
}

/** What runs in the primary. */
export interface ClusterRelay {
  /** Messages that were lost because a worker did not read. */
  readonly lost: number;
  /** Relays no more. */
  close(): void;
}

class Relay implements ClusterRelay {
  lost = 0;
  /** By name and topic. */
  readonly #members = new Map<string, Set<Worker>>();
  /** Characters that a worker has not taken yet. */
  readonly #waiting = new WeakMap<Worker, number>();

  constructor(private readonly limit: number) {
    cluster.on('message', this.#take);
    cluster.on('disconnect', this.#leave);
    cluster.on('exit', this.#leave);
  }

  close(): void {
    cluster.off('message', this.#take);
    cluster.off('disconnect', this.#leave);
    cluster.off('exit', this.#leave);
    this.#members.clear();
  }

  readonly #take = (worker: Worker, note: unknown): void => {
    if (!isNote(note)) return;
    const key = JSON.stringify([note.name, note.topic]);
    const members = this.#members.get(key);
    if (note[MARK] === 'subscribe') {
      if (members) members.add(worker);
      else this.#members.set(key, new Set([worker]));
    } else if (note[MARK] === 'unsubscribe') {
      if (members?.delete(worker) && members.size === 0) this.#members.delete(key);
    } else {
      for (const member of members ?? []) if (member !== worker) this.#send(member, note);
    }
  };

  readonly #leave = (worker: Worker): void => {
    for (const [key, members] of this.#members) {
      if (members.delete(worker) && members.size === 0) this.#members.delete(key);
    }
  };

  #send(worker: Worker, note: Note): void {
    const size = note.message?.length ?? 0;
    const waiting = this.#waiting.get(worker) ?? 0;
    if (!worker.isConnected() || waiting + size > this.limit) {
      this.lost += 1;
      return;
    }
    this.#waiting.set(worker, waiting + size);
    worker.send(note, (error) => {
      this.#waiting.set(worker, (this.#waiting.get(worker) ?? 0) - size);
      if (error) this.lost += 1;
    });
  }
}

/**
 * Relays, in the primary, what its workers' brokers publish. Call it before workers are forked, and once.
 *
 * @throws Error ERR_BROKER_ROLE outside of a primary; TypeError, RangeError for wrong options.
 * @example
 * if (cluster.isPrimary) {
 *   clusterRelay();
 *   for (let i = 0; i < 4; ++i) cluster.fork();
 * }
 */
export function clusterRelay({ limit = LIMIT }: ClusterRelayOptions = {}): ClusterRelay {
  if (!cluster.isPrimary) throw role('clusterRelay() is for the primary of a cluster');
  return new Relay(checkInteger('options.limit', limit, 1, 2 ** 40));
}

function role(message: string): Error {
  return withCode(new Error(message), 'ERR_BROKER_ROLE');
}

class ClusterBroker implements Broker {
  readonly #listeners = new Listeners();
  readonly #topics = new Set<string>();
  #closed = false;

  constructor(private readonly name: string) {
    process.on('message', this.#take);
    process.on('disconnect', this.#disconnected);
  }

  readonly #take = (note: unknown): void => {
    if (!isNote(note) || note.name !== this.name || note.message === undefined) return;
    if (this.#topics.has(note.topic)) {
      this.#listeners.message(note.topic, Buffer.from(note.message, 'base64'));
    }
  };

  readonly #disconnected = (): void => this.#listeners.error(new Error('the primary has gone'));

  #tell(kind: Note[typeof MARK], topic: string, message?: string): Promise<void> {
    const note: Note = {
      [MARK]: kind,
      name: this.name,
      topic,
      ...(message !== undefined && { message }),
    };
    return new Promise((resolve, reject) => {
      if (!process.connected) {
        reject(new Error('the primary has gone'));
        return;
      }
      process.send?.(note, undefined, undefined, (error: Error | null) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  publish(topic: string, message: Uint8Array): Promise<void> {
    const { buffer, byteOffset, byteLength } = message;
    return this.#tell(
      'publish',
      topic,
      Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
    );
  }

  subscribe(topic: string): Promise<void> {
    this.#topics.add(topic);
    return this.#tell('subscribe', topic);
  }

  unsubscribe(topic: string): Promise<void> {
    this.#topics.delete(topic);
    return this.#tell('unsubscribe', topic);
  }

  onMessage(listener: (topic: string, message: Uint8Array) => void): void {
    this.#listeners.setMessage(listener);
  }

  onError(listener: (error: Error) => void): void {
    this.#listeners.setError(listener);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    process.off('message', this.#take);
    process.off('disconnect', this.#disconnected);
    if (process.connected)
      await Promise.all([...this.#topics].map((topic) => this.unsubscribe(topic)));
  }
}

/**
 * A broker between the workers of a cluster, whose primary has called {@link clusterRelay}.
 *
 * @throws Error ERR_BROKER_ROLE outside of a worker; TypeError for wrong options.
 * @example
 * const server = new WebSocketServer({ port: 8080, reusePort: true, broker: clusterBroker() });
 */
export function clusterBroker({ name = '' }: ClusterBrokerOptions = {}): Broker {
  if (!cluster.isWorker) throw role('clusterBroker() is for the workers of a cluster');
  return new ClusterBroker(checkString('options.name', name));
}
