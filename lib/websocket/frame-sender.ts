/**
 * `_sender`, as far as programs use ws's: socket.io makes one frame of a message to many (`Sender.frame()`), and gives
 * it to each socket.
 */
import { stateError } from '../options/errors';
import type { SendOptions } from '../session/types';

/** What it sends by. */
interface FrameTarget {
  readonly bufferedAmount: number;
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

export class FrameSender {
  constructor(private readonly socket: FrameTarget) {}

  /** Bytes that wait. */
  get _bufferedBytes(): number {
    return this.socket.bufferedAmount;
  }

  /**
   * Sends what is in a whole frame.
   *
   * @param list its parts, as Sender.frame() makes them; uncompressed.
   * @throws Error ERR_FEATURE_UNAVAILABLE for a frame that is part of a message, compressed, or a Close frame.
   */
  sendFrame(list: readonly Uint8Array[], callback?: (error?: Error) => void): void {
    const frame = Buffer.concat(list);
    const first = frame[0] as number;
    const opcode = first & 0x0f;
    const whole = (first & 0xf0) === 0x80;
    const { socket } = this;
    if (whole && (opcode === Opcode.Text || opcode === Opcode.Binary)) {
      const options = { binary: opcode === Opcode.Binary, compress: false };
      socket.send(payloadOf(frame), options, callback);
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
