/**
 * The types of `@types/ws`, with what this library has beyond ws: a value of one can be given where the other is asked
 * for. Types only.
 */
import type { EventEmitter } from 'node:events';
import type {
  Agent,
  ClientRequest,
  ClientRequestArgs,
  IncomingMessage,
  OutgoingHttpHeaders,
  Server as HttpServer,
} from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { createConnection } from 'node:net';
import type { Duplex } from 'node:stream';
import type { SecureContextOptions } from 'node:tls';
import type { ClientOptionsOf } from '../client/types';
import type { ServerOptions as OwnServerOptions, WebSocketServer as OwnServer } from '../server';
import type { PerMessageDeflateOptions as OwnDeflateOptions } from '../session/types';

/** What a class has that extends Node's EventEmitter, as ws's does: `WebSocket.once(socket, 'open')`. */
export type EmitterStatics = Omit<typeof EventEmitter, 'prototype'>;

/** A class of sockets, for `InstanceType`. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type SocketClass = abstract new (...args: any) => any;
export type RequestClass = typeof IncomingMessage;

export type CertMeta = string | string[] | Buffer | Buffer[];

export interface PerMessageDeflateOptions extends OwnDeflateOptions {
  clientMaxWindowBits?: number | undefined;
}

/** The socket that finishRequest() gets: what one of ws has as well, so that the options fit both modules. */
export interface RequestingSocket extends EventEmitter {
  readonly url: string;
  readonly readyState: 0 | 1 | 2 | 3;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  readonly isPaused: boolean;
  close(code?: number, data?: string | Buffer): void;
  terminate(): void;
}

/** As a method, so that a function that is typed with the whole class of either module is one, too. */
interface Finishing {
  finishRequest(request: ClientRequest, websocket: RequestingSocket): void;
}

/** Names and meanings are ws's; what has no effect is in docs/migrating-from-ws.md. */
export interface ClientOptions<Socket>
  extends
    SecureContextOptions,
    Omit<
      ClientOptionsOf<Socket>,
      | keyof SecureContextOptions
      | 'agent'
      | 'checkServerIdentity'
      | 'createConnection'
      | 'finishRequest'
      | 'headers'
      | 'perMessageDeflate'
    > {
  protocol?: string | undefined;
  host?: string | undefined;
  generateMask?(mask: Buffer): void;
  headers?: { [key: string]: string } | undefined;
  agent?: Agent | undefined;
  checkServerIdentity?(servername: string, cert: CertMeta): boolean;
  createConnection?: typeof createConnection | undefined;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  finishRequest?: Finishing['finishRequest'] | undefined;
}

/** What the constructor takes: as ws's, whatever a request of Node's may have as well. */
export type AnyClientOptions<Socket> =
  | ClientOptions<Socket>
  | (Omit<ClientOptionsOf<Socket>, 'finishRequest'> & Pick<ClientOptions<Socket>, 'finishRequest'>)
  | ClientRequestArgs;

export type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (info: {
  origin: string;
  secure: boolean;
  req: Request;
}) => boolean;

export type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
  info: { origin: string; secure: boolean; req: Request },
  callback: (res: boolean, code?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
) => void;

export interface ServerOptions<
  Sockets extends SocketClass,
  Requests extends RequestClass,
> extends Omit<
  OwnServerOptions,
  | 'port'
  | 'host'
  | 'backlog'
  | 'server'
  | 'path'
  | 'verifyClient'
  | 'handleProtocols'
  | 'perMessageDeflate'
  | 'WebSocket'
> {
  host?: string | undefined;
  port?: number | undefined;
  backlog?: number | undefined;
  server?: HttpServer<Requests> | HttpsServer<Requests> | undefined;
  path?: string | undefined;
  verifyClient?:
    | VerifyClientCallbackAsync<InstanceType<Requests>>
    | VerifyClientCallbackSync<InstanceType<Requests>>
    | undefined;
  handleProtocols?: (protocols: Set<string>, request: InstanceType<Requests>) => string | false;
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  WebSocket?: Sockets | undefined;
}

/** What the constructor takes. */
export type AnyServerOptions<Sockets extends SocketClass, Requests extends RequestClass> =
  ServerOptions<Sockets, Requests> | OwnServerOptions;

/** Events of a server, and what their listeners get. */
export interface ServerEvents<Socket, Request> {
  connection: [socket: Socket, request: Request];
  headers: [headers: string[], request: Request];
  wsClientError: [error: Error, socket: Duplex, request: Request];
  error: [error: Error];
  listening: [];
  close: [];
}

/**
 * The members of the package's server that do not depend on the classes of its sockets and requests. It has
 * `broadcast()` all the same; but programs that use ws have written their own, of other types.
 */
export interface ServerBase
  extends
    EventEmitter,
    Omit<
      OwnServer,
      | keyof EventEmitter
      | 'broadcast'
      | 'clients'
      | 'completeUpgrade'
      | 'handleUpgrade'
      | 'options'
      | 'shouldHandle'
    > {}
