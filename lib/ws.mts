/** `verawebsockets/ws` for `import`: the same class, and what is on it under the names that ws exports. */
import type { IncomingMessage } from 'node:http';
import type { RequestClass, SocketClass } from './drop-in/types.js';
import WebSocket from './ws.js';

export const {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
} = WebSocket;
export const WebSocketServer: typeof WebSocket.WebSocketServer = WebSocket.WebSocketServer;
export { WebSocket };
export default WebSocket;

export type WebSocketServer = WebSocket.WebSocketServer;
export type Server<
  Sockets extends SocketClass = typeof WebSocket,
  Requests extends RequestClass = RequestClass,
> = WebSocket.Server<Sockets, Requests>;
export type ServerOptions<
  Sockets extends SocketClass = typeof WebSocket,
  Requests extends RequestClass = RequestClass,
> = WebSocket.ServerOptions<Sockets, Requests>;
export type AddressInfo = WebSocket.AddressInfo;
export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
  WebSocket.VerifyClientCallbackSync<Request>;
export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
  WebSocket.VerifyClientCallbackAsync<Request>;
export type CertMeta = WebSocket.CertMeta;
export type RawData = WebSocket.RawData;
export type Data = WebSocket.Data;
export type ClientOptions = WebSocket.ClientOptions;
export type PerMessageDeflateOptions = WebSocket.PerMessageDeflateOptions;
export type FinishRequestCallback = WebSocket.FinishRequestCallback;
export type EventListenerOptions = WebSocket.EventListenerOptions;
export type Event = WebSocket.Event;
export type MessageEvent = WebSocket.MessageEvent;
export type CloseEvent = WebSocket.CloseEvent;
export type ErrorEvent = WebSocket.ErrorEvent;
