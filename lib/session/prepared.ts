/** Messages for many: what is published, and what is made once to be sent by many sockets. */
import { SendFlag, SendResult, type Bytes, type PreparedHandle } from '../addon/contract';
import { environment } from '../addon/environment';
import { typeError, valueError } from '../options/errors';
import { invalidUtf8, notSent, sendLimit } from './errors';
import { toPayload } from './payload';
import type { PublishOptions, Sendable } from './types';

/** Largest message, in bytes. */
const LARGEST = 1024 ** 3;

/** A message for many. */
export interface Message {
  payload: string | Bytes | PreparedMessage;
  /** Of SendFlag. */
  flags: number;
}

/** @throws Error, TypeError for what cannot be sent. */
export function checkPublished(result: SendResult): void {
  if (result === SendResult.InvalidUtf8) throw invalidUtf8();
  if (result === SendResult.Limit) throw sendLimit(LARGEST);
  if (result === SendResult.NoMemory) throw notSent('there is no memory for the message');
  // Closed: there is no engine, and so nobody who subscribes.
}

/** Options of send() or publish() that say what a message is, given with one that is made already. */
const SETTLED = ['binary', 'compress', 'fin', 'mask'] as const;

/** @throws TypeError for options that came with a message which has its own. */
export function checkUnsettled(options: object | undefined): void {
  const given = (options ?? {}) as Record<string, unknown>;
  for (const name of SETTLED) {
    if (given[name] !== undefined) {
      throw valueError(
        `options.${name}`,
        given[name],
        'is for prepare(), not for what it has made',
      );
    }
  }
}

/** @throws TypeError for a Blob, which would have to be read first, and for options that a PreparedMessage has. */
export function messageOf(data: unknown, options: PublishOptions | undefined): Message {
  if (data instanceof PreparedMessage) {
    checkUnsettled(options);
    return { payload: data, flags: data.flags };
  }
  const payload = toPayload(data);
  if (payload instanceof Blob) throw typeError('data', 'a string or bytes', data);
  const { binary = typeof payload !== 'string', compress = true } = options ?? {};
  let flags: number = binary ? SendFlag.Binary : SendFlag.Text;
  if (!compress) flags |= SendFlag.NoCompress;
  return { payload, flags };
}

/** What publish() and broadcast() take. */
export type Publishable = Exclude<Sendable, Blob> | PreparedMessage;

/** What {@link prepare} makes. It does not change, and can be sent any number of times. */
export class PreparedMessage {
  /** @internal */
  readonly handle: PreparedHandle;
  /** Of SendFlag. @internal */
  readonly flags: number;
  /** Its payload, in bytes. */
  readonly byteLength: number;

  /** @internal */
  constructor(data: unknown, options: PublishOptions | undefined) {
    const { payload, flags } = messageOf(data, options);
    if (payload instanceof PreparedMessage) throw typeError('data', 'a string or bytes', data);
    const { addon } = environment();
    const made = addon.prepare(payload, flags);
    if (typeof made === 'number') checkPublished(made);
    this.handle = made as PreparedHandle;
    this.flags = flags;
    this.byteLength = addon.preparedSize(this.handle);
  }

  /** Whether it is sent as a binary message. */
  get isBinary(): boolean {
    return (this.flags & SendFlag.Binary) !== 0;
  }

  /** A copy of its payload. @internal */
  bytes(): Buffer {
    return environment().addon.preparedPayload(this.handle);
  }
}

/**
 * Makes a message that is sent to many, one by one: send(), publish() and broadcast() take it in place of data. It is
 * copied and framed here, once, and compressed at most once for each set of parameters among the sockets of servers,
 * which share these bytes. To one socket, `send()` is as good.
 *
 * A server's socket that compresses does so as with publish(): from its `threshold` on, and from an empty window.
 * Sockets of clients mask what they send, each with keys of its own: for them it saves only the conversion of text, and
 * is sent, compressed too, as its data would be.
 *
 * @param data as send() takes it, but no Blob; bytes are copied.
 * @param options `binary`, by default false for strings and numbers, else true; `compress`, by default true. They
 *   belong to the message: send() and publish() take neither with it.
 * @throws TypeError for a Blob, and for bytes that are to be text and are not UTF-8; Error ERR_SEND_LIMIT for more than
 *   1 GiB.
 * @example
 * const news = prepare(JSON.stringify({ temperature: 21 }));
 * for (const socket of server.clients) if (wantsNews(socket)) socket.send(news);
 */
export function prepare(data: Exclude<Sendable, Blob>, options?: PublishOptions): PreparedMessage {
  return new PreparedMessage(data, options);
}
