/**
 * WebSocket frames made and read by hand (RFC 6455 §5.2): nothing here checks that a frame is allowed, so that
 * tests can send what must not be sent.
 */

export const Opcode = { Continuation: 0, Text: 1, Binary: 2, Close: 8, Ping: 9, Pong: 10 } as const;

export interface FrameOptions {
  fin?: boolean;
  /** RSV1 to RSV3 as the bits 4, 2, 1. */
  rsv?: number;
  opcode: number;
  payload?: Buffer | string;
  /** A masking key: servers must not send one. */
  mask?: Buffer;
  /** Writes the length in 16 (126) or 64 (127) bits although fewer would do. */
  lengthForm?: 126 | 127;
  /** Claims another length than the payload's. */
  claimedLength?: bigint;
}

/** A frame's bytes. */
export function frame(options: FrameOptions): Buffer {
  const { fin = true, rsv = 0, opcode, mask } = options;
  const payload =
    typeof options.payload === 'string'
      ? Buffer.from(options.payload)
      : (options.payload ?? Buffer.alloc(0));
  const length = options.claimedLength ?? BigInt(payload.length);
  const form =
    options.lengthForm ?? (length > 0xffffn ? 127 : length > 125n ? 126 : Number(length));
  const extended = form === 127 ? 8 : form === 126 ? 2 : 0;
  const header = Buffer.alloc(2 + extended);
  header[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  header[1] = (mask ? 0x80 : 0) | form;
  if (form === 127) header.writeBigUInt64BE(length, 2);
  else if (form === 126) header.writeUInt16BE(Number(length), 2);
  if (!mask) return Buffer.concat([header, payload]);
  const masked = Buffer.from(payload);
  applyMask(masked, mask);
  return Buffer.concat([header, mask, masked]);
}

export function text(payload: string | Buffer, options: Partial<FrameOptions> = {}): Buffer {
  return frame({ opcode: Opcode.Text, payload, ...options });
}

export function binary(payload: Buffer, options: Partial<FrameOptions> = {}): Buffer {
  return frame({ opcode: Opcode.Binary, payload, ...options });
}

export function continuation(
  payload: string | Buffer,
  options: Partial<FrameOptions> = {},
): Buffer {
  return frame({ opcode: Opcode.Continuation, payload, ...options });
}

export function ping(payload: string | Buffer = '', options: Partial<FrameOptions> = {}): Buffer {
  return frame({ opcode: Opcode.Ping, payload, ...options });
}

export function pong(payload: string | Buffer = '', options: Partial<FrameOptions> = {}): Buffer {
  return frame({ opcode: Opcode.Pong, payload, ...options });
}

/** A Close frame; without a code its payload is empty. */
export function close(
  code?: number,
  reason: string | Buffer = '',
  options: Partial<FrameOptions> = {},
): Buffer {
  return frame({ opcode: Opcode.Close, payload: closePayload(code, reason), ...options });
}

export function closePayload(code?: number, reason: string | Buffer = ''): Buffer {
  if (code === undefined) return Buffer.alloc(0);
  const head = Buffer.alloc(2);
  head.writeUInt16BE(code);
  return Buffer.concat([head, Buffer.from(reason as string)]);
}

/** Masks or unmasks in place. */
export function applyMask(data: Buffer, mask: Buffer): void {
  for (let i = 0; i < data.length; ++i) data[i] = (data[i] as number) ^ (mask[i & 3] as number);
}

/** A frame as it was on the wire, its payload unmasked. */
export interface Frame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  mask: Buffer;
  payload: Buffer;
  /** Close frames: the code, or undefined for an empty payload. */
  closeCode?: number;
  /** Bytes on the wire. */
  size: number;
}

/** Bytes on the wire of the frame that begins so; 0 if its header is not complete. */
export function frameSize(bytes: Buffer): number {
  if (bytes.length < 2) return 0;
  const second = bytes[1] as number;
  const mask = second & 0x80 ? 4 : 0;
  const length = second & 0x7f;
  if (length < 126) return 2 + mask + length;
  if (length === 126) return bytes.length < 4 ? 0 : 4 + mask + bytes.readUInt16BE(2);
  return bytes.length < 10 ? 0 : 10 + mask + Number(bytes.readBigUInt64BE(2));
}

/** The first frame in the bytes, or undefined if it is not complete. */
export function parseFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const first = bytes[0] as number;
  const second = bytes[1] as number;
  let length = second & 0x7f;
  let offset = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    offset = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    offset = 10;
  }
  const masked = (second & 0x80) !== 0;
  const maskOffset = offset;
  if (masked) offset += 4;
  if (bytes.length < offset + length) return undefined;
  const mask = Buffer.from(bytes.subarray(maskOffset, offset));
  const payload = Buffer.from(bytes.subarray(offset, offset + length));
  if (masked) applyMask(payload, mask);
  const result: Frame = {
    fin: (first & 0x80) !== 0,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    masked,
    mask,
    payload,
    size: offset + length,
  };
  if (result.opcode === Opcode.Close && payload.length >= 2)
    result.closeCode = payload.readUInt16BE(0);
  return result;
}
