/** What the addon has for messages to many: declarations only. See contract.ts. */
import type { Bytes, SendResult } from './contract';

/** The part of the addon that publishes. Connections are a server's; topics are numbers of the caller's choice. */
export interface PublishingAddon {
  /** The connection gets what is published under the topic from here on. It ends with the connection. */
  subscribe(connection: number, topic: number): void;
  unsubscribe(connection: number, topic: number): void;
  /**
   * A message for all that subscribe: with the next flush(), in its place among what is sent. except: the connection
   * that does not get it, or 0; subscribers: how many there are, by which the engine plans.
   */
  publish(
    topic: number,
    data: string | Bytes,
    flags: number,
    except: number,
    subscribers: number,
  ): SendResult;
  /** The same for the connections named. */
  publishTo(connections: Int32Array, data: string | Bytes, flags: number): SendResult;
  /** Payload bytes that were published to the connection and not yet given to the system. */
  publishedAmount(connection: number): number;
}
