/** Header fields of the request: RFC 9110 §5, and what the handshake owns. */
import { show, typeError, unknownName, valueError, withCode } from './errors';

/** RFC 9110 §5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
/** RFC 9110 §5.5: visible characters, space, tab, and the obsolete upper half of Latin-1. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

export function isToken(text: string): boolean {
  return TOKEN.test(text);
}

/** Fields that the handshake writes itself, and what to use instead. */
const OWNED: ReadonlyMap<string, string> = new Map([
  ['upgrade', 'the handshake writes it'],
  ['connection', 'the handshake writes it'],
  ['sec-websocket-key', 'the handshake writes it'],
  ['sec-websocket-version', 'the handshake writes it'],
  ['sec-websocket-accept', 'only servers send it'],
  ['sec-websocket-protocol', 'use the option protocols'],
  ['sec-websocket-extensions', 'use the option perMessageDeflate'],
  ['content-length', 'the request has no body'],
  ['transfer-encoding', 'the request has no body'],
  ['te', 'the request has no body'],
  ['trailer', 'the request has no body'],
]);

/** What may be given: an object, pairs, a Map or a Headers. */
export type HeadersInput =
  | Readonly<Record<string, string | number | readonly string[] | undefined>>
  | Iterable<readonly [string, string]>;

export interface CheckedHeaders {
  /** "Name: value" each. */
  lines: string[];
  /** The Host header, if one was given; it is not among the lines. */
  host?: string;
  hasAuthorization: boolean;
  hasOrigin: boolean;
}

/**
 * Checks header fields.
 *
 * @throws TypeError naming the field: a name that is no token, a value with line ends or other control characters or
 *   characters above U+00FF, a field of the handshake, the same name twice in different case.
 */
export function checkHeaders(input: unknown, field = 'headers'): CheckedHeaders {
  const result: CheckedHeaders = { lines: [], hasAuthorization: false, hasOrigin: false };
  if (input === undefined || input === null) return result;
  if (typeof input !== 'object') throw typeError(field, 'an object', input);
  const names = new Map<string, string>();
  const pairs: Iterable<[string, unknown]> =
    Symbol.iterator in input ? pairsOf(field, input as Iterable<unknown>) : Object.entries(input);
  for (const [name, value] of pairs) {
    if (value === undefined) continue;
    if (!isToken(name)) throw valueError(field, name, 'is not a header name (RFC 9110 §5.6.2)');
    const lower = name.toLowerCase();
    const instead = OWNED.get(lower);
    if (instead !== undefined) {
      throw withCode(
        new TypeError(`${field} cannot set ${show(name)}: ${instead}`),
        'ERR_UNSUPPORTED_OPTION',
        { field: `${field}.${name}` },
      );
    }
    const earlier = names.get(lower);
    if (earlier !== undefined) {
      throw valueError(field, name, `is given twice (${show(earlier)}); give an array of values`);
    }
    names.set(lower, name);
    addField(result, field, name, lower, value);
  }
  return result;
}

function* pairsOf(field: string, input: Iterable<unknown>): Generator<[string, unknown]> {
  for (const pair of input) {
    if (!Array.isArray(pair) || pair.length !== 2 || typeof pair[0] !== 'string') {
      throw typeError(field, 'an object, or an iterable of [name, value]', input);
    }
    yield [pair[0], pair[1] as unknown];
  }
}

function addField(
  result: CheckedHeaders,
  field: string,
  name: string,
  lower: string,
  value: unknown,
): void {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  const texts = values.map((one) => checkValue(`${field}.${name}`, one));
  if (lower === 'host') {
    if (texts.length !== 1) throw valueError(`${field}.${name}`, value, 'must be one value');
    result.host = texts[0];
    return;
  }
  if (lower === 'authorization') result.hasAuthorization = true;
  if (lower === 'origin') result.hasOrigin = true;
  // RFC 6265 §5.4: one Cookie field only. Everything else may be repeated.
  if (lower === 'cookie') result.lines.push(`${name}: ${texts.join('; ')}`);
  else for (const text of texts) result.lines.push(`${name}: ${text}`);
}

/** Checks one value of a field and takes the white space off its ends. */
export function checkValue(field: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw typeError(field, 'a string', value);
  }
  const text = String(value);
  if (!VALUE.test(text)) {
    // The value may be a credential: the message says what is wrong, not what it is.
    throw withCode(
      new TypeError(
        `${field} contains ${/[\r\n]/.test(text) ? 'a line end' : 'a character that no header may contain'}`,
      ),
      'ERR_INVALID_ARG_VALUE',
      { field },
    );
  }
  return text.replace(/^[ \t]+|[ \t]+$/g, '');
}

/**
 * Checks the subprotocols offered (RFC 6455 §4.1: tokens, each once).
 *
 * @param input a string (one, or a comma-separated list as in the header), or an iterable of strings.
 * @throws TypeError if it is something else; SyntaxError for what is no token, or given twice.
 */
export function checkProtocols(input: unknown, field = 'protocols'): string[] {
  if (input === undefined || input === null) return [];
  let list: unknown[];
  if (typeof input === 'string') list = [input];
  else if (typeof input === 'object' && Symbol.iterator in input) {
    list = [...(input as Iterable<unknown>)];
  } else throw typeError(field, 'a string or an array of strings', input);

  const seen = new Set<string>();
  for (const protocol of list) {
    if (typeof protocol !== 'string') {
      throw typeError(field, 'a string or an array of strings', input);
    }
    if (!isToken(protocol)) {
      throw withCode(
        new SyntaxError(`${field}: ${show(protocol)} is not a subprotocol name (RFC 6455 §4.1)`),
        'ERR_INVALID_ARG_VALUE',
        { field },
      );
    }
    if (seen.has(protocol)) {
      throw withCode(
        new SyntaxError(`${field}: ${show(protocol)} is given twice (RFC 6455 §4.1)`),
        'ERR_INVALID_ARG_VALUE',
        { field },
      );
    }
    seen.add(protocol);
  }
  return [...seen];
}

/** Refuses names that are not known. */
export function checkKnown(what: string, input: object, known: ReadonlySet<string>): void {
  for (const name of Object.keys(input)) {
    if (!known.has(name)) throw unknownName(what, name, known);
  }
}
