/** Messages as users give them, and as the addon takes them. */
import type { Bytes } from '../addon/contract';
import { isBytes } from '../options/checks';

const EMPTY = Buffer.alloc(0);

/** ws takes numbers, null, arrays and objects with valueOf() as well: what `Buffer.from` makes bytes of. */
export function toPayload(data: unknown): string | Bytes | Blob {
  if (typeof data === 'string' || ArrayBuffer.isView(data) || data instanceof Blob) return data;
  // A view, since the addon takes no SharedArrayBuffer as such; and those of other realms.
  if (isBytes(data))
    return data instanceof ArrayBuffer ? data : Buffer.from(data as unknown as ArrayBuffer);
  if (typeof data === 'number') return String(data);
  if (data === null || data === undefined || data === false) return EMPTY;
  return Buffer.from(data as Uint8Array);
}

export function byteLength(data: string | Bytes | Blob): number {
  if (typeof data === 'string') return Buffer.byteLength(data);
  return data instanceof Blob ? data.size : data.byteLength;
}

/** Whether they are UTF-8. */
export function isText(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return true;
  } catch {
    return false;
  }
}

/** The bytes may be changed by their owner before they are used. */
export function snapshot(data: string | Bytes): string | Bytes {
  if (typeof data === 'string') return data;
  if (ArrayBuffer.isView(data)) {
    return Buffer.from(Buffer.from(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength));
  }
  return Buffer.from(Buffer.from(data as ArrayBuffer));
}
