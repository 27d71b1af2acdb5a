/**
 * verawebsockets: the documented functions, and the WebSocket class.
 */
import { Api, type CreateOptions, type EngineConfiguration } from './api';
import { environment } from './environment';
import type { LogFunction } from './log';
import type { WebSocketObject } from './wso';

let api: Api | undefined;

/** The functions of this thread. The addon is loaded at the first call of one. */
function shared(): Api {
  api ??= new Api(environment());
  return api;
}

/** See {@link Api.create}. */
export function create(options: CreateOptions): WebSocketObject {
  return shared().create(options);
}

/** See {@link Api.connect}. */
export function connect(wso: WebSocketObject): void {
  shared().connect(wso);
}

/** See {@link Api.send}. */
export function send(
  wso: WebSocketObject,
  message: string | ArrayBufferView | ArrayBufferLike,
): boolean {
  return shared().send(wso, message);
}

/** See {@link Api.close}. */
export function close(wso: WebSocketObject, code?: number, reason?: string): void {
  shared().close(wso, code, reason);
}

/** See {@link Api.loop}. */
export function loop(): void {
  shared().loop();
}

/** See {@link Api.setLogLevel}. */
export function set_log_level(log_levels: number | 'all', log?: LogFunction | null): void {
  shared().setLogLevel(log_levels, log);
}

/** The same as {@link set_log_level}. */
export const setLogLevel = set_log_level;

/** See {@link Api.ref}. */
export function ref(wso: WebSocketObject): void {
  shared().ref(wso);
}

/** See {@link Api.unref}. */
export function unref(wso: WebSocketObject): void {
  shared().unref(wso);
}

/** See {@link Api.configure}. */
export function configure(options: EngineConfiguration): void {
  shared().configure(options);
}

/** Versions of what is linked in: libwebsockets, openssl, zlib. */
export function versions(): { libwebsockets: string; openssl: string; zlib: string } {
  return { ...environment().addon.versions };
}

export { ConnectionError } from './errors';
export { EVENTS } from './events';
export { LOG_LEVELS } from './log';
export { DOCUMENTED_REASONS } from './reasons';
export * from './websocket';

export type { CreateOptions, EngineConfiguration } from './api';
export type { ConnectionStats, LookupFunction } from './connection';
export type { CodedError } from './errors';
export type { EventHandlers, EventId } from './events';
export type { LogFunction } from './log';
export type { ConnectionOptions, DeflateOptions, HeartbeatOptions } from './options';
export type { ProxyInput, ProxyOptions } from './proxy';
export type { DocumentedReason } from './reasons';
export type { CheckServerIdentity, SslSettings, TlsClientOptions } from './tls-options';
export type { ObjectState, WebSocketObject } from './wso';
/** Short for the object that create() makes. */
export type { WebSocketObject as Wso } from './wso';
