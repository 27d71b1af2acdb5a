/** `verawebsockets/ws`: the module of ws. It is the WebSocket class, with everything else on it. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { asWs } from './drop-in/options';
import { PerMessageDeflate, Receiver, Sender } from './drop-in/parts';
import * as Extension from './base/extension';
import {
  WebSocketServer as Server,
  type ListenerAddress,
  type ServerOptions,
  type VerifyInfo,
} from './server';
import * as Subprotocol from './server/subprotocol';
import { createWebSocketStream, WebSocket as Socket } from './websocket';

/** Events of a WebSocketServer. */
interface ServerEvents {
  connection: [socket: WebSocket, request: IncomingMessage];
  headers: [headers: string[], request: IncomingMessage];
  wsClientError: [error: Error, socket: Duplex, request: IncomingMessage];
  error: [error: Error];
  listening: [];
  close: [];
}

/** The server of the package, with this module's class for its sockets. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
class WebSocketServer extends Server {
  declare clients: Set<WebSocket>;

  constructor(options?: ServerOptions, callback?: () => void) {
    super({ WebSocket, ...options }, callback);
  }
}

type Listener<K extends keyof ServerEvents> = (
  this: WebSocketServer,
  ...args: ServerEvents[K]
) => void;
// Any other event, and the same ones with listeners of other types, as in `@types/ws`.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyListener = (this: WebSocketServer, ...args: any[]) => void;

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
interface WebSocketServer {
  on<K extends keyof ServerEvents>(event: K, listener: Listener<K>): this;
  on(event: string | symbol, listener: AnyListener): this;
  once<K extends keyof ServerEvents>(event: K, listener: Listener<K>): this;
  once(event: string | symbol, listener: AnyListener): this;
  off<K extends keyof ServerEvents>(event: K, listener: Listener<K>): this;
  off(event: string | symbol, listener: AnyListener): this;
  addListener<K extends keyof ServerEvents>(event: K, listener: Listener<K>): this;
  addListener(event: string | symbol, listener: AnyListener): this;
  removeListener<K extends keyof ServerEvents>(event: K, listener: Listener<K>): this;
  removeListener(event: string | symbol, listener: AnyListener): this;
}

/**
 * The class of the package, by itself: a class of its own, so that what ws hangs on it is not on the other. Its
 * sockets are instances of both.
 */
class WebSocket extends Socket {
  static readonly createWebSocketStream = createWebSocketStream;
  static readonly extension = { format: Extension.format, parse: Extension.parse };
  static readonly PerMessageDeflate = PerMessageDeflate;
  static readonly Receiver = Receiver;
  static readonly Sender = Sender;
  static readonly Server = WebSocketServer;
  static readonly subprotocol = { parse: Subprotocol.parse };
  static readonly WebSocket: typeof WebSocket = this;
  static readonly WebSocketServer = WebSocketServer;

  /** @internal */
  protected override makeSettings(
    address: string | URL,
    protocols: unknown,
    options: Socket.ClientOptions,
  ): ReturnType<Socket['makeSettings']> {
    // ws's words.
    if (protocols === null) {
      throw new SyntaxError('An invalid or duplicated subprotocol was specified');
    }
    return super.makeSettings(address, protocols, asWs(options), options);
  }
}

for (const [value, name] of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'].entries()) {
  Object.defineProperty(WebSocket, name, { value, enumerable: true });
}

// As ws has them, on its own prototype, for who copies or wraps them from there.
for (const name of Object.keys(Socket.prototype)) {
  const member = Object.getOwnPropertyDescriptor(Socket.prototype, name) as PropertyDescriptor;
  Object.defineProperty(WebSocket.prototype, name, member);
}
for (const name of ['addEventListener', 'removeEventListener'] as const) {
  const value = Socket.prototype[name];
  const member = { value, writable: true, enumerable: true, configurable: true };
  Object.defineProperty(WebSocket.prototype, name, member);
}

type This = WebSocket;
type ThisServer = WebSocketServer;
type ThisServerOptions = ServerOptions;

// The names of `@types/ws`.
// eslint-disable-next-line @typescript-eslint/no-namespace
declare namespace WebSocket {
  type WebSocket = This;
  type WebSocketServer = ThisServer;
  type Server = ThisServer;
  type ServerOptions = ThisServerOptions;
  type AddressInfo = Exclude<ListenerAddress, string>;
  type VerifyClientCallbackSync = (info: VerifyInfo) => boolean;
  type VerifyClientCallbackAsync = (
    info: VerifyInfo,
    callback: (
      verified: boolean,
      code?: number,
      message?: string,
      headers?: Record<string, unknown>,
    ) => void,
  ) => void;
  type CertMeta = string | string[] | Buffer | Buffer[];
  type RawData = Socket.RawData;
  type Data = Socket.Data;
  type ClientOptions = Socket.ClientOptions;
  type PerMessageDeflateOptions = Socket.PerMessageDeflateOptions;
  type FinishRequestCallback = Socket.FinishRequestCallback;
  type EventListenerOptions = Socket.EventListenerOptions;
  type WebSocketEventMap = Socket.WebSocketEventMap;
  type Event = Socket.Event;
  type MessageEvent = Socket.MessageEvent;
  type CloseEvent = Socket.CloseEvent;
  type ErrorEvent = Socket.ErrorEvent;
}

export = WebSocket;
