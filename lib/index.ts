/**
 * verawebsockets: the documented functions, and the WebSocket class.
 */
import { Api, nameBinary, type CreateOptions, type EngineConfiguration } from './functions/api';
import { environment } from './addon/environment';
import type { LogFunction } from './functions/log';
import type { WebSocketObject } from './functions/wso';

let api: Api | undefined;

/** The functions of this thread. The addon is loaded at the first call of one. */
function shared(): Api {
  api ??= new Api(environment());
  return api;
}

/**
 * Makes a websocket object, which the other functions take. Nothing is sent yet: {@link connect} begins.
 *
 * @param options the documented table: `url`, `event_handlers`, `ssl_settings`, `standalone`; and
 * the further options of
 *   connections. Names may be written in snake_case or camelCase.
 * @throws TypeError, RangeError or SyntaxError naming the field that cannot be used; Error with a `code` for files that
 *   cannot be read (ERR_FILE_UNREADABLE) and for certificates and keys that cannot be used (ERR_TLS_…).
 */
export function create(options: CreateOptions): WebSocketObject {
  return shared().create(options);
}

/**
 * Connects to the object's URL. Event 1 or event 3 follows, exactly one of them; after event 1 or 4
 * it can be called again.
 *
 * @throws Error ERR_ALREADY_CONNECTED while the object is connecting, open or closing.
 */
export function connect(wso: WebSocketObject): void {
  shared().connect(wso);
}

/**
 * Sends a message: a string as text, bytes as binary (RFC 6455 §5.6). Bytes are copied before it returns. What is sent
 * before event 3 is kept and goes out, in order, once the connection is established; if it fails, the error of event 1
 * says how many messages that were (`unsent`).
 *
 * @returns whether to go on; false: more than `highWaterMark` bytes wait, and event 10 tells when
 * they have gone; or the
 *   server has ended the connection, and event 4 is on its way.
 * @throws TypeError for anything but a string or bytes.
 * @throws Error ERR_CLOSED after close(), event 1 or event 4; ERR_SEND_LIMIT past `sendLimit` (then nothing is sent).
 */
export function send(
  wso: WebSocketObject,
  message: string | ArrayBufferView | ArrayBufferLike,
): boolean {
  return shared().send(wso, message);
}

/**
 * Begins to close: what is queued goes out, then a Close frame (RFC 6455 §7.1.2). Event 4 follows; while connecting,
 * event 1 (ERR_CONNECTION_ABORTED). On an object that is closing, closed or was never connected it does nothing.
 *
 * @param code 1000, or 3000 to 4999 (RFC 6455 §7.4). Default: a frame without a code.
 * @param reason at most 123 bytes in UTF-8; needs a code.
 * @throws TypeError or RangeError for other codes and reasons.
 */
export function close(wso: WebSocketObject, code?: number, reason?: string): void {
  shared().close(wso, code, reason);
}

/**
 * Blocks the thread and dispatches events, until the last standalone object has closed or failed;
 * with none it returns at
 * once. Handlers are called from inside, those of objects that are not standalone too, and so are
 * callbacks of promises and
 * process.nextTick(). Timers, other I/O and signal handlers have to wait until it returns; so have
 * callbacks of promises
 * if it is called inside of one (in the body of an ES module, behind an `await`).
 *
 * @throws what a handler throws; called again, it goes on where it stopped.
 * @throws Error ERR_LOOP_IN_HANDLER, ERR_LOOP_RUNNING if called in an event handler, or from inside of itself.
 */
export function loop(): void {
  shared().loop();
}

/**
 * Sets how verbose the log is. It is one for the process.
 *
 * @param log_levels 0: nothing (default); a sum of {@link LOG_LEVELS}; or 'all', which is 2047.
 * @param log receives (level, line) on this thread, instead of stderr: the bit of the line's level, and the line.
 * @throws TypeError for another string or type; RangeError for a number that is no integer from 0 to 2047.
 */
export function set_log_level(log_levels: number | 'all', log?: LogFunction | null): void {
  shared().setLogLevel(log_levels, log);
}

/** The same as {@link set_log_level}. */
export const setLogLevel = set_log_level;

/** Lets the object keep the process alive while it is connecting or open, as it does by default. */
export function ref(wso: WebSocketObject): void {
  shared().ref(wso);
}

/** Lets the process end although the object is connecting or open. */
export function unref(wso: WebSocketObject): void {
  shared().unref(wso);
}

/**
 * Tunes the engine of this thread, and names its binary; only before its first connect() or set_log_level(), and the
 * binary before everything else.
 *
 * @example
 * configure({ threads: 4 });
 *
 * @throws Error ERR_ENGINE_STARTED afterwards; TypeError or RangeError for options that cannot be used; Error
 *   ERR_NO_BINARY if `binary` cannot be loaded.
 */
export function configure(options: EngineConfiguration): void {
  const engine = nameBinary(options);
  shared().configure(engine);
}

/** Versions of what is linked in: libwebsockets, openssl, zlib. */
export function versions(): { libwebsockets: string; openssl: string; zlib: string } {
  return { ...environment().addon.versions };
}

export { ConnectionError } from './options/errors';
export { EVENTS } from './functions/events';
export { LOG_LEVELS } from './functions/log';
export { DOCUMENTED_REASONS } from './addon/reasons';
export * from './server';
export * from './websocket';
export { prepare } from './session/prepared';

export type { CreateOptions, EngineConfiguration } from './functions/api';
export type { CheckServerIdentity, ConnectionStats, LookupFunction } from './addon/connection';
export type { CodedError } from './options/errors';
export type { PreparedMessage } from './session/prepared';
export type { EventHandlers, EventId } from './functions/events';
export type { LogFunction } from './functions/log';
export type {
  ConnectionOptions,
  DeflateOptions,
  HeartbeatOptions,
} from './options/connection-options';
export type { ProxyInput, ProxyOptions } from './options/proxy';
export type { DocumentedReason } from './addon/reasons';
export type { SslSettings, TlsClientOptions } from './options/tls-options';
export type { ObjectState, WebSocketObject } from './functions/wso';
/** Short for the object that create() makes. */
export type { WebSocketObject as Wso } from './functions/wso';
