/** What takes publications from one process to others: what a broker has to be, for a WebSocketServer to use it. */
import { typeError } from '../options/errors';

/**
 * Carries what is published between the processes that share it. One broker serves one server.
 *
 * What it carries are bytes: it need not know what is in them. At most once: a broker may lose messages, never deliver
 * one twice; those of one process and topic arrive in the order in which they were published.
 *
 * None of its functions waits. What a promise is rejected with, what is thrown, and what `onError` tells comes to users
 * as the server's event `brokerError`.
 *
 * Source: docs/scaling.md.
 */
export interface Broker {
  /**
   * To all other processes that subscribe to the topic. A message that comes back to its own server is dropped there.
   *
   * @returns a promise that is fulfilled when the bytes are needed no more, and rejected if the message is lost; or
   *   nothing. While it is pending, the message counts for `brokerLimit`.
   */
  publish(topic: string, message: Uint8Array): Promise<unknown> | void;
  /**
   * From here on, or soon, the topic's messages are wanted. It is the broker's work to subscribe again after a
   * connection has broken.
   */
  subscribe(topic: string): Promise<unknown> | void;
  /** They are not wanted any more. */
  unsubscribe(topic: string): Promise<unknown> | void;
  /**
   * Who gets the messages. Called once, by the server.
   *
   * @throws Error ERR_BROKER_IN_USE for a second server.
   */
  onMessage(listener: (topic: string, message: Uint8Array) => void): void;
  /** Who is told of errors that belong to no call. */
  onError?(listener: (error: Error) => void): void;
  /** Who is told that a connection that had broken is there again, and the subscriptions with it. */
  onReconnect?(listener: () => void): void;
  /** Ends what it has opened. Called by the server when that has closed; more than once does no harm. */
  close(): Promise<unknown> | void;
}

/** Counters of a server's broker, since the server was made. */
export interface BrokerStats {
  /** Messages that have reached the broker, as far as it tells. */
  published: number;
  /** Messages of other processes that came from it. */
  received: number;
  /**
   * Others that were dropped, since later ones of the same server had come: over a connection that it had given up. It
   * counts them as lost.
   */
  late: number;
  /**
   * Messages of our own that did not reach it, or of which that is not known: it was away, or `brokerLimit` was
   * reached.
   */
  lost: number;
  /** Their bytes of payload. */
  lostBytes: number;
  /** Bytes that wait for it, as `brokerLimit` counts them. */
  waitingBytes: number;
  /** Its errors, each a `brokerError` event; those that tell of losses are not among them. */
  errors: number;
  /** How often a connection that had broken was there again. */
  reconnects: number;
}

const NEEDED = ['publish', 'subscribe', 'unsubscribe', 'onMessage', 'close'] as const;

/** @throws TypeError for what is no broker. */
export function checkBroker(value: unknown): Broker | undefined {
  if (value === undefined || value === null) return undefined;
  const methods = Object(value) as Record<string, unknown>;
  if (NEEDED.some((name) => typeof methods[name] !== 'function')) {
    throw typeError('options.broker', `an object with the methods ${NEEDED.join(', ')}`, value);
  }
  return value as Broker;
}
