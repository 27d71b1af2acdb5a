/** The WebSocket classes and what belongs to them. */
export { WebSocket } from './websocket';
export { StandardWebSocket } from './standard';
export { createWebSocketStream, type WebSocketStreamOptions } from './stream';
export {
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  ReconnectingEvent,
  type CloseEventInit,
  type ErrorEventInit,
  type MessageEventInit,
  type ReconnectInfo,
} from './events';
export { WebSocketError } from './errors';
export { HandshakeRequest, HandshakeResponse } from './handshake';
export type { WebSocketStats } from './stats';
export type {
  CloseMessage,
  ErrorMessage,
  OpenMessage,
  PayloadMessage,
  ReconnectingMessage,
} from './diagnostics';
export type {
  BinaryType,
  ClientOptions,
  ExtraOptions,
  PerMessageDeflateOptions,
  ReconnectOptions,
  Sendable,
  SendOptions,
} from './types';
export type { Data, RawData, WebSocketEventMap, WebSocketEvents } from './listeners';
