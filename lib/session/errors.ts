/**
 * The errors of the WebSocket classes: those of a connection, in ws's words and with the codes that Node and ws give
 * them where they have any, and those that a call throws.
 */
import { ConnectionError, withCode, type CodedError } from '../options/errors';
import type { ConnectionFailure } from '../addon/contract';
import { parse } from '../base/extension';
import { errnoOf, SYSTEM_CALL } from '../base/system-errors';

/** What ws says where the documentation has these reasons. */
const WS_WORDS: ReadonlyMap<string, string> = new Map([
  ['HS: ACCEPT missing', 'Invalid Sec-WebSocket-Accept header'],
  ['HS: Accept hash wrong', 'Invalid Sec-WebSocket-Accept header'],
  ['HS: UPGRADE missing', 'Invalid Upgrade header'],
  ['HS: Upgrade to something other than websocket', 'Invalid Upgrade header'],
  ['HS: Cannot match protocol', 'Server sent no subprotocol'],
  ['HS: PROTOCOL malformed', 'Server sent an invalid subprotocol'],
  ['HS: EXT: unknown ext', 'Server indicated an extension that was not requested'],
  ['HS: EXT: failed parsing options', 'Invalid Sec-WebSocket-Extensions header'],
  ['HS: EXT: Rejects server options', 'Invalid Sec-WebSocket-Extensions header'],
  ['HS: EXT: list too big', 'Invalid Sec-WebSocket-Extensions header'],
  ['Peer hung up', 'socket hang up'],
  ['read failed', 'socket hang up'],
]);

const TLS_CUT_OFF =
  'Client network socket disconnected before secure TLS connection was established';

/** What was offered, for the wording of an answer that does not fit it. */
export interface Offer {
  url: string;
  host: string;
  protocols: boolean;
  extensions: boolean;
}

/**
 * Why a connection could not be made, or broke, in ws's words where it has any.
 *
 * `code` is that of docs/errors.md: the system's name ('ECONNREFUSED', 'ENOTFOUND'), Node's for certificates
 * ('CERT_HAS_EXPIRED'), ws's for the protocol ('WS_ERR_INVALID_UTF8'); and, as in Node, 'ECONNRESET' for a server that
 * hangs up.
 */
export class WebSocketError extends ConnectionError {
  /** Of the system, where it is the system's: a negative number, as in Node. */
  declare readonly errno?: number;
  /** What the system was asked for: 'connect', 'read', 'getaddrinfo'. */
  declare readonly syscall?: string;
  /** The name that could not be resolved. */
  declare readonly hostname?: string;

  constructor(failure: ConnectionFailure, offer: Offer) {
    super(failure, { url: offer.url });
    // Read-only for users only.
    const self = this as Writable;
    self.message = wording(failure, offer);
    if (self.message === 'socket hang up') self.code = failure.errno ?? 'ECONNRESET';
    const [, call, name] = SYSTEM_CALL.exec(failure.detail) ?? [];
    const errno = failure.errno ?? name;
    if (errno !== undefined) self.errno = errnoOf(errno);
    if (call === undefined || name === undefined) return;
    if (failure.reason === 'read failed') self.code = name;
    self.syscall = call;
    if (call !== 'getaddrinfo') return;
    self.hostname = offer.host;
    delete self.address;
    delete self.port;
  }
}

interface Writable {
  message: string;
  code: string;
  errno?: number | undefined;
  syscall?: string;
  hostname?: string;
  address?: string;
  port?: number;
}

Object.defineProperty(WebSocketError.prototype, 'name', {
  value: 'WebSocketError',
  configurable: true,
  writable: true,
});

function wording(failure: ConnectionFailure, offer: Offer): string {
  const { code, detail, reason, status } = failure;
  if (code === 'ERR_HANDSHAKE_TIMEOUT') return 'Opening handshake has timed out';
  if (code === 'ERR_REDIRECT_LIMIT') return 'Maximum redirects exceeded';
  if (
    reason === 'HS: ws upgrade response not 101' ||
    code === 'ERR_REDIRECT_NO_LOCATION' ||
    failure.location !== undefined
  ) {
    return `Unexpected server response: ${status ?? 0}`;
  }
  if (reason === 'HS: PROTOCOL malformed' && !offer.protocols) {
    return 'Server sent a subprotocol but none was requested';
  }
  if (reason === 'HS: EXT: unknown ext' && !offer.extensions) {
    return 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
  }
  // In Node's words, which the engine's would only stand before.
  if (reason === 'read failed' && SYSTEM_CALL.test(detail)) return detail;
  if (reason.startsWith('lws_ssl_') && detail) return code === 'ECONNRESET' ? TLS_CUT_OFF : detail;
  const words = wrongInTwoWays(failure) ?? WS_WORDS.get(reason);
  if (words !== undefined) return words;
  if (reason.startsWith('getaddrinfo')) return `getaddrinfo ${code} ${offer.host}`;
  if (failure.errno && detail.startsWith('connect ')) return detail;
  if (detail && detail !== reason && !code.startsWith('WS_ERR_')) return `${reason}: ${detail}`;
  return reason || detail || code;
}

/** Of a response that is wrong in two ways, the engine names another one than ws. */
function wrongInTwoWays({ reason, headers = '' }: ConnectionFailure): string | undefined {
  const valueOf = (name: string): string | undefined =>
    new RegExp(`^${name}[ \\t]*:[ \\t]*(.*?)[ \\t]*$`, 'im').exec(headers)?.[1];
  if (reason === 'HS: ACCEPT missing' || reason === 'HS: Accept hash wrong') {
    const upgrade = valueOf('Upgrade');
    return upgrade && upgrade.toLowerCase() !== 'websocket' ? 'Invalid Upgrade header' : undefined;
  }
  if (reason !== 'HS: EXT: unknown ext') return undefined;
  try {
    parse(valueOf('Sec-WebSocket-Extensions') ?? '');
    return undefined;
  } catch {
    return WS_WORDS.get('HS: EXT: failed parsing options');
  }
}

/** Text of ws's error for close() and terminate() before the connection stands. */
export const CLOSED_EARLY = 'WebSocket was closed before the connection was established';

const STATES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;

/** A send in a state in which nothing can be sent; ws's words. */
export function notOpen(readyState: number): Error & CodedError {
  return withCode(
    new Error(`WebSocket is not open: readyState ${readyState} (${STATES[readyState] ?? '?'})`),
    'ERR_NOT_OPEN',
  );
}

/** The send would go over `sendLimit`. Nothing of it was queued. */
export function sendLimit(limit: number): Error & CodedError {
  return withCode(
    new Error(
      `the message would exceed sendLimit, ${limit} bytes waiting to be sent; wait for 'drain'`,
    ),
    'ERR_SEND_LIMIT',
  );
}

/** Bytes sent as text are not UTF-8. Nothing of them was queued. */
export function invalidUtf8(): TypeError & CodedError {
  return withCode(new TypeError('the bytes sent as text are not valid UTF-8'), 'ERR_INVALID_UTF8');
}

/** Words of {@link notSent}; ws has some for what it was doing. */
export const NOT_SENT = {
  waiting: 'the connection was closed before the message was sent',
  compressed: 'The socket was closed while data was being compressed',
  read: 'The socket was closed while the blob was being read',
} as const;

/** The connection ended before the message was given to the system. */
export function notSent(words: string = NOT_SENT.waiting): Error & CodedError {
  return withCode(new Error(words), 'ERR_NOT_SENT');
}

/** As AbortController's, with the signal's reason as the cause. */
function aborted(signal: AbortSignal): Error & CodedError {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return withCode(error, 'ABORT_ERR');
}

/** Calls `then` when the signal is aborted, at once if it is already. Returns what forgets the signal. */
export function onAbort(signal: AbortSignal, then: (error: Error) => void): () => void {
  const listener = (): void => then(aborted(signal));
  if (signal.aborted) listener();
  else signal.addEventListener('abort', listener, { once: true });
  return () => signal.removeEventListener('abort', listener);
}
