/**
 * `_sender`, as far as programs use ws's: socket.io makes one frame of a message to many (`Sender.frame()`), and gives
 * it to each socket.
 */
import { stateError } from '../options/errors';
import { isText } from '../session/payload';
import { prepare, type PreparedMessage } from '../session/prepared';
import type { SendOptions } from '../session/types';

/** What it sends by. */
interface FrameTarget {
  readonly bufferedAmount: number;
  send(data: PreparedMessage, callback?: (error?: Error) => void): boolean;
  send(data: Buffer, options: SendOptions, callback?: (error?: Error) => void): boolean;
  ping(data: Buffer, mask: boolean | undefined, callback?: (error: Error) => void): void;
  pong(data: Buffer, mask: boolean | undefined, callback?: (error: Error) => void): void;
}

const enum Opcode {
  Text = 1,
  Binary = 2,
  Ping = 9,
  Pong = 10,
}

/** Where the payload begins (RFC 6455 §5.2). */
function headerLength(frame: Buffer): number {
  const length = (frame[1] as number) & 0x7f;
  const masked = (frame[1] as number) & 0x80;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (masked ? 4 : 0);
}

function payloadOf(frame: Buffer): Buffer {
  const start = headerLength(frame);
  const payload = frame.subarray(start);
  if (((frame[1] as number) & 0x80) === 0) return payload;
  const key = frame.subarray(start - 4, start);
  return payload.map((byte, i) => byte ^ (key[i & 3] as number)) as Buffer;
}

/** A list that frames were sent from, and the message that stands for it. */
interface Known {
  /** The frame when that was made. */
  frame: Buffer;
  message: PreparedMessage;
}

/** Whoever sends one frame to many gives the same list each time. */
const known = new WeakMap<readonly Uint8Array[], Known>();

/** Whether the list holds these bytes. */
function holds(list: readonly Uint8Array[], frame: Buffer): boolean {
  let at = 0;
  for (const part of list) {
    const end = at + part.length;
    if (end > frame.length || frame.compare(part, 0, part.length, at, end) !== 0) return false;
    at = end;
  }
  return at === frame.length;
}

/** The message of a list, for as long as its bytes are not changed; undefined for text that is none. */
function messageOf(
  list: readonly Uint8Array[],
  frame: Buffer,
  binary: boolean,
): PreparedMessage | undefined {
  const payload = payloadOf(frame);
  if (!binary && !isText(payload)) return undefined;
  const message = prepare(payload, { binary, compress: false });
  known.set(list, { frame, message });
  return message;
}

export class FrameSender {
  constructor(private readonly socket: FrameTarget) {}

  /** Bytes that wait. */
  get _bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  /**
   * Sends what is in a whole frame. Sockets that are given the same list share its bytes.
   *
   * @param list its parts, as Sender.frame() makes them; uncompressed.
   * @throws Error ERR_FEATURE_UNAVAILABLE for a frame that is part of a message, compressed, or a Close frame.
   */
  sendFrame(list: readonly Uint8Array[], callback?: (error?: Error) => void): void {
    const { socket } = this;
    const before = known.get(list);
    if (before && holds(list, before.frame)) {
      socket.send(before.message, callback);
      return;
    }
    const frame = Buffer.concat(list);
    const first = frame[0] as number;
    const opcode = first & 0x0f;
    const whole = (first & 0xf0) === 0x80;
    if (whole && (opcode === Opcode.Text || opcode === Opcode.Binary)) {
      const binary = opcode === Opcode.Binary;
      const message = messageOf(list, frame, binary);
      if (message) socket.send(message, callback);
      else socket.send(payloadOf(frame), { binary, compress: false }, callback);
    } else if (whole && opcode === Opcode.Ping) socket.ping(payloadOf(frame), undefined, callback);
    else if (whole && opcode === Opcode.Pong) socket.pong(payloadOf(frame), undefined, callback);
    else {
      throw stateError(
        'ERR_FEATURE_UNAVAILABLE',
        `sendFrame() takes whole, uncompressed frames of data, ping or pong; this one begins with 0x${first.toString(16)}`,
      );
    }
  }
}
