/**
 * What stands for the network socket of an open WebSocket: `_socket`, of which programs written for ws use a little.
 * Frames are the engine's matter, so that nothing can be read or written here.
 */
import { EventEmitter } from 'node:events';
import type { Duplex } from 'node:stream';
import type { Established } from '../addon/contract';
import { errnoOf, SYSTEM_CALL } from '../base/system-errors';
import { cipherOf, FAMILIES, legacyCertificate } from '../sockets/facts';

/** The ends of a connection: as the engine tells them, or the stream that it goes over, which tells them itself. */
export type Ends = Pick<
  Established,
  'remoteAddress' | 'remotePort' | 'remoteFamily' | 'localAddress' | 'localPort' | 'tls'
> & { stream?: undefined };
export interface StreamEnds {
  stream: Duplex | SocketFacts;
}

/** The certificate of the last connection: those to one server have one. */
let lastCertificate: Buffer | undefined;

/** Of an established connection, what is worth keeping. */
export function endsOf(info: Established): Ends {
  const { remoteAddress, remotePort, remoteFamily, localAddress, localPort, tls } = info;
  const ends = { remoteAddress, remotePort, remoteFamily, localAddress, localPort };
  if (!tls) return ends;
  if (tls.certificate && lastCertificate?.equals(tls.certificate)) {
    return { ...ends, tls: { ...tls, certificate: lastCertificate } };
  }
  lastCertificate = tls.certificate;
  return { ...ends, tls };
}

/** What it asks the session for. */
export interface Viewed {
  setRef(on: boolean): void;
  terminate(): void;
  readonly waiting: number;
  readonly isPaused: boolean;
  readonly highWaterMark: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** As far as net.Socket and tls.TLSSocket have them. */
interface SocketFacts {
  remoteAddress?: string | undefined;
  remotePort?: number | undefined;
  remoteFamily?: string | undefined;
  localAddress?: string | undefined;
  localPort?: number | undefined;
  localFamily?: string | undefined;
  encrypted?: boolean | undefined;
  authorized?: boolean | undefined;
  authorizationError?: unknown;
  alpnProtocol?: string | false | null | undefined;
  servername?: string | false | undefined;
  getPeerCertificate?: ((detailed?: boolean) => object) | undefined;
  getProtocol?: (() => string | null) | undefined;
  getCipher?: (() => unknown) | undefined;
  setNoDelay?: ((on?: boolean) => unknown) | undefined;
  setKeepAlive?: ((on?: boolean, delay?: number) => unknown) | undefined;
}

function factsOf(ends: Ends): SocketFacts {
  const { tls } = ends;
  const family = FAMILIES[ends.remoteFamily];
  return {
    ...(family !== undefined && {
      remoteAddress: ends.remoteAddress,
      remotePort: ends.remotePort,
      remoteFamily: family,
      localAddress: ends.localAddress,
      localPort: ends.localPort,
      localFamily: family,
    }),
    ...(tls && {
      encrypted: true,
      authorized: tls.authorized,
      authorizationError: null,
      alpnProtocol: tls.alpn || false,
      getPeerCertificate: () => legacyCertificate(tls.certificate),
      getProtocol: () => tls.protocol,
      getCipher: () => cipherOf(tls),
    }),
  };
}

export class SocketView extends EventEmitter {
  readonly #session: Viewed;
  readonly #facts: SocketFacts;
  #ended = false;

  constructor(session: Viewed, ends: Ends | StreamEnds) {
    super();
    this.#session = session;
    this.#facts = ends.stream ? (ends.stream as SocketFacts) : factsOf(ends);
  }

  get remoteAddress(): string | undefined {
    return this.#facts.remoteAddress;
  }
  get remotePort(): number | undefined {
    return this.#facts.remotePort;
  }
  get remoteFamily(): string | undefined {
    return this.#facts.remoteFamily;
  }
  get localAddress(): string | undefined {
    return this.#facts.localAddress;
  }
  get localPort(): number | undefined {
    return this.#facts.localPort;
  }
  get localFamily(): string | undefined {
    return this.#facts.localFamily;
  }

  address(): { address: string; family: string; port: number } | Record<string, never> {
    const { localAddress: address, localFamily: family, localPort: port } = this;
    if (address === undefined || family === undefined || port === undefined) return {};
    return { address, family, port };
  }

  /** Over TLS. */
  get encrypted(): boolean {
    return this.#facts.encrypted === true;
  }
  /** Whether the peer's certificate has been verified. */
  get authorized(): boolean {
    return this.#facts.authorized === true;
  }
  get authorizationError(): unknown {
    return this.#facts.authorizationError ?? null;
  }
  get alpnProtocol(): string | false | null {
    return this.#facts.alpnProtocol ?? null;
  }
  get servername(): string | false | undefined {
    return this.#facts.servername;
  }

  /** The peer's certificate, as tls.TLSSocket has it; {} without one. */
  getPeerCertificate(detailed?: boolean): object {
    const facts = this.#facts;
    return facts.getPeerCertificate?.(detailed) ?? {};
  }
  getProtocol(): string | null {
    const facts = this.#facts;
    return facts.getProtocol?.() ?? null;
  }
  getCipher(): unknown {
    const facts = this.#facts;
    return facts.getCipher?.();
  }

  // ---- Its state

  get destroyed(): boolean {
    return this.#ended;
  }
  get connecting(): boolean {
    return false;
  }
  get pending(): boolean {
    return false;
  }
  get readyState(): 'open' | 'closed' {
    return this.#ended ? 'closed' : 'open';
  }
  /** Whether the WebSocket does not read. */
  isPaused(): boolean {
    return this.#session.isPaused;
  }
  get readable(): boolean {
    return !this.#ended;
  }
  get writable(): boolean {
    return !this.#ended;
  }
  /** Bytes of messages that wait to be sent. */
  get writableLength(): number {
    return this.#session.waiting;
  }
  get bufferSize(): number {
    return this.writableLength;
  }
  get writableHighWaterMark(): number {
    return this.#session.highWaterMark;
  }
  get writableNeedDrain(): boolean {
    return this.writableLength > this.writableHighWaterMark;
  }
  get bytesRead(): number {
    return this.#session.bytesRead;
  }
  get bytesWritten(): number {
    return this.#session.bytesWritten;
  }
  /** What ws's stream, and others who look into Node's, read of it. */
  get _writableState(): { finished: boolean; ended: boolean; length: number; needDrain: boolean } {
    const { writableLength: length, writableNeedDrain: needDrain } = this;
    return { finished: this.#ended, ended: this.#ended, length, needDrain };
  }
  get _readableState(): { endEmitted: boolean; ended: boolean } {
    return { endEmitted: this.#ended, ended: this.#ended };
  }

  // ---- What can be done with it

  ref(): this {
    this.#session.setRef(true);
    return this;
  }
  unref(): this {
    this.#session.setRef(false);
    return this;
  }
  /** Without effect on sockets of the engine, which sends at once. */
  setNoDelay(on?: boolean): this {
    const facts = this.#facts;
    facts.setNoDelay?.(on);
    return this;
  }
  /** Without effect on sockets of the engine: use `heartbeat`. */
  setKeepAlive(on?: boolean, delay?: number): this {
    const facts = this.#facts;
    facts.setKeepAlive?.(on, delay);
    return this;
  }
  /** Without effect: use `heartbeat`. */
  setTimeout(): this {
    return this;
  }
  /** Without effect: what is sent in one turn goes out together. */
  cork(): void {
    // See above.
  }
  uncork(): void {
    // See above.
  }
  /** Ends TCP at once. */
  destroy(): this {
    this.#session.terminate();
    return this;
  }
  destroySoon(): void {
    this.destroy();
  }
  end(): this {
    return this.destroy();
  }

  /**
   * The connection has ended.
   *
   * @param detail the system's words for an end that is an error of the socket's, as Node has it; or anything else.
   */
  close(detail: string): void {
    if (this.#ended) return;
    this.#ended = true;
    const [, syscall, code] = SYSTEM_CALL.exec(detail) ?? [];
    if (code !== undefined && this.listenerCount('error') > 0) {
      const error = new Error(`${syscall} ${code}`);
      this.emit('error', Object.assign(error, { code, syscall, errno: errnoOf(code) }));
    }
    this.emit('finish');
    this.emit('end');
    this.emit('close', false);
  }
}
