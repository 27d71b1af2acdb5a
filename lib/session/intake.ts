/**
 * What comes in of one socket, between its connection and its listeners: held back for as long as there is a reason,
 * in the form that `binaryType` asks for, and, while a loop runs over the messages, queued for it.
 */
import type { Connection } from '../addon/connection';
import type { MessageData } from './events';
import { MessageQueue } from './message-queue';
import type { BinaryType } from './types';
import { setImmediate } from '../base/runtime';

/** Why nothing is handed over; a set, since each has its own end. */
export const enum Hold {
  /** pause() */
  User = 1,
  /** The loop over messages is slower than they come, or was left. */
  Queue = 2,
  /** Nobody has had a chance to listen yet. */
  Fresh = 4,
  /** One event a turn. */
  Turn = 8,
}

export interface IntakeOwner {
  /** The one there is, if any; the reasons outlive it. */
  readonly connection: Connection | undefined;
}

export class Intake {
  binaryType: BinaryType;
  readonly #owner: IntakeOwner;
  #reasons = 0;
  /** The connection has ended, or is about to: pause() holds nothing back any more. */
  #ending = false;
  #queue: MessageQueue<MessageData> | undefined;
  #end: End | undefined;
  /** The message that a loop has just had as a string. */
  #known: { value: unknown; text: string } | undefined;

  constructor(binaryType: BinaryType, owner: IntakeOwner) {
    this.binaryType = binaryType;
    this.#owner = owner;
  }

  // ---- Holding back

  get isHeld(): boolean {
    return (this.#ending ? this.#reasons & ~Hold.User : this.#reasons) !== 0;
  }

  get isHeldByUser(): boolean {
    return (this.#reasons & Hold.User) !== 0;
  }

  hold(why: Hold, on: boolean): void {
    const before = this.isHeld;
    this.#reasons = on ? this.#reasons | why : this.#reasons & ~why;
    this.#apply(before);
  }

  /** Whether the connection there is has come to its end: what arrived before is held back by pause() no longer. */
  set isEnding(on: boolean) {
    const before = this.isHeld;
    this.#ending = on;
    this.#apply(before);
  }

  #apply(before: boolean): void {
    const after = this.isHeld;
    if (!before && after) this.#owner.connection?.pause();
    else if (before && !after) this.#owner.connection?.resume();
  }

  /** The event that is being emitted is the only one of this turn of the event loop. */
  oneATurn(): void {
    this.hold(Hold.Turn, true);
    setImmediate(() => this.hold(Hold.Turn, false));
  }

  /** Nobody has had a chance to listen: nothing comes until somebody does, or for one turn of the event loop. */
  holdForATurn(): void {
    this.hold(Hold.Fresh, true);
    setImmediate(() => this.hold(Hold.Fresh, false));
  }

  /** resume(): what a loop has left behind is dropped. */
  resume(): void {
    this.forget();
    this.hold(Hold.User, false);
  }

  // ---- The loop over messages

  iterate(): AsyncIterableIterator<MessageData> {
    if (!this.#queue) {
      this.#queue = new MessageQueue({ hold: (on) => this.hold(Hold.Queue, on) });
      if (this.#end) this.#queue.end(errorOf(this.#end));
    }
    return this.#queue.iterate();
  }

  /** Whether a loop runs over the messages. */
  get isIterated(): boolean {
    return this.#queue !== undefined && this.#queue.active;
  }

  /** A message that arrived, for the loop. */
  offer(value: MessageData, bytes: number, isBinary: boolean): void {
    if (isBinary || typeof value === 'string') this.#queue?.push(value, bytes);
    else {
      this.#known = { value, text: String(value) };
      this.#queue?.push(this.#known.text, bytes);
    }
  }

  /** A message of text as a string; made once, for loops and listeners. */
  textOf(value: unknown): string {
    const known = this.#known;
    this.#known = undefined;
    return known !== undefined && known.value === value ? known.text : String(value);
  }

  /** What no loop has taken would stand before the peer's Close frame. */
  forget(): void {
    this.#queue?.clear();
  }

  /** No more will come. */
  end(error: Error | undefined, isLost: boolean): void {
    const end = { error, isLost };
    this.#end ??= end;
    if (this.#queue) this.#queue.end(errorOf(end));
  }

  // ---- Form

  /** A binary message as `binaryType` has it. */
  convert(data: Buffer): Buffer | ArrayBuffer | Buffer[] | Blob {
    if (this.binaryType === 'nodebuffer') return data;
    switch (this.binaryType) {
      case 'arraybuffer':
        return exactBuffer(data);
      case 'fragments':
        return [data];
      case 'blob':
        return new Blob([data]);
      default:
        return data;
    }
  }
}

/** How the messages end. */
interface End {
  error: Error | undefined;
  /** Without a Close frame, and without the user's wish. */
  isLost: boolean;
}

/** What a loop throws. Made only for a loop: to make an Error is slow, it captures the stack. */
function errorOf({ error, isLost }: End): Error | undefined {
  return error ?? (isLost ? new Error('the connection was lost (1006)') : undefined);
}

/** An ArrayBuffer with nothing else in it. */
function exactBuffer(data: Buffer): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = data;
  if (byteOffset === 0 && byteLength === buffer.byteLength) return buffer as ArrayBuffer;
  return buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer;
}
