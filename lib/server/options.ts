/** Options of a WebSocketServer: ws's, and ours beyond them. */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { checkBoolean, checkDelay, checkInteger, checkPath } from '../options/checks';
import { typeError, withCode } from '../options/errors';
import type { ListenOptions, ServerTlsOptions } from '../addon/contract';
import { checkNetworks, checkTrustedProxies, type TrustedProxiesOption } from '../options/proxies';
import { checkTlsOptions, type TlsClientOptions } from '../options/tls-options';
import type { WebSocket } from '../websocket/websocket';
import {
  acceptOptions,
  CLOSE_TIMEOUT,
  MAX_PAYLOAD,
  MAX_PENDING_AUTO_PONGS,
  type OpenOptions,
} from '../session/accept-options';
import type { Broker } from './broker';
import type { ServerDeflateOptions } from './deflate';
import type { Http2AnyServer } from './http2-listeners';
import { checkOrigins, type Origins } from './origins';

/** A server's certificate, and how TLS is spoken. Names and meanings are those of Node's `tls.createServer()`. */
export interface ServerTlsSettings extends Pick<
  TlsClientOptions,
  | 'ca'
  | 'cert'
  | 'key'
  | 'passphrase'
  | 'pfx'
  | 'ciphers'
  | 'minVersion'
  | 'maxVersion'
  | 'ALPNProtocols'
> {
  /** Ask clients for a certificate. Default false. */
  requestCert?: boolean | undefined;
  /** With `requestCert`: refuse clients without a valid one. Default true. */
  rejectUnauthorized?: boolean | undefined;
  /** Prefer the server's order of ciphers. Default true. */
  honorCipherOrder?: boolean | undefined;
  /** Curves for key exchange, separated by colons. Default 'auto': OpenSSL's. */
  ecdhCurve?: string | undefined;
  /**
   * Keys of session tickets, 48 bytes each: the first one encrypts, all decrypt. Share them between the processes of a
   * cluster, and put a new one in front now and then. Default: made by OpenSSL, for this server alone.
   */
  ticketKeys?: Uint8Array | undefined;
  /** How long a session can be resumed, in seconds. Default 300. */
  sessionTimeout?: number | undefined;
  /** An OCSP response (DER) that is stapled for clients that ask for it. */
  ocspResponse?: Uint8Array | undefined;
  /** Other certificates by the name that the client asks for (SNI): 'example.com' or '*.example.com'. */
  serverNames?: Readonly<Record<string, ServerTlsSettings>> | undefined;
}

/** What verifyClient gets. */
export interface VerifyInfo {
  origin: string;
  secure: boolean;
  req: IncomingMessage;
}

/** verifyClient with one parameter: answers at once. */
export type VerifyNow = (info: VerifyInfo) => boolean;
/** verifyClient with two: answers by the second, now or later. */
export type VerifyLater = (
  info: VerifyInfo,
  callback: (
    verified: boolean,
    status?: number,
    message?: string,
    headers?: Record<string, unknown>,
  ) => void,
) => void;

/** Options of a WebSocketServer. What is not listed is kept in `server.options`, and has no effect. */
export interface ServerOptions extends ServerTlsSettings, OpenOptions {
  /**
   * Listen on this port; 0: any that is free. A string is the path of a Unix socket, on Windows the name of a pipe
   * (`'\\\\.\\pipe\\name'`).
   */
  port?: number | string | null | undefined;
  /** Address or name to listen at. Default: all addresses. */
  host?: string | null | undefined;
  /** Connections that may wait to be accepted. Default 511. */
  backlog?: number | null | undefined;
  /** Listen on a descriptor that listens already (systemd's LISTEN_FDS); instead of `port`. */
  fd?: number | undefined;
  /** Only IPv6, where `host` is an IPv6 address or absent. Default false. */
  ipv6Only?: boolean | undefined;
  /** Several processes may listen on the port; the system shares the connections out. Default false. */
  reusePort?: boolean | undefined;
  /** An http, https or http2 server of Node's, instead of `port`. */
  server?: HttpServer | Http2AnyServer | null | undefined;
  /** Neither: requests come by handleUpgrade(). */
  noServer?: boolean | undefined;
  /** Accept requests with this path only. */
  path?: string | null | undefined;
  /** Decides whether a request is accepted; with two parameters, later, by its second. */
  verifyClient?: VerifyNow | VerifyLater | null | undefined;
  /** Chooses one of the subprotocols that the client offers; nothing: none. Default: the first. */
  handleProtocols?:
    | ((protocols: Set<string>, request: IncomingMessage) => string | false | null | undefined)
    | null
    | undefined;
  /** Keep the open sockets in `clients`. Default true. */
  clientTracking?: boolean | undefined;
  /** Default false. */
  perMessageDeflate?: boolean | ServerDeflateOptions | null | undefined;
  /** The class of the sockets. Default: WebSocket. */
  WebSocket?: typeof WebSocket | undefined;

  // ---- Beyond ws

  /**
   * Pages that may connect, by their `Origin`; others, and requests without one, are answered 403. A list of origins
   * and of patterns that match a whole origin, or a function that returns true. Default: any.
   */
  origins?: Origins | null | undefined;
  /**
   * Proxies that say for whom they ask, in `X-Forwarded-For` or `Forwarded`: see clientAddress(). Default: none. With
   * `port`, `maxConnectionsPerAddress` counts the clients of these proxies by their own addresses.
   */
  trustedProxies?: TrustedProxiesOption | null | undefined;
  /**
   * Connections begin with a header of the PROXY protocol, version 1 or 2: all (true), or those of the addresses and
   * networks of a list, and no others. Its addresses become the connection's. Default false. Only with `port`.
   */
  proxyProtocol?: boolean | readonly string[] | undefined;
  /** From accept to the end of the request's head, with TLS, in ms; 0: no limit. Default 10 000. Only with `port`. */
  handshakeTimeout?: number | undefined;
  /** Bytes of a request's head. Default 16 384; past it 431. Only with `port`. */
  maxHeaderSize?: number | undefined;
  /** Headers of a request. Default 200; past it 431. Only with `port`. */
  maxHeadersCount?: number | undefined;
  /** Handshakes at once; more wait in the backlog. 0: no limit. Default 1000. Only with `port`. */
  maxHandshakes?: number | undefined;
  /** Connections in all; more are closed at once. 0 (default): no limit. Only with `port`. */
  maxConnections?: number | undefined;
  /** Measure how late Node's event loop is, for metrics(). Default false. */
  eventLoopDelay?: boolean | undefined;
  /**
   * Carries what is published to the servers of other processes, and theirs to this one (docs/scaling.md); it belongs
   * to the server, and is closed with it. Default: none.
   */
  broker?: Broker | null | undefined;
  /** Bytes that may wait for the broker; past it, messages for other processes are lost. 1 to 2^40. Default 16 MiB. */
  brokerLimit?: number | undefined;
  /** Connections of one address; more are closed at once. 0 (default): no limit. Only with `port`. */
  maxConnectionsPerAddress?: number | undefined;
}

/** Options as a server keeps them. */
export type KeptOptions = ServerOptions & Required<Pick<ServerOptions, 'WebSocket'>>;

export const DEFAULTS: ServerOptions = {
  allowSynchronousEvents: true,
  autoPong: true,
  maxBufferedChunks: 256 * 1024,
  maxFragments: 0,
  maxPayload: MAX_PAYLOAD,
  maxPendingAutoPongs: MAX_PENDING_AUTO_PONGS,
  skipUTF8Validation: false,
  perMessageDeflate: false,
  handleProtocols: null,
  clientTracking: true,
  closeTimeout: CLOSE_TIMEOUT,
  verifyClient: null,
  noServer: false,
  backlog: null,
  server: null,
  host: null,
  path: null,
  port: null,
};

/** @throws TypeError unless exactly one of the ways in is given. */
export function checkMode(options: ServerOptions): void {
  const listens = (options.port ?? undefined) !== undefined || options.fd !== undefined;
  const ways = [listens, Boolean(options.server), Boolean(options.noServer)];
  if (ways.filter(Boolean).length === 1) return;
  throw new TypeError(
    'One and only one of the "port", "server", or "noServer" options must be specified',
  );
}

const LARGEST_TERMS = {
  serverNoContextTakeover: false,
  clientNoContextTakeover: false,
  serverMaxWindowBits: 15,
  clientMaxWindowBits: 15,
};

export function deflateOptions({
  perMessageDeflate,
}: KeptOptions): ServerDeflateOptions | undefined {
  if (perMessageDeflate === true) return {};
  return typeof perMessageDeflate === 'object' ? (perMessageDeflate ?? undefined) : undefined;
}

/** Wrong options are told when the server is made, not when its first client comes. */
export function checkOptions(options: KeptOptions): void {
  const deflate = deflateOptions(options);
  acceptOptions(options, deflate && { terms: LARGEST_TERMS, options: deflate }, true);
  checkOrigins(options.origins);
  checkTrustedProxies(options.trustedProxies);
  if (options.eventLoopDelay !== undefined)
    checkBoolean('options.eventLoopDelay', options.eventLoopDelay);
}

function limit(name: keyof ServerOptions, value: unknown, otherwise: number): number {
  return value === undefined || value === null
    ? otherwise
    : checkInteger(`options.${name}`, value, 0, 0x7fffffff);
}

/** Of a request's head, unless set: in bytes, and in fields. */
export const HEADER_SIZE = 16 * 1024;
export const HEADERS_COUNT = 200;

/** Where and how a server of the engine's own listens. */
export function listenerOptions(options: ServerOptions): Omit<ListenOptions, 'tls'> {
  const { port, host, fd } = options;
  const result: Omit<ListenOptions, 'tls'> = {
    port: 0,
    backlog: limit('backlog', options.backlog, 511),
    ipv6Only: options.ipv6Only !== undefined && checkBoolean('options.ipv6Only', options.ipv6Only),
    reusePort:
      options.reusePort !== undefined && checkBoolean('options.reusePort', options.reusePort),
    handshakeTimeout: checkDelay('options.handshakeTimeout', options.handshakeTimeout ?? 10_000),
    maxHeaderSize: limit('maxHeaderSize', options.maxHeaderSize, HEADER_SIZE),
    maxHeadersCount: limit('maxHeadersCount', options.maxHeadersCount, HEADERS_COUNT),
    maxHandshakes: limit('maxHandshakes', options.maxHandshakes, 1000),
    maxConnections: limit('maxConnections', options.maxConnections, 0),
    maxConnectionsPerAddress: limit(
      'maxConnectionsPerAddress',
      options.maxConnectionsPerAddress,
      0,
    ),
  };
  const proxies = checkTrustedProxies(options.trustedProxies);
  if (proxies) result.trustedProxies = proxies;
  const { proxyProtocol = false } = options;
  if (Array.isArray(proxyProtocol)) {
    result.proxyProtocol = checkNetworks('options.proxyProtocol', proxyProtocol);
  } else if (checkBoolean('options.proxyProtocol', proxyProtocol)) result.proxyProtocol = true;
  if (fd !== undefined) result.fd = checkInteger('options.fd', fd, 0, 0x7fffffff);
  else if (typeof port === 'string' && !/^\d+$/.test(port)) {
    result.path = checkPath('options.port', port);
  } else {
    // As net.Server: a port may be a string of digits.
    const number = Number(port);
    if (!Number.isInteger(number) || number < 0 || number > 65535) {
      throw withCode(
        new RangeError(`options.port should be >= 0 and < 65536. Received ${String(port)}`),
        'ERR_SOCKET_BAD_PORT',
        { field: 'options.port' },
      );
    }
    result.port = number;
    if (host !== undefined && host !== null) {
      if (typeof host !== 'string') throw typeError('options.host', 'a string', host);
      result.host = host;
    }
  }
  return result;
}

function bytes(name: string, value: unknown): Uint8Array | undefined {
  if (value === undefined) return undefined;
  if (!(value instanceof Uint8Array)) throw typeError(`options.${name}`, 'a Uint8Array', value);
  return value;
}

function flag(name: keyof ServerTlsSettings, value: unknown, otherwise: boolean): boolean {
  return value === undefined ? otherwise : checkBoolean(`options.${name}`, value);
}

/** What native code takes for TLS; undefined: no certificate is given, and the server speaks without TLS. */
export function serverTls(options: ServerTlsSettings): ServerTlsOptions | undefined {
  if (options.cert === undefined && options.pfx === undefined) {
    if (options.key === undefined && options.serverNames === undefined) return undefined;
    throw withCode(
      new TypeError('options.key is given without options.cert'),
      'ERR_INVALID_ARG_VALUE',
      {
        field: 'options.key',
      },
    );
  }
  const requestCert = flag('requestCert', options.requestCert, false);
  const { ca, cert, key, passphrase, pfx, ciphers, minVersion, maxVersion, ALPNProtocols } =
    options;
  const result: ServerTlsOptions = {
    ...checkTlsOptions(
      { ca, cert, key, passphrase, pfx, ciphers, minVersion, maxVersion, ALPNProtocols },
      (name) => `options.${name}`,
    ),
    rejectUnauthorized: flag('rejectUnauthorized', options.rejectUnauthorized, true),
    requestCert,
    honorCipherOrder: flag('honorCipherOrder', options.honorCipherOrder, true),
    sessionTimeout: checkInteger(
      'options.sessionTimeout',
      options.sessionTimeout ?? 300,
      1,
      0x7fffffff,
    ),
    names: Object.entries(options.serverNames ?? {}).map(([name, settings]) => {
      const tls = serverTls({ ...settings, serverNames: undefined });
      if (tls === undefined) {
        throw typeError(`options.serverNames[${name}]`, 'cert and key, or pfx', settings);
      }
      return { name, tls };
    }),
  };
  const { ecdhCurve } = options;
  if (ecdhCurve !== undefined && ecdhCurve !== 'auto') result.ecdhCurve = ecdhCurve;
  const ticketKeys = bytes('ticketKeys', options.ticketKeys);
  if (ticketKeys) result.ticketKeys = Buffer.from(ticketKeys);
  const ocspResponse = bytes('ocspResponse', options.ocspResponse);
  if (ocspResponse) result.ocspResponse = Buffer.from(ocspResponse);
  return result;
}
