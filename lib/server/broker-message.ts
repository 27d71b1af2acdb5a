/**
 * A publication as brokers carry it: one byte of version, one of flags, twelve of origin, four of epoch, and the
 * payload. Whoever changes it raises the version; what has another one is refused.
 */
import { SendFlag, type Bytes } from '../addon/contract';
import { withCode } from '../options/errors';
import { PreparedMessage, type Message } from '../session/prepared';

export const ORIGIN_SIZE = 12;

const VERSION = 1;
const EPOCH = 2 + ORIGIN_SIZE;
const HEADER = EPOCH + 4;

const enum Flag {
  Binary = 1,
  NoCompress = 2,
}
const KNOWN = Flag.Binary | Flag.NoCompress;

export interface Carried extends Message {
  payload: Uint8Array;
  /** Which server published it. */
  origin: Buffer;
  /** How often that server had lost touch with the broker before. */
  epoch: number;
}

function bytesOf(payload: string | Bytes | PreparedMessage): Buffer {
  if (payload instanceof PreparedMessage) return payload.bytes();
  if (typeof payload === 'string') return Buffer.from(payload);
  if (!ArrayBuffer.isView(payload)) return Buffer.from(payload);
  return Buffer.from(payload.buffer as ArrayBuffer, payload.byteOffset, payload.byteLength);
}

/**
 * @param origin of ORIGIN_SIZE bytes.
 * @param epoch counts modulo 2^32.
 */
export function encode(origin: Uint8Array, epoch: number, { payload, flags }: Message): Buffer {
  const bytes = bytesOf(payload);
  const result = Buffer.allocUnsafe(HEADER + bytes.length);
  result[0] = VERSION;
  result[1] =
    (flags & SendFlag.Binary ? Flag.Binary : 0) |
    (flags & SendFlag.NoCompress ? Flag.NoCompress : 0);
  result.set(origin, 2);
  result.writeUInt32BE(epoch >>> 0, EPOCH);
  result.set(bytes, HEADER);
  return result;
}

/** Bytes of payload in what {@link encode} has made. */
export function payloadLength(encoded: Uint8Array): number {
  return encoded.length - HEADER;
}

/** @throws Error ERR_BROKER_MESSAGE for what no server of this version has published. */
export function decode(message: Uint8Array): Carried {
  const bytes = Buffer.from(message.buffer, message.byteOffset, message.byteLength);
  const [version, flags = 0] = bytes;
  if (bytes.length < HEADER || version !== VERSION || flags & ~KNOWN) {
    throw withCode(
      new Error('a message of the broker is none that this version of verawebsockets publishes'),
      'ERR_BROKER_MESSAGE',
    );
  }
  let send: number = flags & Flag.Binary ? SendFlag.Binary : SendFlag.Text;
  if (flags & Flag.NoCompress) send |= SendFlag.NoCompress;
  return {
    payload: bytes.subarray(HEADER),
    flags: send,
    origin: bytes.subarray(2, EPOCH),
    epoch: bytes.readUInt32BE(EPOCH),
  };
}
