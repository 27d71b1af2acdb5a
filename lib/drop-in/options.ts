/**
 * The options of `verawebsockets/ws`, as ws treats them: what it does not know or overwrites is ignored, numbers and
 * flags are made of what is given, and an option of this library means something only in a type of its own.
 */
import { CONNECTION_OPTION_NAMES, DEFLATE_NAMES_OF_WS } from '../options/connection-options';
import { isHarmless, OWN_OPTIONS, STREAM_OPTIONS } from '../client/option-names';
import { integer } from '../session/accept-options';

type Options = Record<string, unknown>;

const KNOWN: ReadonlySet<string> = new Set([
  ...CONNECTION_OPTION_NAMES,
  ...OWN_OPTIONS,
  ...STREAM_OPTIONS,
]);

/** Those of `http.request()` that ws overwrites, and that have a meaning on the other face. */
const OVERWRITTEN: ReadonlySet<string> = new Set(['socketPath']);

const isObject = (value: unknown): value is Options => typeof value === 'object' && value !== null;
const isNumber = (value: unknown): boolean => typeof value === 'number' && value >= 0;

/** What an option of this library must be; anything else is another library's of the same name. */
const OWN_TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  reconnect: isObject,
  heartbeat: (value) => isObject(value) && 'interval' in value,
  proxy: (value) =>
    typeof value === 'string' || value instanceof URL || (isObject(value) && 'url' in value),
  sendLimit: (value) => isNumber(value) && value !== 0,
  highWaterMark: isNumber,
  baseUrl: (value) => typeof value === 'string' || value instanceof URL,
  closeTimeout: isNumber,
};

/** How ws reads its own. */
const READ: Readonly<Record<string, (value: unknown) => unknown>> = {
  maxPayload: integer,
  maxFragments: integer,
  maxBufferedChunks: integer,
  followRedirects: Boolean,
  skipUTF8Validation: Boolean,
  autoPong: Boolean,
  allowSynchronousEvents: Boolean,
  // Node: only false is no.
  rejectUnauthorized: (value) => value !== false,
  origin: (value) => value || undefined,
  auth: (value) => value || undefined,
  family: (value) => ({ IPv4: 4, IPv6: 6 })[value as string] ?? value,
};

const DEFLATE_NAMES: ReadonlySet<string> = new Set([
  ...DEFLATE_NAMES_OF_WS,
  'concurrencyLimit',
  'zlibDeflateOptions',
  'zlibInflateOptions',
]);
const ZLIB_NAMES: ReadonlySet<string> = new Set(['level', 'memLevel', 'chunkSize']);

const warned = new Set<string>();

/** A process warning, once a name. */
function warn(name: string): void {
  if (warned.has(name)) return;
  warned.add(name);
  process.emitWarning(`the option ${name} of a WebSocket has no effect`, {
    code: 'VWS_OPTION_WITHOUT_EFFECT',
  });
}

/** Without members that have no effect. */
function only(field: string, value: unknown, names: ReadonlySet<string>): Options {
  const kept: Options = {};
  for (const [name, member] of Object.entries(isObject(value) ? value : {})) {
    if (member === undefined) continue;
    if (names.has(name)) kept[name] = member;
    else warn(`${field}.${name}`);
  }
  return kept;
}

function deflate(value: unknown): boolean | Options {
  if (!value) return false;
  const options = only('perMessageDeflate', value, DEFLATE_NAMES);
  for (const name of ['zlibDeflateOptions', 'zlibInflateOptions']) {
    if (name in options) {
      options[name] = only(`perMessageDeflate.${name}`, options[name], ZLIB_NAMES);
    }
  }
  const { zlibInflateOptions, threshold } = options;
  // Accepted, and nothing else of them is.
  if (isObject(zlibInflateOptions)) delete zlibInflateOptions['level'];
  if (isObject(zlibInflateOptions)) delete zlibInflateOptions['memLevel'];
  if (threshold !== undefined) options['threshold'] = integer(threshold);
  return options;
}

/** Header fields that ws writes itself, over those of the user. */
const HANDSHAKE_FIELDS: ReadonlySet<string> = new Set([
  'connection',
  'upgrade',
  'sec-websocket-key',
  'sec-websocket-version',
  'sec-websocket-extensions',
]);

/** Those that a request without a body cannot have. */
const BODY_FIELDS: ReadonlySet<string> = new Set([
  'content-length',
  'transfer-encoding',
  'te',
  'trailer',
  'sec-websocket-accept',
]);

/** As Node's setHeader() takes them: any value, and of two names that differ by case only the last. */
function headersOf(value: unknown): unknown {
  if (!isObject(value)) return undefined;
  const pairs =
    Symbol.iterator in value
      ? [...(value as unknown as Iterable<[string, unknown]>)]
      : Object.entries(value);
  const fields = new Map<string, [name: string, value: unknown]>();
  for (const [name, given] of pairs) {
    const lower = String(name).toLowerCase();
    if (given === undefined || given === null) continue;
    if (HANDSHAKE_FIELDS.has(lower) || BODY_FIELDS.has(lower)) {
      warn(`headers.${name}`);
      continue;
    }
    fields.set(lower, [name, Array.isArray(given) ? given.map(String) : String(given)]);
  }
  return Object.fromEntries(fields.values());
}

/** What is left of ws's options when what has no effect has been taken away. */
export function asWs<O extends object>(options: O): O {
  const kept: Options = {};
  for (const [name, value] of Object.entries(options as Options)) {
    if (name === 'perMessageDeflate') kept[name] = deflate(value);
    else if (value === undefined || value === null) continue;
    else if (OVERWRITTEN.has(name) || !KNOWN.has(name)) {
      if (!isHarmless(name, value)) warn(name);
    } else if (OWN_TYPES[name] && !OWN_TYPES[name](value)) warn(name);
    else if (name === 'hints' && typeof (options as Options)['lookup'] !== 'function') warn(name);
    else if (name === 'headers') kept[name] = headersOf(value);
    else kept[name] = READ[name] ? READ[name](value) : value;
  }
  return kept as O;
}
