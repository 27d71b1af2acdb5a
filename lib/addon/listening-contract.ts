/** What servers of the engine's own have: declarations only. See contract.ts. */
import type { TlsOptions } from './tls-contract';

/** A request to upgrade, which waits for a decision. */
export interface IncomingRequest {
  /** Of listen(). */
  listener: number;
  method: string;
  /** The request target, as it was sent. */
  target: string;
  /** Of HTTP/1.x. */
  minorVersion: number;
  /** Raw lines, "Name: value", each with its \r\n. */
  headers: string;
  remoteAddress: string;
  remotePort: number;
  localAddress: string;
  localPort: number;
  /** 4 or 6; 0: a Unix socket. */
  remoteFamily: number;
  tls?: {
    protocol: string;
    cipher: string;
    alpn: string | false;
    servername: string | false;
    authorized: boolean;
    /** Why not authorized; null: there is no certificate. */
    authorizationError: string | null;
    /** DER. */
    certificate?: Buffer;
  };
}

/** Addresses, networks and 'unix' of proxies, and the header in which they tell for whom they ask. */
export interface TrustedProxies {
  addresses: readonly string[];
  header: 'x-forwarded-for' | 'forwarded';
}

/** What listen() takes; validated by lib/ before. 0 turns a limit off. */
export interface ListenOptions {
  /** Numeric; absent: all addresses. */
  host?: string;
  port: number;
  /** Of a Unix socket, instead of host and port. */
  path?: string;
  /** A descriptor that listens already, of which a duplicate is used. */
  fd?: number;
  backlog: number;
  ipv6Only: boolean;
  reusePort: boolean;
  /** In ms. */
  handshakeTimeout: number;
  maxHeaderSize: number;
  maxHeadersCount: number;
  maxHandshakes: number;
  maxConnections: number;
  maxConnectionsPerAddress: number;
  /** Whose connections begin with a header of the PROXY protocol: all, or those of these addresses and networks. */
  proxyProtocol?: true | readonly string[];
  trustedProxies?: TrustedProxies;
  /** Of createServerTls(). */
  tls?: number;
}

/** Where a listener listens, or why it does not. */
export type ListenResult =
  | {
      id: number;
      /** The listening socket, which stays the engine's. */
      fd: number;
      address?: string;
      port?: number;
      family?: number;
      path?: string;
      errno?: undefined;
    }
  | { errno: number; code: string; syscall: string };

/** Counters of a listener. */
export interface ListenerStats {
  /** Open, handshakes included. */
  connections: number;
  /** Under way. */
  handshakes: number;
  accepted: number;
  /** Closed for `maxConnections`, and for `maxConnectionsPerAddress`. */
  overLimit: number;
  overLimitPerAddress: number;
  /** Handshakes that took longer than `handshakeTimeout`. */
  timeouts: number;
  /** Requests that are no HTTP, answered 400. */
  malformed: number;
  /** Requests past `maxHeaderSize`, and past `maxHeadersCount`, answered 431. */
  overHeaderSize: number;
  overHeadersCount: number;
  /** How often so many handshakes were under way as `maxHandshakes` says, and others had to wait. */
  overHandshakes: number;
  tlsFailures: number;
  /** Requests that ask for no upgrade, answered 426. */
  notUpgrades: number;
  /** Connections without a valid header of the PROXY protocol. */
  proxyFailures: number;
}

export interface ServerTlsOptions extends TlsOptions {
  requestCert: boolean;
  honorCipherOrder: boolean;
  /** In seconds. */
  sessionTimeout: number;
  ecdhCurve?: string;
  /** 48 bytes each. */
  ticketKeys?: Buffer;
  /** DER. */
  ocspResponse?: Buffer;
  /** Others, by server name. */
  names: readonly { name: string; tls: ServerTlsOptions }[];
}

/** The part of the addon that listens. */
export interface ListeningAddon {
  /** Listens. Request records follow. */
  listen(options: ListenOptions): ListenResult;
  /** Accepts no more when it has returned; connections are not touched, and handshakes under way go on. */
  unlisten(listener: number): void;
  /** Nobody asks for its counters any more. After unlisten(). */
  releaseListener(listener: number): void;
  listenerStats(listener: number): ListenerStats;
  /** For connections accepted from now on. */
  setListenerTls(listener: number, tls: number): void;
  /** As createTls(). */
  createServerTls(options: ServerTlsOptions): number;
  /** The configuration lives on while a listener uses it. */
  releaseServerTls(tls: number): void;
  /**
   * The client's address, for a request that came from `peer` (undefined: a Unix socket) with that value of the header
   * that the proxies write; undefined: it is not known.
   */
  clientAddress(
    peer: string | undefined,
    value: string,
    proxies: TrustedProxies,
  ): string | undefined;
}
