/** Small checks of single values. Each throws an error that names the field, and returns the value. */
import { rangeError, show, typeError, valueError } from './errors';
import type { Bytes } from '../addon/contract';

/** The longest time a timer can run, in ms. */
export const MAX_DELAY = 0x7fffffff;

export function checkInteger(field: string, value: unknown, min: number, max: number): number {
  if (typeof value !== 'number') throw typeError(field, 'a number', value);
  if (!Number.isInteger(value) || value < min || value > max) {
    throw rangeError(field, `an integer from ${min} to ${max}`, value);
  }
  return value;
}

/** A time in ms; 0 turns it off where the field says so. Fractions are rounded up. */
export function checkDelay(field: string, value: unknown, min = 0): number {
  if (typeof value !== 'number') throw typeError(field, 'a number of milliseconds', value);
  if (!(value >= min && value <= MAX_DELAY)) {
    throw rangeError(field, `from ${min} to ${MAX_DELAY} milliseconds`, value);
  }
  return Math.ceil(value);
}

export function checkBoolean(field: string, value: unknown): boolean {
  if (typeof value !== 'boolean') throw typeError(field, 'a boolean', value);
  return value;
}

export function checkString(field: string, value: unknown): string {
  if (typeof value !== 'string') throw typeError(field, 'a string', value);
  return value;
}

/** A string that will be handed to the system: not empty, no NUL. */
export function checkPath(field: string, value: unknown): string {
  const text = checkString(field, value);
  if (text === '') throw valueError(field, text, 'is empty');
  if (text.includes('\0')) throw valueError(field, text, 'contains a NUL');
  return text;
}

export function checkFunction<T>(field: string, value: T): T {
  if (typeof value !== 'function') throw typeError(field, 'a function', value);
  return value;
}

export function checkObject(field: string, value: unknown): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw typeError(field, 'an object', value);
  }
  return value as Record<string, unknown>;
}

export function checkOneOf<T extends string | number>(
  field: string,
  value: unknown,
  known: readonly T[],
): T {
  if (!known.includes(value as T)) {
    throw valueError(field, value, `is not one of ${known.map(show).join(', ')}`);
  }
  return value as T;
}

/** Whether a value is bytes as they can be sent. */
export function isBytes(value: unknown): value is Bytes {
  return (
    ArrayBuffer.isView(value) ||
    value instanceof ArrayBuffer ||
    value instanceof SharedArrayBuffer ||
    // From another realm (a vm context, a test runner's sandbox).
    /^\[object (Shared)?ArrayBuffer\]$/.test(Object.prototype.toString.call(value))
  );
}
