/** The ways into a server, and ws's server beside them, so that one test runs on all. */
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { WebSocketServer as WsServer } from 'ws';
import { WebSocketServer, type ServerOptions } from '../../../lib';
import { certificates } from '../../support/certificates';

export interface Running {
  server: WebSocketServer;
  /** Node's, if it listens. */
  http?: HttpServer | undefined;
  port: number;
  secure: boolean;
  connect(): Socket;
  url: string;
  close(): Promise<void>;
}

type Make = (options: ServerOptions) => Promise<Running>;

/** Passes bytes on to a socket, and is nothing but a Duplex. */
export class Passage extends Duplex {
  constructor(private readonly inner: Socket) {
    super();
    inner.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) inner.pause();
    });
    inner.on('end', () => this.push(null));
    inner.on('error', (error) => this.destroy(error));
    inner.on('close', () => this.destroy());
  }
  override _read(): void {
    this.inner.resume();
  }
  override _write(
    chunk: Buffer,
    _: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.inner.write(chunk, callback);
  }
  override _final(callback: (error?: Error | null) => void): void {
    this.inner.end(callback);
  }
  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    this.inner.destroy();
    callback(error);
  }
}

function running(
  server: WebSocketServer,
  http: HttpServer | undefined,
  port: number,
  secure = false,
): Running {
  return {
    server,
    http,
    port,
    secure,
    url: `${secure ? 'wss' : 'ws'}://127.0.0.1:${port}`,
    connect: () =>
      secure
        ? connectTls({ port, host: '127.0.0.1', ca: certificates().ca, servername: 'localhost' })
        : connect(port, '127.0.0.1'),
    close: async () => {
      for (const socket of server.clients ?? []) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      http?.close();
      http?.closeAllConnections();
      await closed;
    },
  };
}

async function listen(http: HttpServer): Promise<number> {
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  return (http.address() as AddressInfo).port;
}

/** By name: how a server is made that gets its connections in this way. */
export const WAYS: Readonly<Record<string, Make>> = {
  'its own listener': async (options) => {
    const server = new WebSocketServer({ ...options, port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return running(server, undefined, (server.address() as AddressInfo).port);
  },
  'its own listener over TLS': async (options) => {
    const { cert, key } = certificates().server;
    const server = new WebSocketServer({ ...options, port: 0, host: '127.0.0.1', cert, key });
    await once(server, 'listening');
    return running(server, undefined, (server.address() as AddressInfo).port, true);
  },
  "Node's http server": async (options) => {
    const http = createServer();
    const server = new WebSocketServer({ ...options, server: http });
    return running(server, http, await listen(http));
  },
  "Node's https server": async (options) => {
    const { cert, key } = certificates().server;
    const http = createHttpsServer({ cert, key });
    const server = new WebSocketServer({ ...options, server: http });
    return running(server, http, await listen(http), true);
  },
  'a Duplex given to handleUpgrade()': async (options) => {
    const http = createServer();
    const server = new WebSocketServer({ ...options, noServer: true });
    http.on('upgrade', (request, socket, head) => {
      server.handleUpgrade(request, new Passage(socket as Socket), head, (made) => {
        server.emit('connection', made, request);
      });
    });
    return running(server, http, await listen(http));
  },
};

/** ws's own server, to compare with. */
export async function startWs(
  options: object,
): Promise<{ server: WsServer; port: number; close(): Promise<void> }> {
  const server = new WsServer({ ...options, port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  return {
    server,
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const socket of server.clients) socket.terminate();
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}

/** Sends bytes, and resolves with everything that came when the server has ended the connection. */
export function exchange(socket: Socket, bytes: string | Buffer): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
    socket.on('error', reject);
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve(answer));
    socket.write(bytes);
  });
}

/** The head of the answer; the connection is cut then. */
export function head(socket: Socket, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    socket.on('data', (chunk: Buffer) => {
      answer += chunk.toString('latin1');
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) return;
      resolve(answer.slice(0, end + 4));
      socket.destroy();
    });
    socket.on('error', reject);
    socket.write(request);
  });
}

export const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

/** A request to upgrade; `headers` replace or, if undefined, remove the usual ones. */
export function upgradeRequest(
  headers: Record<string, string | undefined> = {},
  line = 'GET / HTTP/1.1',
): string {
  const all: Record<string, string | undefined> = {
    Host: 'localhost',
    Upgrade: 'websocket',
    Connection: 'Upgrade',
    'Sec-WebSocket-Key': KEY,
    'Sec-WebSocket-Version': '13',
    ...headers,
  };
  const lines = Object.entries(all).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  );
  return [line, ...lines, '', ''].join('\r\n');
}
