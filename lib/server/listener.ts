/** What listens for a WebSocketServer that has a `port`: the engine, or Node.js on a named pipe of Windows'. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ListenerStats, ServerTlsOptions } from '../addon/contract';

/** The address of a listener, as net.Server has it. */
export type ListenerAddress = { address: string; family: string; port: number } | string;

export interface ListenerEvents {
  listening: [];
  close: [];
  error: [Error];
  /** A request to upgrade, its connection, and what has come behind it. */
  upgrade: [IncomingMessage, Duplex, Buffer];
}

/**
 * In the shape of an http.Server, as far as a WebSocketServer uses one. All requests but those to upgrade it answers.
 */
export interface Listener extends EventEmitter<ListenerEvents> {
  readonly listening: boolean;
  /** The listening socket, for another process; undefined where it cannot be had. */
  readonly fd: number | undefined;
  /** Whether no handshake is under way that the server has not heard of. */
  readonly isQuiet: boolean;
  readonly stats: ListenerStats;
  address(): ListenerAddress | null;
  /** Stops listening; `close` follows when the last connection has ended. */
  close(callback?: (error?: Error) => void): this;
  /** Stops listening, and lets in whoever is connected already, until finish(). */
  drain(): void;
  /** No more: `close` follows when the last connection has ended. */
  finish(): void;
  /** For connections accepted from now on. Those that stand keep theirs. */
  setTls(tls: ServerTlsOptions): void;
  ref(): this;
  unref(): this;
}
