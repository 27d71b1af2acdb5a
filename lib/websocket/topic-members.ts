/** What a server's WebSocket has to do with topics. */
import { withCode } from '../options/errors';
import { AcceptedSession } from '../session/accepted-session';
import type { OpenSession } from '../session/open-session';
import type { Publishable } from '../session/prepared';
import type { TopicHub } from '../session/topic-hub';
import type { PublishOptions } from '../session/types';
import { SocketMembers } from './socket-members';

/** @throws Error ERR_NO_SERVER for a client's socket, and one that was given its connection by setSocket(). */
function hubOf(session: OpenSession): TopicHub {
  const hub = session instanceof AcceptedSession ? session.topics : undefined;
  if (hub) return hub;
  throw withCode(
    new Error('only a socket that a WebSocketServer has accepted has topics'),
    'ERR_NO_SERVER',
  );
}

export abstract class TopicMembers extends SocketMembers {
  /** What a server's topics know it by. @internal */
  abstract get member(): OpenSession;

  /**
   * From here on the socket gets what its server publishes under this topic, to its end.
   *
   * @param topic any string; there are no wildcards.
   * @returns false if it does so already, or is not open.
   * @throws TypeError if the topic is no string; Error ERR_NO_SERVER for a client's socket.
   * @example
   * server.on('connection', (socket) => {
   *   socket.subscribe('news');
   *   socket.on('message', (data) => socket.publish('news', data));
   * });
   */
  subscribe(topic: string): boolean {
    return hubOf(this.member).subscribe(this.member, topic);
  }

  /** @returns false if it did not subscribe. */
  unsubscribe(topic: string): boolean {
    return hubOf(this.member).unsubscribe(this.member, topic);
  }

  isSubscribed(topic: string): boolean {
    return hubOf(this.member).isSubscribed(this.member, topic);
  }

  /** What it subscribes to, in the order of the calls. */
  get topics(): string[] {
    return hubOf(this.member).topicsOf(this.member);
  }

  /**
   * Publishes to all sockets of its server that subscribe to the topic, but not to itself. As WebSocketServer's
   * publish() otherwise.
   *
   * @returns how many sockets of this process get it.
   */
  publish(topic: string, data: Publishable, options?: PublishOptions): number {
    return hubOf(this.member).publish(topic, data, options, this.member);
  }
}
