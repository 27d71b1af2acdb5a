/** What a WebSocket says of the connection that it goes over. */
import type { SocketView } from '../session/socket-view';
import { EmitterTarget } from './emitter';

/** Undefined before it is open, and for Unix sockets. After its end the addresses stay as far as they are known. */
export abstract class SocketMembers extends EmitterTarget {
  /** @internal */
  protected abstract get view(): SocketView | null;

  /** Stands for the network socket, for programs that use ws's; null before it is open. */
  get _socket(): SocketView | null {
    return this.view;
  }

  /** The peer's address. */
  get remoteAddress(): string | undefined {
    return this.view?.remoteAddress;
  }

  /** The peer's port. */
  get remotePort(): number | undefined {
    return this.view?.remotePort;
  }

  /** 'IPv4' or 'IPv6'. */
  get remoteFamily(): string | undefined {
    return this.view?.remoteFamily;
  }

  /** The address on this side. */
  get localAddress(): string | undefined {
    return this.view?.localAddress;
  }

  /** The port on this side. */
  get localPort(): number | undefined {
    return this.view?.localPort;
  }

  /** Whether it goes over TLS. */
  get encrypted(): boolean {
    return this.view?.encrypted ?? false;
  }

  /** Whether the peer's certificate has been verified. */
  get authorized(): boolean {
    return this.view?.authorized ?? false;
  }

  /** The peer's certificate, in the form of `tls.TLSSocket`; {} where there is none. */
  getPeerCertificate(): object {
    return this.view?.getPeerCertificate() ?? {};
  }
}
