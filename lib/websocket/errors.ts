/**
 * The errors of the WebSocket classes: those of a connection, in ws's words and with the codes that Node and ws give
 * them where they have any, and those that a call throws.
 */
import { ConnectionError, withCode, type CodedError } from '../errors';
import type { ConnectionFailure } from '../native';

/** What Node calls the same failure of TLS. */
const NODE_TLS_CODES: Readonly<Record<string, string>> = {
  ERR_CERT_EXPIRED: 'CERT_HAS_EXPIRED',
  ERR_CERT_NOT_YET_VALID: 'CERT_NOT_YET_VALID',
  ERR_CERT_SELF_SIGNED: 'DEPTH_ZERO_SELF_SIGNED_CERT',
  ERR_CERT_HOSTNAME_MISMATCH: 'ERR_TLS_CERT_ALTNAME_INVALID',
  ERR_CERT_UNTRUSTED: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
};

/** What ws says of a refused handshake; %s is the status. */
const WS_WORDS: Readonly<Record<string, string>> = {
  ERR_HANDSHAKE_TIMEOUT: 'Opening handshake has timed out',
  ERR_ACCEPT_MISSING: 'Invalid Sec-WebSocket-Accept header',
  ERR_ACCEPT_MISMATCH: 'Invalid Sec-WebSocket-Accept header',
  ERR_UPGRADE_MISSING: 'Invalid Upgrade header',
  ERR_UPGRADE_NOT_WEBSOCKET: 'Invalid Upgrade header',
  ERR_SUBPROTOCOL_UNKNOWN: 'Server sent no subprotocol',
  ERR_SUBPROTOCOL_NOT_OFFERED: 'Server sent an invalid subprotocol',
  ERR_EXTENSION_UNKNOWN: 'Server indicated an extension that was not requested',
  ERR_EXTENSION_PARAMETERS: 'Invalid Sec-WebSocket-Extensions header',
  ERR_EXTENSION_REFUSED: 'Invalid Sec-WebSocket-Extensions header',
  ERR_EXTENSIONS_TOO_LONG: 'Invalid Sec-WebSocket-Extensions header',
  ERR_PEER_HUNG_UP: 'socket hang up',
  ERR_REDIRECT_LIMIT: 'Maximum redirects exceeded',
};

/** What was offered, for the wording of an answer that does not fit it. */
export interface Offer {
  url: string;
  host: string;
  protocols: boolean;
  extensions: boolean;
}

/**
 * Why a connection could not be made, or broke.
 *
 * `code` is what ws's users test: the system's name ('ECONNREFUSED', 'ENOTFOUND'), Node's for certificates
 * ('CERT_HAS_EXPIRED'), ws's for the protocol ('WS_ERR_INVALID_UTF8'), else as `stableCode`.
 */
export class WebSocketError extends ConnectionError {
  /** The code of docs/errors.md, the same for both faces of the package. */
  readonly stableCode: string;

  constructor(failure: ConnectionFailure, offer: Offer) {
    super(failure, { url: offer.url });
    this.stableCode = failure.code;
    // Both are read-only for users only.
    const self = this as { message: string; code: string };
    self.message = wording(failure, offer);
    self.code = codeOf(failure);
  }
}
Object.defineProperty(WebSocketError.prototype, 'name', {
  value: 'WebSocketError',
  configurable: true,
  writable: true,
});

function codeOf(failure: ConnectionFailure): string {
  if (failure.errno) return failure.errno;
  if (failure.code === 'ERR_PEER_HUNG_UP') return 'ECONNRESET';
  return NODE_TLS_CODES[failure.code] ?? failure.code;
}

function wording(failure: ConnectionFailure, offer: Offer): string {
  const { code, detail, reason, status } = failure;
  if (code === 'ERR_HTTP_STATUS' || failure.location !== undefined) {
    return `Unexpected server response: ${status ?? 0}`;
  }
  if (code === 'ERR_SUBPROTOCOL_NOT_OFFERED' && !offer.protocols) {
    return 'Server sent a subprotocol but none was requested';
  }
  if (code === 'ERR_EXTENSION_UNKNOWN' && !offer.extensions) {
    return 'Server sent a Sec-WebSocket-Extensions header but no extension was requested';
  }
  const words = WS_WORDS[code];
  if (words !== undefined) return words;
  if (code === 'ERR_HOST_NOT_FOUND') return `getaddrinfo ${failure.errno ?? 'ENOTFOUND'} ${offer.host}`;
  if (failure.errno && failure.address !== undefined) {
    const where = failure.port ? `${failure.address}:${failure.port}` : failure.address;
    return `connect ${failure.errno} ${where}`;
  }
  if (detail && detail !== reason && !code.startsWith('WS_ERR_')) return `${reason}: ${detail}`;
  return reason || detail || code;
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
    new Error(`the message would exceed sendLimit, ${limit} bytes waiting to be sent; wait for 'drain'`),
    'ERR_SEND_LIMIT',
  );
}

/** Bytes sent as text are not UTF-8. Nothing of them was queued. */
export function invalidUtf8(): TypeError & CodedError {
  return withCode(new TypeError('the bytes sent as text are not valid UTF-8'), 'ERR_INVALID_UTF8');
}

/** The connection ended before the message was given to the system. */
export function notSent(): Error & CodedError {
  return withCode(
    new Error('the connection was closed before the message was sent'),
    'ERR_NOT_SENT',
  );
}

/** As AbortController's, with the signal's reason as the cause. */
export function aborted(signal: AbortSignal): Error & CodedError {
  const error = new Error('The operation was aborted', { cause: signal.reason });
  error.name = 'AbortError';
  return withCode(error, 'ABORT_ERR');
}
