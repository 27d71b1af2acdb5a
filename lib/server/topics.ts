/** What is published to the sockets of one WebSocketServer, and who gets it. */
import { SendFlag, type Bytes, type PreparedHandle } from '../addon/contract';
import type { Environment } from '../addon/environment';
import { typeError } from '../options/errors';
import { invalidUtf8 } from '../session/errors';
import type { OpenSession } from '../session/open-session';
import { isText } from '../session/payload';
import { checkPublished, messageOf, PreparedMessage, type Message } from '../session/prepared';
import { OPEN } from '../session/ready-state';
import type { TopicHub } from '../session/topic-hub';
import type { PublishOptions } from '../session/types';

/** A topic somebody subscribes to. */
interface Topic {
  /** Its number in the engine. */
  id: number;
  subscribers: number;
}

/** Told of a topic's first subscriber in this process, when the last has gone, and what is published here. */
export interface TopicWatcher {
  first(topic: string): void;
  last(topic: string): void;
  /** It has been delivered here. */
  published(topic: string, message: Message): void;
}

/** Numbers of topics, of all servers of the environment. */
class TopicNumbers {
  #last = 0;
  readonly #free: number[] = [];

  take(): number {
    return this.#free.pop() ?? ++this.#last;
  }

  giveBack(id: number): void {
    this.#free.push(id);
  }
}

const numbers = new TopicNumbers();

/** @throws TypeError for bytes that are to be text, and are not. */
function checkText({ payload, flags }: Message): void {
  if (typeof payload === 'string' || flags & SendFlag.Binary) return;
  if (payload instanceof PreparedMessage) return;
  if (!isText(payload as Uint8Array)) throw invalidUtf8();
}

/** About its bytes: after how many the engine is told at once. */
function sizeOf({ payload }: Message): number {
  return typeof payload === 'string' ? payload.length : payload.byteLength;
}

/** As the addon takes it. */
function dataOf({ payload }: Message): string | Bytes | PreparedHandle {
  return payload instanceof PreparedMessage ? payload.handle : payload;
}

function checkTopic(topic: unknown): asserts topic is string {
  if (typeof topic !== 'string') throw typeError('topic', 'a string', topic);
}

export class Topics implements TopicHub {
  readonly #environment: () => Environment;
  readonly #topics = new Map<string, Topic>();
  readonly #members = new WeakMap<OpenSession, Set<string>>();
  watcher: TopicWatcher | undefined;

  constructor(environment: () => Environment) {
    this.#environment = environment;
  }

  subscribers(topic: string): number {
    checkTopic(topic);
    return this.#topics.get(topic)?.subscribers ?? 0;
  }

  subscribe(member: OpenSession, topic: string): boolean {
    checkTopic(topic);
    const { connection } = member;
    if (member.readyState !== OPEN || !connection?.id) return false;
    let topics = this.#members.get(member);
    if (topics === undefined) this.#members.set(member, (topics = new Set()));
    if (topics.has(topic)) return false;
    topics.add(topic);
    let found = this.#topics.get(topic);
    const isFirst = found === undefined;
    if (found === undefined) {
      found = { id: numbers.take(), subscribers: 0 };
      this.#topics.set(topic, found);
    }
    found.subscribers += 1;
    const { addon, dispatcher } = this.#environment();
    addon.subscribe(connection.id, found.id);
    dispatcher.queuedForMany(0);
    if (isFirst) this.watcher?.first(topic);
    return true;
  }

  unsubscribe(member: OpenSession, topic: string): boolean {
    checkTopic(topic);
    const topics = this.#members.get(member);
    if (!topics?.delete(topic)) return false;
    const { connection } = member;
    if (connection?.id) {
      const { addon, dispatcher } = this.#environment();
      addon.unsubscribe(connection.id, (this.#topics.get(topic) as Topic).id);
      dispatcher.queuedForMany(0);
    }
    this.#drop(topic);
    return true;
  }

  #drop(topic: string): void {
    const found = this.#topics.get(topic) as Topic;
    found.subscribers -= 1;
    if (found.subscribers > 0) return;
    this.#topics.delete(topic);
    numbers.giveBack(found.id);
    this.watcher?.last(topic);
  }

  isSubscribed(member: OpenSession, topic: string): boolean {
    checkTopic(topic);
    return this.#members.get(member)?.has(topic) ?? false;
  }

  topicsOf(member: OpenSession): string[] {
    return [...(this.#members.get(member) ?? [])];
  }

  /** In the engine its end has ended them all. */
  leave(member: OpenSession): void {
    const topics = this.#members.get(member);
    if (topics === undefined) return;
    this.#members.delete(member);
    for (const topic of topics) this.#drop(topic);
  }

  publish(
    topic: string,
    data: unknown,
    options: PublishOptions | undefined,
    except: OpenSession | undefined,
  ): number {
    checkTopic(topic);
    const message = messageOf(data, options);
    const { watcher } = this;
    // The engine, which looks at it otherwise, does not see it.
    if (watcher !== undefined && !this.#topics.has(topic)) checkText(message);
    const count = this.deliver(topic, message, except);
    watcher?.published(topic, message);
    return count;
  }

  /** To those who are here, and no further. */
  deliver(topic: string, message: Message, except?: OpenSession): number {
    const found = this.#topics.get(topic);
    if (found === undefined) return 0;
    const isMember = except !== undefined && this.isSubscribed(except, topic);
    const { addon, dispatcher } = this.#environment();
    const from = isMember ? (except.connection?.id ?? 0) : 0;
    const { id, subscribers } = found;
    checkPublished(addon.publish(id, dataOf(message), message.flags, from, subscribers));
    dispatcher.queuedForMany(sizeOf(message));
    return found.subscribers - (isMember ? 1 : 0);
  }

  /** To the members named. */
  publishTo(
    members: Iterable<OpenSession>,
    data: unknown,
    options: PublishOptions | undefined,
  ): number {
    const message = messageOf(data, options);
    const ids: number[] = [];
    for (const { readyState, connection } of members) {
      if (readyState === OPEN && connection?.id) ids.push(connection.id);
    }
    if (ids.length === 0) return 0;
    const { addon, dispatcher } = this.#environment();
    checkPublished(addon.publishTo(Int32Array.from(ids), dataOf(message), message.flags));
    dispatcher.queuedForMany(sizeOf(message));
    return ids.length;
  }
}
