/**
 * What stands for the network socket of a connection that the engine has accepted: in `req.socket`, for
 * `verifyClient` and for listeners of `wsClientError`. It has what they use of a net.Socket or a tls.TLSSocket: the
 * ends of the connection, the client's certificate, and, until the request is decided, a way to answer it.
 */
import { X509Certificate } from 'node:crypto';
import { Duplex } from 'node:stream';
import type { Connection, ConnectionHandlers } from '../addon/connection';
import type { ConnectionFailure, IncomingRequest } from '../addon/contract';
import { cipherOf, FAMILIES, legacyCertificate } from './facts';

/** A request that nobody has decided yet hears of its client's end only. */
class Undecided implements ConnectionHandlers {
  constructor(private readonly socket: { peerEnded(): void; connectionEnded(): void }) {}

  onCertificate(): void {
    // A client's.
  }
  onRedirect(_failure: ConnectionFailure): void {
    // A client's.
  }
  onFailure(_failure: ConnectionFailure): void {
    this.onClosed();
  }
  onEstablished(): void {
    // A client's.
  }
  onMessage(): void {
    // Not before it is decided.
  }
  onPing(): void {
    // Likewise.
  }
  onPong(): void {
    // Likewise.
  }
  onDrain(): void {
    // Likewise.
  }
  onPeerClose(): void {
    // Likewise.
  }
  onError(): void {
    // Likewise.
  }
  onFlushed(): void {
    // Likewise.
  }
  onPeerEnd(): void {
    this.socket.peerEnded();
  }
  onClosed(): void {
    this.socket.connectionEnded();
  }
}

/** The ends of an accepted connection, and what TLS says of its client: kept for as long as it is open. */
export class AcceptedEnds {
  readonly remoteAddress: string | undefined;
  readonly remotePort: number | undefined;
  readonly remoteFamily: string | undefined;
  readonly localAddress: string | undefined;
  readonly localPort: number | undefined;
  readonly localFamily: string | undefined;
  /** Over TLS. */
  readonly encrypted: boolean;
  readonly authorized: boolean;
  readonly authorizationError: string | null;
  readonly alpnProtocol: string | false;
  readonly servername: string | false;
  readonly #tls: IncomingRequest['tls'];

  constructor(request: IncomingRequest) {
    const { tls } = request;
    const family = FAMILIES[request.remoteFamily];
    this.remoteAddress = family && request.remoteAddress;
    this.remotePort = family === undefined ? undefined : request.remotePort;
    this.remoteFamily = family;
    this.localAddress = family && request.localAddress;
    this.localPort = family === undefined ? undefined : request.localPort;
    this.localFamily = family;
    this.encrypted = tls !== undefined;
    this.authorized = tls?.authorized ?? false;
    this.authorizationError = tls?.authorizationError ?? null;
    this.alpnProtocol = tls?.alpn ?? false;
    this.servername = tls?.servername ?? false;
    this.#tls = tls;
  }

  address(): { address: string; family: string; port: number } | Record<string, never> {
    const { localAddress, localFamily, localPort } = this;
    if (localAddress === undefined || localFamily === undefined || localPort === undefined)
      return {};
    return { address: localAddress, family: localFamily, port: localPort };
  }

  /** The client's certificate, as tls.TLSSocket has it; {} without one. */
  getPeerCertificate(): object {
    return legacyCertificate(this.#tls?.certificate);
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    const raw = this.#tls?.certificate;
    return raw && new X509Certificate(raw);
  }

  getProtocol(): string | null {
    return this.#tls?.protocol ?? null;
  }

  getCipher(): ReturnType<typeof cipherOf> | undefined {
    return this.#tls && cipherOf(this.#tls);
  }
}

export class EngineSocket extends Duplex {
  readonly ends: AcceptedEnds;
  #connection: Connection | undefined;
  /** What was written before it is decided: an answer that refuses. */
  #answer = '';
  /** Accepted or refused. */
  #decided = false;

  constructor(request: IncomingRequest) {
    super({ allowHalfOpen: true, emitClose: true });
    this.ends = new AcceptedEnds(request);
  }

  /** Its connection waits for a decision. */
  attach(connection: Connection): void {
    this.#connection = connection;
    connection.companion = this;
  }

  // Who listens need not keep it: as with a socket of Node's.

  override on(event: string | symbol, listener: (...args: never[]) => void): this {
    this.#stay();
    return super.on(event, listener as () => void);
  }

  override addListener(event: string | symbol, listener: (...args: never[]) => void): this {
    return this.on(event, listener);
  }

  override prependListener(event: string | symbol, listener: (...args: never[]) => void): this {
    this.#stay();
    return super.prependListener(event, listener as () => void);
  }

  #stay(): void {
    if (this.#connection) this.#connection.companion = this;
  }

  /** Where the connection's events go until it is decided. */
  handlers(): ConnectionHandlers {
    return new Undecided({
      // What listeners find is a socket that is not readable any more.
      peerEnded: () => {
        this.push(null);
        this.read(0); // nobody else does
      },
      connectionEnded: () => this.connectionEnded(),
    });
  }

  /** TCP has ended. */
  connectionEnded(): void {
    this.#connection = undefined;
    this.destroy();
  }

  /** Hands the connection to who accepts it, and still ends with it, as it with this; undefined: it is gone. */
  handOver(): Connection | undefined {
    const connection = this.#connection;
    if (connection === undefined) return undefined;
    this.#decided = true;
    // Ten thousand idle connections notice.
    if (this.eventNames().length === 0) connection.companion = new WeakRef(this);
    return connection;
  }

  /** Answers what was written. It ends by itself when that has gone out, whatever becomes of this object. */
  #refuse(): void {
    if (this.#decided) return;
    this.#decided = true;
    const connection = this.#connection;
    this.#connection = undefined;
    connection?.refuse(this.#answer);
  }

  // As a socket of Node's has them, on its prototype: an own property more costs each connection.

  get remoteAddress(): AcceptedEnds['remoteAddress'] {
    return this.ends.remoteAddress;
  }

  get remotePort(): AcceptedEnds['remotePort'] {
    return this.ends.remotePort;
  }

  get remoteFamily(): AcceptedEnds['remoteFamily'] {
    return this.ends.remoteFamily;
  }

  get localAddress(): AcceptedEnds['localAddress'] {
    return this.ends.localAddress;
  }

  get localPort(): AcceptedEnds['localPort'] {
    return this.ends.localPort;
  }

  get localFamily(): AcceptedEnds['localFamily'] {
    return this.ends.localFamily;
  }

  get encrypted(): AcceptedEnds['encrypted'] {
    return this.ends.encrypted;
  }

  get authorized(): AcceptedEnds['authorized'] {
    return this.ends.authorized;
  }

  get authorizationError(): AcceptedEnds['authorizationError'] {
    return this.ends.authorizationError;
  }

  get alpnProtocol(): AcceptedEnds['alpnProtocol'] {
    return this.ends.alpnProtocol;
  }

  get servername(): AcceptedEnds['servername'] {
    return this.ends.servername;
  }

  address(): ReturnType<AcceptedEnds['address']> {
    return this.ends.address();
  }

  getPeerCertificate(): object {
    return this.ends.getPeerCertificate();
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return this.ends.getPeerX509Certificate();
  }

  getProtocol(): string | null {
    return this.ends.getProtocol();
  }

  getCipher(): ReturnType<AcceptedEnds['getCipher']> {
    return this.ends.getCipher();
  }

  /** The engine has deadlines of its own. */
  setTimeout(): this {
    return this;
  }

  /** The engine sets it. */
  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    this.#connection?.ref();
    return this;
  }

  unref(): this {
    this.#connection?.unref();
    return this;
  }

  override _read(): void {
    // What the client sends goes to the WebSocket.
  }

  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    this.#answer += chunk.toString('latin1');
    callback();
  }

  override _final(callback: (error?: Error | null) => void): void {
    this.#refuse();
    callback();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    // As with a socket of Node's, what has been written goes out.
    if (this.#answer !== '' && error === null) this.#refuse();
    this.#connection?.terminate();
    callback(error);
  }
}
