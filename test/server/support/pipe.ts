/**
 * A server on a named pipe of Windows', by `port`, and its clients. Elsewhere the same listener is given Unix sockets,
 * which Node.js opens in the same way.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { WebSocket, WebSocketServer, type ClientOptions, type ServerOptions } from '../../../lib';
import { paths } from '../../../lib/server/listeners';
import { certificates } from '../../support/certificates';
import { makeLocalPath, type LocalPath } from '../../support/local-path';
import { upgradeRequest } from './ways';

type Stats = WebSocketServer['stats'];

export class PipeFixture {
  #place: LocalPath | undefined;
  #server: WebSocketServer | undefined;
  readonly #servers: WebSocketServer[] = [];
  readonly #peers: (Socket | WebSocket)[] = [];

  /** Where nobody listens yet. */
  get path(): string {
    return (this.#place as LocalPath).path;
  }

  /** The last one that was made. */
  get server(): WebSocketServer {
    return this.#server as WebSocketServer;
  }

  /** One that has not begun to listen. */
  make(options: ServerOptions = {}): WebSocketServer {
    this.#server = new WebSocketServer({ port: this.path, ...options });
    this.#servers.push(this.#server);
    return this.#server;
  }

  async start(options: ServerOptions = {}): Promise<WebSocketServer> {
    const server = this.make(options);
    await once(server, 'listening');
    return server;
  }

  dial(options = {}): Socket {
    return this.#keep(connect({ path: this.path, ...options }));
  }

  dialTls(options = {}): TLSSocket {
    const { ca } = certificates();
    return this.#keep(connectTls({ path: this.path, ca, servername: 'localhost', ...options }));
  }

  #keep<S extends Socket>(socket: S): S {
    this.#peers.push(socket);
    socket.on('error', () => undefined);
    return socket;
  }

  client(options: ClientOptions = {}, scheme = 'ws'): WebSocket {
    const socket = new WebSocket(`${scheme}://localhost/a?b`, {
      socketPath: this.path,
      ...options,
    });
    this.#peers.push(socket);
    return socket;
  }

  /** A client's socket, behind the answer to its request; and the server's of it. */
  async open<S extends Socket = Socket>(
    socket = this.dial() as S,
  ): Promise<[S, WebSocket, IncomingMessage]> {
    const connected = once(this.server, 'connection') as Promise<[WebSocket, IncomingMessage]>;
    socket.write(upgradeRequest());
    await once(socket, 'data');
    return [socket, ...(await connected)];
  }

  /** When the counters are so. */
  async when(holds: (stats: Stats) => boolean): Promise<void> {
    while (!holds(this.server.stats)) await new Promise(setImmediate);
  }

  /** What is not zero, of that which counts what has gone wrong. */
  get excesses(): Partial<Stats> {
    const normal: readonly string[] = ['connections', 'handshakes', 'accepted'];
    const stats = Object.entries(this.server.stats).filter(
      ([name, count]) => count !== 0 && !normal.includes(name),
    );
    return Object.fromEntries(stats);
  }

  /** Connections, handshakes, and connections that were accepted. */
  get numbers(): number[] {
    const { connections, handshakes, accepted } = this.server.stats;
    return [connections, handshakes, accepted];
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.splice(0)) {
      if (peer instanceof WebSocket) peer.terminate();
      else peer.destroy();
    }
    for (const server of this.#servers.splice(0)) {
      for (const one of server.clients) one.terminate();
      await new Promise((resolve) => server.close(resolve));
    }
  }

  /** Of a suite. */
  static use(): PipeFixture {
    const fixture = new PipeFixture();
    const { arePipes } = paths;
    before(() => (paths.arePipes = true));
    after(() => (paths.arePipes = arePipes));
    beforeEach(() => (fixture.#place = makeLocalPath()));
    afterEach(async () => {
      await fixture.close();
      fixture.#place?.remove();
    });
    return fixture;
  }
}

/** What comes until the connection ends, with or without an error. */
export async function untilClosed(socket: Socket): Promise<string> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  await new Promise((resolve) => socket.once('close', resolve));
  return answer;
}
