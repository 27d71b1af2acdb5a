/**
 * A server of the engine's own, in the shape of an http.Server as far as a WebSocketServer uses one: it listens, emits
 * `upgrade` for requests to upgrade, and counts its connections. All other requests are answered by the engine.
 */
import { lookup } from 'node:dns';
import { EventEmitter } from 'node:events';
import { unlinkSync } from 'node:fs';
import { isIP } from 'node:net';
import { getSystemErrorMap } from 'node:util';
import { Connection, type ConnectionOwner } from '../addon/connection';
import { environment } from '../addon/environment';
import type {
  IncomingRequest,
  ListenerStats,
  ListenOptions,
  NativeAddon,
  ServerTlsOptions,
} from '../addon/contract';
import { nextTick } from '../base/runtime';
import { EngineSocket } from '../sockets/engine-socket';
import { refusalText } from './handshake';
import type { Listener, ListenerAddress, ListenerEvents } from './listener';
import { messageOf } from './request';

const NO_HEAD = Buffer.alloc(0);

export class EngineListener extends EventEmitter<ListenerEvents> implements Listener {
  #id = 0;
  #address: ListenerAddress | null = null;
  #connections = 0;
  #closing = false;
  /** Listens no more, but lets in whoever was connected already. */
  #finishing = false;
  #fd: number | undefined;
  #handedOn = false;
  #refed = true;
  #lastStats: ListenerStats | undefined;
  /** What a certificate was made into, until the engine has it. */
  #tls: number | undefined;

  /** Begins to listen: `listening` or `error` follows. */
  constructor(
    private readonly options: Omit<ListenOptions, 'tls'>,
    tls: ServerTlsOptions | undefined,
    /** Is told the same as this of its connections. */
    private readonly counters: ConnectionOwner,
  ) {
    super();
    const { host } = options;
    // Checks the certificate before anything is done.
    if (tls !== undefined) this.#tls = environment().addon.createServerTls(tls);
    if (host === undefined || host === '' || isIP(host) !== 0) this.#begin(host);
    else {
      lookup(host, (error, address) => {
        if (this.#closing) return;
        if (error) {
          this.#replaceTls();
          this.emit('error', error);
          return;
        }
        try {
          this.#begin(address);
        } catch (problem) {
          this.emit('error', problem as Error);
        }
      });
    }
  }

  get listening(): boolean {
    return this.#id !== 0 && !this.#closing;
  }

  #replaceTls(handle?: number): void {
    if (this.#tls !== undefined) environment().addon.releaseServerTls(this.#tls);
    this.#tls = handle;
  }

  #listen(host: string | undefined): ReturnType<NativeAddon['listen']> {
    const { dispatcher } = environment();
    try {
      dispatcher.start();
      return dispatcher.addon.listen({ ...this.options, host, tls: this.#tls });
    } finally {
      this.#replaceTls(); // the engine has its own hold on it
    }
  }

  #begin(host: string | undefined): void {
    const result = this.#listen(host);
    const { dispatcher } = environment();
    if (typeof result.errno === 'number') {
      nextTick(() => {
        if (!this.#closing) this.emit('error', listenError(result as ListenFailure, this.options));
      });
      return;
    }
    this.#id = result.id;
    this.#fd = result.fd;
    this.#address = result.path ?? {
      address: result.address as string,
      family: result.family === 6 ? 'IPv6' : 'IPv4',
      port: result.port as number,
    };
    dispatcher.refuseLate = refuseLate;
    dispatcher.listeners.set(result.id, (connection, request) =>
      this.#incoming(connection, request),
    );
    if (this.#refed) dispatcher.hold();
    nextTick(() => {
      if (!this.#closing) this.emit('listening');
    });
  }

  #incoming(id: number, request: IncomingRequest): void {
    const { dispatcher } = environment();
    const socket = new EngineSocket(request);
    const connection = new Connection(dispatcher, socket.handlers());
    this.#connections += 1;
    connection.owner = this.#owner;
    connection.arrive(id);
    socket.attach(connection);
    const message = messageOf(request, socket);
    if (this.#closing && !this.#finishing) socket.end(refusalText(503));
    else if (!this.emit('upgrade', message, socket, NO_HEAD)) socket.destroy();
  }

  /** Of each connection: one for all of them. */
  readonly #owner: ConnectionOwner = {
    connectionEnded: (excess) => {
      this.counters.connectionEnded(excess);
      this.#connections -= 1;
      this.#lookForEnd();
    },
    sendRefused: () => this.counters.sendRefused(),
    publicationsLost: (messages) => this.counters.publicationsLost(messages),
  };

  #lookForEnd(): void {
    if (!this.#closing || this.#finishing || this.#connections > 0) return;
    nextTick(() => this.emit('close'));
  }

  /**
   * The listening socket, for another process to listen on. From then on the path of a Unix socket is not removed by
   * this one.
   */
  get fd(): number | undefined {
    if (!this.listening) return undefined;
    this.#handedOn = true;
    return this.#fd;
  }

  /** Stops listening, and lets in whoever is connected already, until finish(). */
  drain(): void {
    this.#finishing = true;
    this.close();
  }

  /** No more: `close` follows when the last connection has ended. */
  finish(): void {
    if (!this.#finishing) return;
    this.#finishing = false;
    this.#lookForEnd();
  }

  /** Whether no handshake is under way that JavaScript has not heard of. */
  get isQuiet(): boolean {
    const { handshakes, connections } = this.stats;
    return handshakes === 0 && connections <= this.#connections;
  }

  address(): ListenerAddress | null {
    return this.#closing ? null : this.#address;
  }

  /** Stops listening; `close` follows when the last connection has ended. */
  close(callback?: (error?: Error) => void): this {
    if (callback) this.once('close', callback);
    if (this.#closing) return this;
    this.#closing = true;
    if (this.#id !== 0) {
      const { dispatcher } = environment();
      dispatcher.addon.unlisten(this.#id);
      this.#removePath();
      if (this.#refed) dispatcher.unhold();
    } else this.#replaceTls();
    this.#lookForEnd();
    // What was being accepted gets its answer, if it comes in time.
    this.once('close', () => {
      const { dispatcher } = environment();
      dispatcher.listeners.delete(this.#id);
      this.#lastStats = this.stats;
      if (this.#id !== 0) dispatcher.addon.releaseListener(this.#id);
    });
    return this;
  }

  /** As Node: the path of a Unix socket goes with its server. Abstract names have no file. */
  #removePath(): void {
    const { path } = this.options;
    if (this.#handedOn || path === undefined || path.startsWith('\0') || path.startsWith('@'))
      return;
    try {
      unlinkSync(path);
    } catch {
      // Somebody else has done it.
    }
  }

  /** For connections accepted from now on. Those that stand keep theirs. */
  setTls(tls: ServerTlsOptions): void {
    const { addon } = environment();
    const handle = addon.createServerTls(tls);
    // Else the name is being looked up.
    if (this.#id === 0) this.#replaceTls(handle);
    else {
      if (!this.#closing) addon.setListenerTls(this.#id, handle);
      addon.releaseServerTls(handle);
    }
  }

  /** When it has closed there are no handshakes: the connections left are those that JavaScript knows. */
  get stats(): ListenerStats {
    const last = this.#lastStats;
    if (last) return { ...last, handshakes: 0, connections: this.#connections };
    return environment().addon.listenerStats(this.#id);
  }

  ref(): this {
    if (!this.#refed && this.listening) environment().dispatcher.hold();
    this.#refed = true;
    return this;
  }

  unref(): this {
    if (this.#refed && this.listening) environment().dispatcher.unhold();
    this.#refed = false;
    return this;
  }
}

/** A request whose listener has closed, with all of its connections. */
function refuseLate(id: number, request: IncomingRequest): void {
  const socket = new EngineSocket(request);
  const connection = new Connection(environment().dispatcher, socket.handlers());
  connection.arrive(id);
  connection.refuse(refusalText(503));
}

interface ListenFailure {
  errno: number;
  code: string;
  syscall: string;
}

/** As Node makes it: "listen EADDRINUSE: address already in use 127.0.0.1:80". */
function listenError(
  failure: ListenFailure,
  { host, port, path }: Omit<ListenOptions, 'tls'>,
): NodeJS.ErrnoException {
  const where = path ?? `${host === undefined || host === '' ? '::' : host}:${port}`;
  const [, words] = getSystemErrorMap().get(-failure.errno) ?? [];
  const error: NodeJS.ErrnoException & { address?: string; port?: number } = new Error(
    `${failure.syscall} ${failure.code}${words === undefined ? '' : `: ${words}`} ${where}`,
  );
  error.code = failure.code;
  error.errno = -failure.errno;
  error.syscall = failure.syscall;
  error.address = path ?? host ?? '::';
  if (path === undefined) error.port = port;
  return error;
}
