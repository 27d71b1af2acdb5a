/** A server on a port of its own, and clients of ws's with what they get. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket as WsClient } from 'ws';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../../lib';

export interface Guest {
  client: WsClient;
  socket: WebSocket;
  got: string[];
  /** Resolves when it has got so many. */
  has(count: number): Promise<void>;
}

export class Party {
  readonly errors: (Error & { code?: string; messages?: number; bytes?: number })[] = [];
  readonly #clients: WsClient[] = [];
  private constructor(readonly server: WebSocketServer) {
    server.on('brokerError', (error: Error) => this.errors.push(error));
  }

  static async begin(options: ServerOptions): Promise<Party> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
    const party = new Party(server);
    await once(server, 'listening');
    return party;
  }

  async join(options: { perMessageDeflate?: boolean } = {}): Promise<Guest> {
    const { port } = this.server.address() as AddressInfo;
    const connection = once(this.server, 'connection') as Promise<[WebSocket]>;
    const client = new WsClient(`ws://127.0.0.1:${port}`, options);
    this.#clients.push(client);
    const got: string[] = [];
    client.on('message', (data: Buffer, isBinary) => {
      got.push((isBinary ? 'binary ' : '') + data.toString());
    });
    const [[socket]] = await Promise.all([connection, once(client, 'open')]);
    const has = async (count: number): Promise<void> => {
      while (got.length < count) await once(client, 'message');
    };
    return { client, socket, got, has };
  }

  async end(): Promise<void> {
    for (const client of this.#clients) client.terminate();
    const closed = once(this.server, 'close');
    this.server.close();
    await closed;
  }
}
