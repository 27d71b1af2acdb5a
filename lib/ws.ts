/** `verawebsockets/ws`: the module of ws. It is the WebSocket class, with everything else on it. */
import { EventEmitter } from 'node:events';
import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { asWs } from './drop-in/options';
import { PerMessageDeflate, Receiver, Sender } from './drop-in/parts';
import type * as T from './drop-in/types';
import { badProtocols, emittedByWs, thrownByWs } from './drop-in/words';
import * as Extension from './base/extension';
import {
  WebSocketServer as Server,
  type ListenerAddress,
  type ServerOptions as OwnServerOptions,
  type UpgradeExtensions,
} from './server';
import * as Subprotocol from './server/subprotocol';
import { fail } from './session/socket-face';
import { createWebSocketStream, WebSocket as Socket } from './websocket';

const ServerClass = Server as unknown as (new (
  options?: OwnServerOptions,
  callback?: () => void,
) => T.ServerBase) &
  T.EmitterStatics;

/** The server of the package, with this module's class for its sockets. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
class WebSocketServer<
  Sockets extends T.SocketClass = typeof WebSocket,
  Requests extends T.RequestClass = typeof IncomingMessage,
> extends ServerClass {
  declare options: T.ServerOptions<Sockets, Requests>;
  /** The open sockets; only with `clientTracking`. */
  declare clients: Set<InstanceType<Sockets>>;

  /** As of the package's own class. */
  constructor(options?: T.AnyServerOptions<Sockets, Requests>, callback?: () => void) {
    super({ WebSocket, ...(options as OwnServerOptions) }, callback);
  }

  /** Of the requests that it accepts; as the option. */
  get path(): string {
    return this.options.path as string;
  }
  /** Frameworks keep one of their own here: it has no effect. */
  set path(value: string) {
    Object.defineProperty(this, 'path', {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
}

type Listener<This, Args extends unknown[]> = (this: This, ...args: Args) => void;
// Any other event, and the same ones with listeners of other types, as in `@types/ws`.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type AnyListener<This> = (this: This, ...args: any[]) => void;

interface Listen<Sockets extends T.SocketClass, Requests extends T.RequestClass, Result> {
  <K extends keyof T.ServerEvents<unknown, unknown>>(
    event: K,
    listener: Listener<
      WebSocketServer<Sockets>,
      T.ServerEvents<InstanceType<Sockets>, InstanceType<Requests>>[K]
    >,
  ): Result;
  (event: string | symbol, listener: AnyListener<WebSocketServer<Sockets>>): Result;
}

interface WebSocketServer<
  Sockets extends T.SocketClass = typeof WebSocket,
  Requests extends T.RequestClass = typeof IncomingMessage,
> {
  on: Listen<Sockets, Requests, this>;
  once: Listen<Sockets, Requests, this>;
  off: Listen<Sockets, Requests, this>;
  addListener: Listen<Sockets, Requests, this>;
  removeListener: Listen<Sockets, Requests, this>;

  /** As of the package's own class. */
  handleUpgrade(
    request: InstanceType<Requests>,
    socket: Duplex,
    head: Buffer,
    callback: (socket: InstanceType<Sockets>, request: InstanceType<Requests>) => void,
  ): void;
  shouldHandle(request: InstanceType<Requests>): boolean | Promise<boolean>;
  completeUpgrade(
    extensions: UpgradeExtensions,
    key: string,
    protocols: Set<string>,
    request: InstanceType<Requests>,
    socket: Duplex,
    head: Buffer,
    callback: (socket: InstanceType<Sockets>, request: InstanceType<Requests>) => void,
  ): void;
}

const SocketBase = Socket as typeof Socket & T.EmitterStatics;

/**
 * The class of the package, by itself: a class of its own, so that what ws hangs on it is not on the other. Its
 * sockets are instances of both.
 */
class WebSocket extends SocketBase {
  static readonly createWebSocketStream = createWebSocketStream;
  static readonly extension = { format: Extension.format, parse: Extension.parse };
  static readonly PerMessageDeflate = PerMessageDeflate;
  static readonly Receiver = Receiver;
  static readonly Sender = Sender;
  static readonly Server = WebSocketServer;
  static readonly subprotocol = { parse: Subprotocol.parse };
  static readonly WebSocket: typeof WebSocket = this;
  static readonly WebSocketServer = WebSocketServer;

  constructor(address: string | URL, options?: T.AnyClientOptions<WebSocket>);
  constructor(
    address: string | URL,
    protocols?: string | readonly string[],
    options?: T.AnyClientOptions<WebSocket>,
  );
  /** A server's: connecting until it is given a socket (setSocket()). */
  constructor(address: null, protocols?: undefined, options?: OwnServerOptions);
  constructor(address: string | URL | null, protocols?: unknown, options?: unknown) {
    // As ws reads them: what is no object is not looked at.
    const given = typeof options === 'object' ? options : undefined;
    // In front of options null means none, as with ws 7, whose place this takes too.
    const offered = protocols === null && given ? undefined : protocols;
    super(address as string, offered as string, given as Socket.ClientOptions);
  }

  /** @internal */
  protected override makeSettings(
    address: string | URL,
    protocols: unknown,
    options: Socket.ClientOptions,
  ): ReturnType<Socket['makeSettings']> {
    // None, on the other face.
    if (protocols === null) throw badProtocols();
    try {
      return super.makeSettings(address, protocols, asWs(options), options);
    } catch (error) {
      throw thrownByWs(error, options, address);
    }
  }

  /** @internal */
  override [fail](error: Error): void {
    super[fail](emittedByWs(error));
  }

  /** The request, while it is under way, as ws keeps it; null before it is begun and afterwards. */
  get _req(): ClientRequest | null {
    return (this.readyState === 0 && this.handshake?.request) || null;
  }

  /** Redirects that were followed. */
  get _redirects(): number {
    return this.handshake?.redirects ?? 0;
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

// What ws's class has of the EventEmitter that it extends.
for (const name of Reflect.ownKeys(EventEmitter)) {
  if (Object.hasOwn(WebSocket, name)) continue;
  const member = Object.getOwnPropertyDescriptor(EventEmitter, name) as PropertyDescriptor;
  Object.defineProperty(WebSocket, name, { ...member, enumerable: false });
}

type This = WebSocket;
type ThisClass = typeof WebSocket;
type ThisServer<
  Sockets extends T.SocketClass = typeof WebSocket,
  Requests extends T.RequestClass = typeof IncomingMessage,
> = WebSocketServer<Sockets, Requests>;

// The names of `@types/ws`.
// eslint-disable-next-line @typescript-eslint/no-namespace
declare namespace WebSocket {
  type WebSocket = This;
  type WebSocketServer = ThisServer;
  type Server<
    Sockets extends T.SocketClass = ThisClass,
    Requests extends T.RequestClass = typeof IncomingMessage,
  > = ThisServer<Sockets, Requests>;
  type ServerOptions<
    Sockets extends T.SocketClass = ThisClass,
    Requests extends T.RequestClass = typeof IncomingMessage,
  > = T.ServerOptions<Sockets, Requests>;
  type AddressInfo = Exclude<ListenerAddress, string>;
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> =
    T.VerifyClientCallbackSync<Request>;
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> =
    T.VerifyClientCallbackAsync<Request>;
  type CertMeta = T.CertMeta;
  type RawData = Socket.RawData;
  type Data = Socket.Data;
  type ClientOptions = T.ClientOptions<This>;
  type PerMessageDeflateOptions = T.PerMessageDeflateOptions;
  type FinishRequestCallback = NonNullable<ClientOptions['finishRequest']>;
  type EventListenerOptions = Socket.EventListenerOptions;
  type WebSocketEventMap = Socket.WebSocketEventMap;
  type Event = Socket.Event;
  type MessageEvent = Socket.MessageEvent;
  type CloseEvent = Socket.CloseEvent;
  type ErrorEvent = Socket.ErrorEvent;
}

export = WebSocket;
