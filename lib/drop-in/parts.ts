/** The classes of ws's module that a program may name though a connection of ours does not use them. */
import { randomFillSync } from 'node:crypto';
import { stateError } from '../options/errors';

/** What {@link Sender.frame} takes, by ws's names. */
export interface FrameOptions {
  opcode: number;
  fin?: boolean | undefined;
  rsv1?: boolean | undefined;
  /** Mask the payload, as a client must. */
  mask?: boolean | undefined;
  /** The payload is not to be changed: a masked copy is made. Otherwise it is masked where it is. */
  readOnly?: boolean | undefined;
  /** Takes the masking key: four bytes. */
  maskBuffer?: Buffer | undefined;
  /** Writes the masking key. Default: random bytes. */
  generateMask?: ((mask: Buffer) => void) | undefined;
}

function unavailable(name: string, instead: string): Error {
  return stateError(
    'ERR_FEATURE_UNAVAILABLE',
    `verawebsockets has no ${name} to construct: ${instead}`,
  );
}

function maskingKey({ maskBuffer, generateMask }: FrameOptions): Buffer {
  const key = maskBuffer ?? Buffer.allocUnsafe(4);
  if (generateMask) generateMask(key);
  else randomFillSync(key, 0, 4);
  return key;
}

function mask(source: Uint8Array, key: Uint8Array, target: Uint8Array, offset: number): void {
  for (let i = 0; i < source.length; i++) {
    target[offset + i] = (source[i] as number) ^ (key[i & 3] as number);
  }
}

/** Writes the length of the payload (RFC 6455 §5.2); returns where the header goes on. */
function writeLength(header: Buffer, length: number): number {
  if (length < 126) {
    header[1] = length;
    return 2;
  }
  if (length < 65_536) {
    header[1] = 126;
    return header.writeUInt16BE(length, 2);
  }
  header[1] = 127;
  return header.writeBigUInt64BE(BigInt(length), 2);
}

export class Sender {
  /** @throws Error ERR_FEATURE_UNAVAILABLE */
  constructor() {
    throw unavailable(
      'Sender',
      'frames are written by the engine; Sender.frame() makes single ones',
    );
  }

  /**
   * Makes a frame (RFC 6455 §5.2), as ws's function of this name.
   *
   * @returns the header and the payload, or one Buffer with both.
   */
  static frame(data: Uint8Array | string, options: FrameOptions): Uint8Array[] {
    const payload = typeof data === 'string' ? Buffer.from(data) : data;
    const { length } = payload;
    const key = options.mask ? maskingKey(options) : undefined;
    const hasEffect = key !== undefined && key.readUInt32LE(0) !== 0;
    const copies = hasEffect && options.readOnly === true && payload === data;
    const headerLength = 2 + (length < 126 ? 0 : length < 65_536 ? 2 : 8) + (key ? 4 : 0);
    const header = Buffer.allocUnsafe(headerLength + (copies ? length : 0));
    header[0] = options.opcode | (options.fin ? 0x80 : 0) | (options.rsv1 ? 0x40 : 0);
    const end = writeLength(header, length);
    if (key) {
      header[1] = (header[1] as number) | 0x80;
      header.set(key.subarray(0, 4), end);
    }
    if (copies) mask(payload, key, header, headerLength);
    else if (hasEffect) mask(payload, key, payload, 0);
    return copies || length === 0 ? [header] : [header, payload];
  }
}

export class Receiver {
  /** @throws Error ERR_FEATURE_UNAVAILABLE */
  constructor() {
    throw unavailable('Receiver', "frames are read by the engine; npm's ws has a Receiver");
  }
}

export class PerMessageDeflate {
  /** @throws Error ERR_FEATURE_UNAVAILABLE */
  constructor() {
    throw unavailable(
      'PerMessageDeflate',
      'the engine compresses; use the option perMessageDeflate',
    );
  }

  static get extensionName(): string {
    return 'permessage-deflate';
  }
}
