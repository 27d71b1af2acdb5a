/** When and how soon a lost connection is tried again. */
import { rangeError, typeError, unknownName } from '../options/errors';
import type { ReconnectInfo } from '../session/events';
import type { ReconnectOptions } from './types';

/** {@link ReconnectOptions} with everything filled in. */
export interface ReconnectPolicy {
  min: number;
  max: number;
  factor: number;
  jitter: number;
  attempts: number;
  keep: boolean;
  when: (info: ReconnectInfo) => boolean;
}

const LONGEST_TIMER = 2 ** 31 - 1;
const KNOWN = ['min', 'max', 'factor', 'jitter', 'attempts', 'unsent', 'when'];

function number(
  options: ReconnectOptions,
  name: 'min' | 'max' | 'factor' | 'jitter' | 'attempts',
  fallback: number,
  low: number,
  high: number,
): number {
  const value = options[name];
  const field = `options.reconnect.${name}`;
  if (value === undefined) return fallback;
  if (typeof value !== 'number') throw typeError(field, 'a number', value);
  if (!(value >= low && value <= high)) throw rangeError(field, `from ${low} to ${high}`, value);
  return value;
}

/** @throws {TypeError|RangeError} naming the member. */
export function reconnectPolicy(
  given: boolean | ReconnectOptions | undefined,
): ReconnectPolicy | undefined {
  if (given === undefined || given === false) return undefined;
  const options = given === true ? {} : given;
  if (typeof options !== 'object' || options === null) {
    throw typeError('options.reconnect', 'a boolean or an object', given);
  }
  for (const name of Object.keys(options)) {
    if (!KNOWN.includes(name)) throw unknownName('option options.reconnect', name, KNOWN);
  }
  const min = number(options, 'min', 500, 0, LONGEST_TIMER);
  const { unsent, when } = options;
  if (unsent !== undefined && unsent !== 'keep' && unsent !== 'discard') {
    throw typeError('options.reconnect.unsent', "'discard' or 'keep'", unsent);
  }
  if (when !== undefined && typeof when !== 'function') {
    throw typeError('options.reconnect.when', 'a function', when);
  }
  return {
    min,
    max: number(options, 'max', Math.max(min, 30_000), min, LONGEST_TIMER),
    factor: number(options, 'factor', 2, 1, Number.MAX_VALUE),
    jitter: number(options, 'jitter', 0.5, 0, 1),
    attempts: number(options, 'attempts', Infinity, 1, Infinity),
    keep: unsent === 'keep',
    when: when ?? worthIt,
  };
}

/** Statuses of 400 to 499 that a later try may not meet again (RFC 9110 §15.5.9, RFC 8470, RFC 6585). */
const PASSING = new Set([408, 425, 429]);

function worthIt(info: ReconnectInfo): boolean {
  if (info.code === 1000) return false;
  const status = (info.error as { status?: number } | undefined)?.status ?? 0;
  return status < 400 || status > 499 || PASSING.has(status);
}

/**
 * The wait before an attempt (1, 2, …) in ms: `min * factor^(attempt - 1)`, at most `max`, of which the part
 * `jitter` is random. `random` is from 0 to 1.
 */
export function delayBefore(
  policy: ReconnectPolicy,
  attempt: number,
  random = Math.random(),
): number {
  const full = Math.min(policy.max, policy.min * policy.factor ** (attempt - 1));
  return Math.round(full * (1 - policy.jitter * random));
}
