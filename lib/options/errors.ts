/**
 * Every error this package makes. All of them carry a stable `code`; the text says what was being done to what.
 *
 * Two families: a {@link ConnectionError} tells why a connection could not be made or broke (event 1, `error`
 * events), and the argument errors are thrown by the call that was given something it cannot use.
 */
import { inspect } from 'node:util';
import type { ConnectionFailure } from '../addon/contract';

/** Codes of the errors that a call throws. Those of connections are in reasons.ts. */
export type CallErrorCode =
  | 'ERR_INVALID_ARG_TYPE'
  | 'ERR_INVALID_ARG_VALUE'
  | 'ERR_OUT_OF_RANGE'
  | 'ERR_INVALID_URL'
  | 'ERR_UNKNOWN_OPTION'
  | 'ERR_UNSUPPORTED_OPTION'
  | 'ERR_UNKNOWN_EVENT'
  | 'ERR_FILE_UNREADABLE'
  | 'ERR_HANDLER_NOT_FOUND'
  | 'ERR_ALREADY_CONNECTED'
  | 'ERR_CLOSED'
  | 'ERR_SEND_LIMIT'
  | 'ERR_LOOP_RUNNING'
  | 'ERR_LOOP_IN_HANDLER'
  | 'ERR_ENGINE_STARTED'
  | 'ERR_FEATURE_UNAVAILABLE';

/** What every error of this package has. */
export interface CodedError extends Error {
  code: string;
}

/** Shows a value in a message: short, on one line. */
export function show(value: unknown): string {
  const text = inspect(value, {
    depth: 1,
    breakLength: Infinity,
    maxStringLength: 120,
    maxArrayLength: 8,
  });
  return text.length > 200 ? `${text.slice(0, 197)}...` : text;
}

/** The same of a file's path: its backslashes, which are everywhere on Windows, as they were written. */
export function showPath(path: unknown): string {
  return show(path).replaceAll('\\\\', '\\');
}

/** Gives an error its code (and more), as Node does. */
export function withCode<E extends Error>(error: E, code: string, more?: object): E & CodedError {
  return Object.assign(error, { code }, more);
}

/** The value is of the wrong type. `expected` completes "must be". */
export function typeError(field: string, expected: string, value: unknown): TypeError & CodedError {
  return withCode(
    new TypeError(`${field} must be ${expected}; got ${show(value)}`),
    'ERR_INVALID_ARG_TYPE',
    { field },
  );
}

/** The type is right and the value is not. `problem` follows the value. */
export function valueError(field: string, value: unknown, problem: string): TypeError & CodedError {
  return withCode(new TypeError(`${field} ${show(value)} ${problem}`), 'ERR_INVALID_ARG_VALUE', {
    field,
  });
}

/** A number is outside its range. `expected` completes "must be". */
export function rangeError(
  field: string,
  expected: string,
  value: unknown,
): RangeError & CodedError {
  return withCode(
    new RangeError(`${field} must be ${expected}; got ${show(value)}`),
    'ERR_OUT_OF_RANGE',
    { field },
  );
}

/** A URL cannot be used. `value` must have lost its password before. */
export function urlError(field: string, value: string, problem: string): SyntaxError & CodedError {
  return withCode(new SyntaxError(`${field} ${show(value)} ${problem}`), 'ERR_INVALID_URL', {
    field,
    input: value,
  });
}

/** A name that is not among those known. */
export function unknownName(
  what: string,
  name: string,
  known: Iterable<string>,
): TypeError & CodedError {
  return withCode(
    new TypeError(`unknown ${what} ${show(name)}; known are ${[...known].join(', ')}`),
    'ERR_UNKNOWN_OPTION',
    { field: name },
  );
}

/** An Error for a call that is impossible in this state. */
export function stateError(code: CallErrorCode, message: string): Error & CodedError {
  return withCode(new Error(message), code);
}

/** What a {@link ConnectionError} may carry besides the failure itself. */
export interface ConnectionErrorContext {
  /** The URL, without credentials. */
  url?: string;
  /** Messages that were queued by send() and have not been sent. */
  unsent?: number;
  cause?: unknown;
}

/**
 * Why a connection could not be made, or broke.
 *
 * `code` is for programs (docs/errors.md lists them), `reason` is the documented text of event 1 where the cause has
 * one, `detail` are the engine's, OpenSSL's or the system's own words.
 */
export class ConnectionError extends Error implements CodedError {
  // Declared, not defined: what is not known is not a property.
  readonly code: string;
  readonly reason: string;
  readonly detail: string;
  /** The URL that was being connected to, without credentials. */
  declare readonly url?: string;
  /** HTTP status, when an HTTP response arrived. */
  declare readonly status?: number;
  declare readonly statusText?: string;
  /** Raw header lines of the response, "Name: value" separated by \r\n. */
  declare readonly headers?: string;
  /** What arrived of the response's body together with the headers. */
  declare readonly body?: Buffer;
  /** Where a redirect points to, as sent. */
  declare readonly location?: string;
  /** The close code sent to the peer (RFC 6455 §7.4) when it broke the protocol. */
  declare readonly closeCode?: number;
  /** The system's name of the error ("ECONNREFUSED"), where there is one; of a WebSocketError its number. */
  declare readonly errno?: string | number;
  /** What was tried last. */
  declare readonly address?: string;
  declare readonly port?: number;
  /** Messages that were queued and have not been sent; absent if there were none. */
  declare readonly unsent?: number;

  constructor(failure: ConnectionFailure, context: ConnectionErrorContext = {}) {
    const { url, unsent, cause } = context;
    let message = failure.reason;
    if (failure.detail && failure.detail !== failure.reason) message += `: ${failure.detail}`;
    if (url) message = `${url}: ${message}`;
    if (unsent) message += ` (${unsent} queued message${unsent === 1 ? '' : 's'} not sent)`;
    super(message, cause === undefined ? undefined : { cause });
    this.code = failure.code;
    this.reason = failure.reason;
    this.detail = failure.detail;
    if (url) this.url = url;
    if (unsent) this.unsent = unsent;
    if (failure.status) this.status = failure.status;
    if (failure.statusText !== undefined) this.statusText = failure.statusText;
    if (failure.headers !== undefined) this.headers = failure.headers;
    if (failure.body !== undefined) this.body = failure.body;
    if (failure.location !== undefined) this.location = failure.location;
    if (failure.closeCode) this.closeCode = failure.closeCode;
    if (failure.errno) this.errno = failure.errno;
    if (failure.address) this.address = failure.address;
    if (failure.port) this.port = failure.port;
  }
}
// On the prototype and not enumerable, as `name` is in built-in errors.
Object.defineProperty(ConnectionError.prototype, 'name', {
  value: 'ConnectionError',
  configurable: true,
  writable: true,
});
