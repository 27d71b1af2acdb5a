/** What close() takes: RFC 6455 §7.4. The words are ws's. */
import { types } from 'node:util';

/** @throws TypeError or RangeError for what no Close frame may carry. */
export function checkCloseArguments(
  code: number | undefined,
  reason: string | Uint8Array | undefined,
): void {
  if (code === undefined) return;
  if (typeof code !== 'number' || !isCloseCode(code)) {
    throw new TypeError('First argument must be a valid error code number');
  }
  if (reason === undefined || reason === null || reason.length === 0) return;
  if (typeof reason !== 'string' && !types.isUint8Array(reason)) {
    throw new TypeError('Second argument must be a string or a Uint8Array');
  }
  if (Buffer.byteLength(reason) > 123) {
    throw new RangeError('The message must not be greater than 123 bytes');
  }
}

function isCloseCode(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (
    (code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) ||
    (code >= 3000 && code <= 4999)
  );
}
