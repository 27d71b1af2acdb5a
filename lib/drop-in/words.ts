/** Errors as ws has them: its classes, codes and words, where those of this library say the same in others. */

import { WebSocketError } from '../session/errors';

/** What the errors of this library carry. */
type Failure = Error & { code?: string; field?: string; input?: string };

const SCHEMES = ['ws:', 'wss:', 'http:', 'https:', 'ws+unix:', 'wss+unix:'];

/** What ws finds wrong with a URL; undefined: nothing. */
function problemOf(text: string, base: string | undefined): string | undefined {
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    return `Invalid URL: ${text}`;
  }
  if (!SCHEMES.includes(url.protocol)) {
    return 'The URL\'s protocol must be one of "ws:", "wss:", "http:", "https:", or "ws+unix:"';
  }
  if (url.protocol === 'ws+unix:' && url.pathname === '') return "The URL's pathname is empty";
  return url.href.includes('#') ? 'The URL contains a fragment identifier' : undefined;
}

/** The error in another class and other words; what else it carries stays. */
function as<E extends Error>(made: E, error: Error, code?: string, more?: object): E {
  return Object.assign(made, error, code !== undefined && { code }, more);
}

function badUrl(error: Failure): Error {
  // Of a redirect: it may be relative.
  const base = error.field === 'Location' ? 'ws://localhost' : undefined;
  const problem = problemOf(error.input ?? '', base);
  return problem === undefined ? error : as(new SyntaxError(problem), error);
}

/** Subprotocols that are none, or doubled. */
export function badProtocols(): SyntaxError {
  return new SyntaxError('An invalid or duplicated subprotocol was specified');
}

/** What the constructor throws. */
export function thrownByWs(error: unknown, options: object, address: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { code, field } = error as Failure;
  if (field === 'options.protocolVersion') {
    const version = String((options as { protocolVersion?: unknown }).protocolVersion);
    const words = `Unsupported protocol version: ${version} (supported versions: 8, 13)`;
    return as(new RangeError(words), error);
  }
  if (code === 'ERR_INVALID_URL') return badUrl(error);
  if (field === 'url' && code === 'ERR_INVALID_ARG_TYPE') {
    return as(new SyntaxError(`Invalid URL: ${String(address)}`), error, 'ERR_INVALID_URL');
  }
  if (field === 'protocols') {
    return as(badProtocols(), error);
  }
  return error;
}

/** What Node's parser of HTTP says of a response that is none. */
const PARSER: ReadonlyMap<string, readonly [code: string, words: string]> = new Map([
  ['ERR_STATUS_LINE_MISSING', ['HPE_INVALID_CONSTANT', 'Parse Error: Expected HTTP/']],
  ['ERR_HEADER_OVERFLOW', ['HPE_HEADER_OVERFLOW', 'Parse Error: Header overflow']],
]);

/** Words of ws for breaches of the protocol, where those of the engine are others. */
const BREACHES: ReadonlyMap<string, string> = new Map([
  ['WS_ERR_UNSUPPORTED_MESSAGE_LENGTH', 'Max payload size exceeded'],
  ['WS_ERR_TOO_MANY_BUFFERED_PARTS', 'Too many message fragments'],
  [
    'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH',
    'Unsupported WebSocket frame: payload length > 2^53 - 1',
  ],
]);

/** What `error` gets. */
export function emittedByWs(error: Error): Error {
  const { code, message } = error as Failure;
  // That of a DOMException is a number.
  if (typeof code !== 'string') return error;
  if (code === 'ERR_INVALID_URL') return badUrl(error);
  // zlib's number of it.
  if (code === 'WS_ERR_INVALID_COMPRESSED_DATA') {
    return as(new Error(message), error, 'Z_DATA_ERROR', { errno: -3 });
  }
  if (code === 'WS_ERR_INVALID_UTF8') return as(new Error(message), error);
  if (code.startsWith('WS_ERR_')) {
    const words = BREACHES.get(code) ?? message.replace(/ of a control frame$/, '');
    return as(new RangeError(words), error);
  }
  const parser = PARSER.get(code);
  if (parser) return as(new Error(parser[1]), error, parser[0]);
  // For who looks at String(error).
  if (error instanceof WebSocketError) {
    Object.defineProperty(error, 'name', { value: 'Error', writable: true, configurable: true });
  }
  return error;
}
