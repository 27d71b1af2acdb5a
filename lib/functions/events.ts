/** Events of the documented functions: their IDs, and what handlers may be. */
import { checkObject } from '../options/checks';
import { show, stateError, typeError, withCode } from '../options/errors';
import type { ConnectionError } from '../options/errors';
import type { WebSocketObject } from './wso';

/** libwebsockets' callback reasons, under the numbers of v2.4, whatever the engine's version is. */
export const EVENTS = Object.freeze({
  /** The connection could not be made. Handler: (reason: string, error: ConnectionError). */
  CLIENT_CONNECTION_ERROR: 1,
  /** The connection is established. Handler: no argument. */
  CLIENT_ESTABLISHED: 3,
  /** The connection has closed. Handler: no argument. */
  CLOSED: 4,
  /** A message came: (data: string for text, Buffer for binary). */
  CLIENT_RECEIVE: 8,
  /** A pong came: (payload: Buffer). */
  CLIENT_RECEIVE_PONG: 9,
  /** The queue went over its high-water mark and has drained. Handler: no argument. */
  CLIENT_WRITEABLE: 10,
  /** The server began to close: (code: number, reason: string); code 1005: it gave none. */
  WS_PEER_INITIATED_CLOSE: 38,
} as const);

export type EventId = (typeof EVENTS)[keyof typeof EVENTS];

type Handler<A extends unknown[]> = ((this: WebSocketObject, ...args: A) => unknown) | string;

/**
 * Handlers by event ID. A handler is a function, or the name of a global function, which is looked up when the event
 * fires. It is called with the object as `this`; what it returns is ignored.
 */
export interface EventHandlers {
  1?: Handler<[reason: string, error: ConnectionError]> | undefined;
  3?: Handler<[]> | undefined;
  4?: Handler<[]> | undefined;
  8?: Handler<[data: string | Buffer]> | undefined;
  9?: Handler<[payload: Buffer]> | undefined;
  10?: Handler<[]> | undefined;
  38?: Handler<[code: number, reason: string]> | undefined;
}

/** A handler whatever its arguments. */
export type AnyHandler = ((this: WebSocketObject, ...args: unknown[]) => unknown) | string;

const SUPPORTED = Object.values(EVENTS) as readonly number[];

/**
 * Checks `event_handlers`. Keys may be numbers or numeric strings.
 *
 * @throws TypeError ERR_UNKNOWN_EVENT listing the IDs supported, or ERR_INVALID_ARG_TYPE for what is no handler.
 */
export function checkEventHandlers(field: string, input: unknown): Map<number, AnyHandler> {
  const result = new Map<number, AnyHandler>();
  if (input === undefined || input === null) return result;
  // An array is a table as well: [, onError, , onEstablished, …].
  const given = Array.isArray(input) ? (input as unknown[]) : checkObject(field, input);
  for (const [key, handler] of Object.entries(given)) {
    if (Array.isArray(given) && handler === undefined) continue;
    const id = Number(key);
    if (!SUPPORTED.includes(id) || String(id) !== key) {
      const names = Object.entries(EVENTS).map(([name, number]) => `${number} ${name}`);
      throw withCode(
        new TypeError(
          `${field} has an unknown event ID ${show(key)}; supported are ${names.join(', ')}`,
        ),
        'ERR_UNKNOWN_EVENT',
        { field: `${field}[${key}]` },
      );
    }
    if (handler === undefined || handler === null) continue;
    if (typeof handler !== 'function' && (typeof handler !== 'string' || handler === '')) {
      throw typeError(`${field}[${key}]`, 'a function or the name of a global function', handler);
    }
    result.set(id, handler as AnyHandler);
  }
  return result;
}

/**
 * The function that a handler is, now.
 *
 * @throws Error ERR_HANDLER_NOT_FOUND if it is the name of none.
 */
export function resolveHandler(id: number, handler: AnyHandler): Exclude<AnyHandler, string> {
  if (typeof handler === 'function') return handler;
  // Not what every object inherits: no such function was meant by its name.
  const found = Object.hasOwn(globalThis, handler)
    ? (globalThis as Record<string, unknown>)[handler]
    : undefined;
  if (typeof found === 'function') return found as Exclude<AnyHandler, string>;
  throw stateError(
    'ERR_HANDLER_NOT_FOUND',
    `the handler of event ${id} is the global function ${show(handler)}, ` +
      (found === undefined ? 'which does not exist' : `which is no function but ${show(found)}`),
  );
}
