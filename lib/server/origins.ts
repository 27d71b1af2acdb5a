/** Which pages may connect: the `origins` option of a server. */
import type { IncomingMessage } from 'node:http';
import { typeError, valueError } from '../options/errors';

/**
 * Origins that are accepted: a list of origins as browsers send them ('https://example.com'), and of patterns, which
 * must match the whole of one; or a function, which is to return true.
 */
export type Origins =
  | readonly (string | RegExp)[]
  | ((origin: string | undefined, request: IncomingMessage) => boolean);

/** What a browser may send as an origin: 'null', or a scheme with a host (RFC 6454 §6.2). */
const SERIALIZED = /^(?:null|[a-z][a-z0-9+.-]*:\/\/[^\s/?#@,]+)$/;

/** The origin that was meant, if it can be told. */
function meant(text: string): string | undefined {
  try {
    const { origin } = new URL(text);
    return origin === 'null' || origin === text ? undefined : origin;
  } catch {
    return undefined;
  }
}

/** @throws TypeError for what no browser can send, and would never match. */
export function checkOrigins(origins: unknown): void {
  if (origins === undefined || origins === null || typeof origins === 'function') return;
  if (!Array.isArray(origins)) {
    throw typeError('options.origins', 'an array of strings and RegExps, or a function', origins);
  }
  origins.forEach((one: unknown, index) => {
    const field = `options.origins[${index}]`;
    if (one instanceof RegExp) return;
    if (typeof one !== 'string') throw typeError(field, 'a string or a RegExp', one);
    const right = meant(one);
    if (right !== undefined) throw valueError(field, one, `is no origin; write '${right}'`);
    if (!SERIALIZED.test(one)) {
      throw valueError(field, one, "is no origin, as 'https://example.com' is one");
    }
  });
}

const wholes = new WeakMap<RegExp, RegExp>();

/**
 * The pattern, to match a whole origin: /example\.com/ must not let evil-example.com in, nor may the `lastIndex` of a
 * global pattern change from one request to the next.
 */
function whole(pattern: RegExp): RegExp {
  let made = wholes.get(pattern);
  if (made === undefined) {
    made = new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace(/[gmy]/g, ''));
    wholes.set(pattern, made);
  }
  return made;
}

/** Whether a request's origin is among those. A request without one is not, unless a function says so. */
export function isAllowed(
  origins: Origins,
  origin: string | undefined,
  request: IncomingMessage,
): boolean {
  // A promise is no answer.
  if (typeof origins === 'function') return origins(origin, request) === true;
  if (origin === undefined) return false;
  return origins.some((one) =>
    typeof one === 'string' ? one === origin : whole(one).test(origin),
  );
}
