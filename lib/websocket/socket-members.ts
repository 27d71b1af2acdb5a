/** What a WebSocket says of the connection that it goes over. */
import type { SocketView } from '../session/socket-view';
import { EmitterTarget } from './emitter';

/** Undefined before it is open, and for Unix sockets. After its end the addresses stay as far as they are known. */
export interface SocketFacts {
  /** The peer's address. */
  readonly remoteAddress: string | undefined;
  /** The peer's port. */
  readonly remotePort: number | undefined;
  /** 'IPv4' or 'IPv6'. */
  readonly remoteFamily: string | undefined;
  /** The address on this side. */
  readonly localAddress: string | undefined;
  /** The port on this side. */
  readonly localPort: number | undefined;
  /** Whether it goes over TLS. */
  readonly encrypted: boolean;
  /** Whether the peer's certificate has been verified. */
  readonly authorized: boolean;
}

type Facts = { [K in keyof SocketFacts]: (view: SocketView | null) => SocketFacts[K] };

/** How each is found out. */
export const SOCKET_FACTS: Facts = {
  remoteAddress: (view) => view?.remoteAddress,
  remotePort: (view) => view?.remotePort,
  remoteFamily: (view) => view?.remoteFamily,
  localAddress: (view) => view?.localAddress,
  localPort: (view) => view?.localPort,
  encrypted: (view) => view?.encrypted ?? false,
  authorized: (view) => view?.authorized ?? false,
};

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export abstract class SocketMembers extends EmitterTarget {
  /** @internal */
  protected abstract get view(): SocketView | null;

  /** Stands for the network socket, for programs that use ws's; null before it is open. */
  get _socket(): SocketView | null {
    return this.view;
  }

  /** The peer's certificate, in the form of `tls.TLSSocket`; {} where there is none. */
  getPeerCertificate(): object {
    return this.view?.getPeerCertificate() ?? {};
  }

  static {
    for (const [name, read] of Object.entries(SOCKET_FACTS)) {
      Object.defineProperty(this.prototype, name, {
        get(this: SocketMembers) {
          return read(this.view);
        },
        configurable: true,
      });
    }
  }
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging, @typescript-eslint/no-empty-object-type
export interface SocketMembers extends SocketFacts {}
