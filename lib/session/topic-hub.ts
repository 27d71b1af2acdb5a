/** What a server's socket needs of its server, to get and to give what is published. */
import type { OpenSession } from './open-session';
import type { PublishOptions } from './types';

export interface TopicHub {
  /** @returns false if it subscribes already, or is not open. */
  subscribe(member: OpenSession, topic: string): boolean;
  /** @returns false if it did not subscribe. */
  unsubscribe(member: OpenSession, topic: string): boolean;
  isSubscribed(member: OpenSession, topic: string): boolean;
  topicsOf(member: OpenSession): string[];
  /** @returns how many get it. */
  publish(
    topic: string,
    data: unknown,
    options: PublishOptions | undefined,
    except: OpenSession | undefined,
  ): number;
  /** It has ended. */
  leave(member: OpenSession): void;
}
