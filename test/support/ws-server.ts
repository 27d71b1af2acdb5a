/**
 * npm ws as the peer: echo servers over TCP, TLS, IPv6 and unix sockets, on loopback and a free port only.
 */
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server as HttpServer,
} from 'node:http';
import { createServer as createHttpsServer, type ServerOptions as HttpsOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { type ServerOptions, WebSocket as WsSocket, WebSocketServer } from 'ws';
import { certificates, type Identity } from './certificates';
import { type LocalPath, makeLocalPath } from './local-path';

export type { WsSocket };

export interface WsServerOptions {
  /** '127.0.0.1' (default), '::1', or 'unix': see {@link makeLocalPath}. */
  on?: '127.0.0.1' | '::1' | 'unix';
  /** Default: a free one. */
  port?: number;
  /** TLS with this identity; true: the valid one. */
  tls?: boolean | Identity;
  /** Demand a client certificate of the test authority. */
  verifyClient?: boolean;
  /** Further TLS options. */
  tlsOptions?: HttpsOptions;
  /** Options of ws. */
  ws?: ServerOptions;
  /** Instead of echoing. */
  onConnection?: (socket: WsSocket, request: IncomingMessage) => void;
}

export interface WsServer {
  /** With the host name localhost, except for IPv6. */
  readonly url: string;
  readonly port: number;
  /** Unix servers: the path of the socket, or pipe. */
  readonly socketPath: string;
  readonly wss: WebSocketServer;
  readonly http: HttpServer;
  /** The next connection that is made, or one that was made and not yet taken. */
  nextConnection(): Promise<{ socket: WsSocket; request: IncomingMessage }>;
  /** Drops every connection and stops; resolves when the port is free. */
  close(): Promise<void>;
}

/** Starts a server that sends every message back as it came. */
export async function startWsServer(options: WsServerOptions = {}): Promise<WsServer> {
  const { on = '127.0.0.1' } = options;
  const http = makeHttpServer(options);
  const wss = new WebSocketServer({ server: http, clientTracking: true, ...options.ws });
  const waiting: ((connection: { socket: WsSocket; request: IncomingMessage }) => void)[] = [];
  const arrived: { socket: WsSocket; request: IncomingMessage }[] = [];

  wss.on('connection', (socket, request) => {
    // A test that breaks the connection on purpose is no error of the server's.
    socket.on('error', () => {});
    (options.onConnection ?? echo)(socket, request);
    const waiter = waiting.shift();
    if (waiter) waiter({ socket, request });
    else arrived.push({ socket, request });
  });

  const local: LocalPath | undefined = on === 'unix' ? makeLocalPath() : undefined;
  const socketPath = local?.path ?? '';
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject);
    if (on === 'unix') http.listen(socketPath, resolve);
    else http.listen(options.port ?? 0, on, resolve);
  });

  const port = on === 'unix' ? 0 : (http.address() as AddressInfo).port;
  const scheme = options.tls ? 'wss' : 'ws';
  let closing: Promise<void> | undefined;
  return {
    url:
      on === 'unix'
        ? `ws+unix:${socketPath}`
        : `${scheme}://${on === '::1' ? '[::1]' : 'localhost'}:${port}`,
    port,
    socketPath,
    wss,
    http,
    nextConnection() {
      const connection = arrived.shift();
      return connection
        ? Promise.resolve(connection)
        : new Promise((resolve) => waiting.push(resolve));
    },
    close() {
      closing ??= new Promise<void>((resolve) => {
        for (const socket of wss.clients) socket.terminate();
        wss.close();
        http.close(() => {
          local?.remove();
          resolve();
        });
        http.closeAllConnections();
      });
      return closing;
    },
  };
}

/** Sends every message back as it came. */
export function echo(socket: WsSocket): void {
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
}

function makeHttpServer(options: WsServerOptions): HttpServer {
  if (!options.tls) return createHttpServer();
  const all = certificates();
  const identity = options.tls === true ? all.server : options.tls;
  return createHttpsServer({
    cert: identity.cert,
    key: identity.key,
    ...(options.verifyClient ? { ca: all.ca, requestCert: true, rejectUnauthorized: true } : {}),
    ...options.tlsOptions,
  });
}
