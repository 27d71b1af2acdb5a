/** The options of a client, as users give them. Each says its unit, range, default and source. */
import type { Agent, OutgoingHttpHeaders } from 'node:http';
import type { BlockList, LookupFunction } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ConnectionOptions as TlsConnectionOptions } from 'node:tls';
import type { HeadersInput } from '../options/headers';
import type { HeartbeatOptions } from '../options/connection-options';
import type { ProxyInput } from '../options/proxy';
import type { TlsClientOptions } from '../options/tls-options';
import type { ReconnectInfo } from '../session/events';
import type { PerMessageDeflateOptions } from '../session/types';
import type { HandshakeRequest } from './handshake';

/** Connecting again after a loss. */
export interface ReconnectOptions {
  /** Wait before the first attempt, in ms. 0 to 2^31 - 1; default 500. */
  min?: number | undefined;
  /** Longest wait, in ms. `min` to 2^31 - 1; default 30 000. */
  max?: number | undefined;
  /** Each wait is this many times the one before. At least 1; default 2. */
  factor?: number | undefined;
  /** Part of each wait that is random: 0 none, 1 all of it. Default 0.5. */
  jitter?: number | undefined;
  /** Attempts in a row before the socket gives up. At least 1; default Infinity. */
  attempts?: number | undefined;
  /**
   * Messages that were not given to the system when the connection was lost, and those sent while there is none:
   * 'discard' (default): their callbacks get an error, and send() throws, or its callback gets the error, until
   * the socket is open again. 'keep': they wait, within `sendLimit`, and are sent in order on the next connection;
   * one that had gone out in part is sent again whole. At the end, what is left is discarded as above.
   */
  unsent?: 'discard' | 'keep' | undefined;
  /**
   * Whether to try again. Default: always, but after close code 1000, and after an HTTP status of 400 to 499
   * other than 408, 425 and 429.
   */
  when?: ((info: ReconnectInfo) => boolean) | undefined;
}

/** What this package has and ws has not; both faces take it. */
export interface ExtraOptions {
  /** Detection of a dead peer; a number is the interval, in ms. Default: none. */
  heartbeat?: number | HeartbeatOptions | undefined;
  /** Connecting again after a loss; true: with the defaults. Default: none. */
  reconnect?: boolean | ReconnectOptions | undefined;
  /**
   * The proxy to go through: its URL (`http://user:password@host:port`, `socks5:`, `socks5h:`), or 'env'
   * for that of the environment (HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY). Default: none.
   */
  proxy?: ProxyInput | undefined;
  /** Payload bytes that may wait to be sent; past it send() throws. 1 to 2^53 - 1; default 1 GiB. */
  sendLimit?: number | undefined;
  /** Payload bytes waiting from which send() returns false and `drain` follows. Default 1 MiB. */
  highWaterMark?: number | undefined;
  /** Gives up connecting when aborted: `error` with an AbortError whose cause is the signal's reason, then `close`. */
  signal?: AbortSignal | undefined;
  /** Relative URLs are resolved against it. Default: `location.href` where there is one (the standard face). */
  baseUrl?: string | URL | undefined;
}

/** Makes a stream, and returns it or gives it to `callback`. */
export type StreamFactory = (
  // As each factory likes: these of Node's and of those who use it are not of one type.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  options: any,
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  callback: any,
) => Duplex | null | undefined | void;

/** Of `tls.connect()`: with one of these, Node makes the connection of a wss: URL, which is slower. */
export type NodeTlsOptions = Partial<
  Pick<
    TlsConnectionOptions,
    | 'clientCertEngine'
    | 'crl'
    | 'ecdhCurve'
    | 'minDHSize'
    | 'privateKeyEngine'
    | 'privateKeyIdentifier'
    | 'pskCallback'
    | 'secureContext'
    | 'secureOptions'
    | 'secureProtocol'
    | 'session'
    | 'sigalgs'
  >
> & {
  requestOCSP?: boolean | undefined;
  /** As in Node.js 22. */
  allowPartialTrustChain?: boolean | undefined;
};

/** Options of ws's client, the ones that are honoured. */
export interface ClientOptionsOf<Socket> extends ExtraOptions, TlsClientOptions, NodeTlsOptions {
  /** Subprotocols to offer; the second argument of the constructor goes first. */
  protocols?: string | readonly string[] | undefined;
  /** Further request headers. Values are strings, numbers, or lists of them. */
  headers?: HeadersInput | OutgoingHttpHeaders | undefined;
  /** Value of the Origin header. Default: none. */
  origin?: string | undefined;
  /** "user:password" for basic authentication; that of the URL goes first. */
  auth?: string | null | undefined;
  /** true (default): offered with ws's defaults; false: not offered. */
  perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
  /** Largest message, inflated, in bytes; 0: no limit. Default 100 MiB. Past it: close code 1009. */
  maxPayload?: number | undefined;
  /**
   * Most fragments of a message. 0 (default; ws: 16 384): fragments are not counted, since what they hold counts for
   * `maxPayload` and keeping many costs no more than keeping one; only 16 384 of a message may be empty. Past it:
   * close code 1008.
   */
  maxFragments?: number | undefined;
  /** At least 0. Accepted: chunks are never buffered here, payload is counted in bytes. */
  maxBufferedChunks?: number | undefined;
  /** From the beginning to `open`, in ms; 0: none. Default 30 000 (ws: none). */
  handshakeTimeout?: number | undefined;
  /** From the Close frame to the end of TCP, in ms; 0: no limit. Default 30 000. */
  closeTimeout?: number | undefined;
  /** Default false. */
  followRedirects?: boolean | undefined;
  /** Default 10. */
  maxRedirects?: number | undefined;
  /** Do not check that text is UTF-8. Default false. */
  skipUTF8Validation?: boolean | undefined;
  /** Answer pings. Default true. */
  autoPong?: boolean | undefined;
  /** false: no more than one `message`, `ping` or `pong` event in a turn of the event loop. Default true. */
  allowSynchronousEvents?: boolean | undefined;
  /** 13 (default), or 8, with which Node makes the connection. Any other version is refused. */
  protocolVersion?: number | undefined;
  /** Called with the request before it is sent; it must call `request.end()`. */
  finishRequest?: ((request: HandshakeRequest, websocket: Socket) => void) | undefined;
  /** Local address to connect from. */
  localAddress?: string | undefined;
  /** 4, 6, or 0 for both (default). */
  family?: number | undefined;
  /** Resolves host names, as `dns.lookup`. */
  lookup?: LookupFunction | undefined;
  /** Connects to a unix socket instead of the URL's host and port. */
  socketPath?: string | undefined;
  /** Of `dns.lookup`; with `lookup` only. */
  hints?: number | undefined;
  /**
   * An agent of Node's gives its options for sockets and TLS, those of https-proxy-agent and socks-proxy-agent their
   * proxy. Any other is asked for a stream, as Node's requests do it, and the connection goes over that. Default: none.
   */
  agent?: Agent | boolean | undefined;
  /** Makes the stream that the connection goes over, as that of `http.request()`; without effect beside `agent`. */
  createConnection?: StreamFactory | undefined;
  /** Addresses that are not connected to: Node makes the connection then. Default: none. */
  blockList?: BlockList | undefined;
}

/** As the functions here take them: of whatever class the sockets are. */
export type GivenOptions = ClientOptionsOf<never>;
