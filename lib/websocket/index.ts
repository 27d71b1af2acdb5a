/** The WebSocket classes and what belongs to them. */
export { WebSocket } from './websocket';
export { StandardWebSocket, type StandardClientOptions } from './standard';
export {
  WebSocketStream,
  type StreamInput,
  type WebSocketCloseInfo,
  type WebSocketConnection,
  type WebSocketStreamInit,
} from './websocket-stream';
export { WebSocketStreamError, type CloseInfoInit } from './stream-error';
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
} from '../session/events';
export { WebSocketError } from '../session/errors';
export { HandshakeRequest, HandshakeResponse } from '../client/handshake';
export type { WebSocketStats } from '../session/stats';
export type {
  BackpressureMessage,
  CloseMessage,
  DroppedMessage,
  ErrorMessage,
  OpenMessage,
  PayloadMessage,
  ReconnectingMessage,
} from './diagnostics-messages';
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
