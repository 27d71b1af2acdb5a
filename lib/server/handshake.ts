/** The opening handshake from a server's side: what is looked at, and what is answered (RFC 6455 §4.2). */
import { STATUS_CODES } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { accept, EXTENSION, type AcceptedParameters, type ServerDeflateOptions } from './deflate';
import { acceptOf } from '../base/accept-key';
import * as extension from '../base/extension';
import * as subprotocol from './subprotocol';
import type { RefusalReason } from './tally';

const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** A request that cannot be accepted, and the answer to it. */
export interface Refusal {
  reason: RefusalReason;
  status: number;
  message: string;
  headers?: Record<string, string>;
}

/** Extensions that the server accepts, by name: there is `permessage-deflate` alone. */
export interface UpgradeExtensions {
  /** `params` are those of the answer: `{ server_no_context_takeover: true, client_max_window_bits: 10 }`. */
  'permessage-deflate'?: { readonly params: AcceptedParameters };
}

/** Of a request that is a WebSocket handshake. */
export interface Asked {
  /** '' over HTTP/2. */
  key: string;
  /** Of the protocol: 13, or 8 (an older draft with the same frames). */
  version: number;
}

/** What else it asks for. */
export interface Offers {
  protocols: Set<string>;
  extensions: UpgradeExtensions;
}

/** The first part of the checks: is it a WebSocket handshake at all? In ws's order, with its words. */
export function checkRequest(req: IncomingMessage): Refusal | Asked {
  const { headers } = req;
  const key = headers['sec-websocket-key'];
  const version = Number(headers['sec-websocket-version']);
  if (req.method !== 'GET')
    return { reason: 'method', status: 405, message: 'Invalid HTTP method' };
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return { reason: 'upgrade', status: 400, message: 'Invalid Upgrade header' };
  }
  if (key === undefined || !KEY.test(key)) {
    return { reason: 'key', status: 400, message: 'Missing or invalid Sec-WebSocket-Key header' };
  }
  return isVersion(version) ? { key, version } : WRONG_VERSION;
}

function isVersion(version: number): boolean {
  return version === 13 || version === 8;
}

const WRONG_VERSION: Refusal = {
  reason: 'version',
  status: 400,
  message: 'Missing or invalid Sec-WebSocket-Version header',
  headers: { 'Sec-WebSocket-Version': '13, 8' },
};

/** The same of an extended CONNECT (RFC 8441 §5), which has no key and needs none. */
export function checkConnect(req: IncomingMessage): Refusal | Asked {
  const version = Number(req.headers['sec-websocket-version']);
  return isVersion(version) ? { key: '', version } : WRONG_VERSION;
}

/** The second part: subprotocols and extensions. */
export function checkOffers(
  req: IncomingMessage,
  deflate: ServerDeflateOptions | undefined,
): Refusal | Offers {
  const { headers } = req;
  const offered = headers['sec-websocket-protocol'];
  let protocols = new Set<string>();
  if (offered !== undefined) {
    try {
      protocols = subprotocol.parse(offered);
    } catch {
      return { reason: 'protocols', status: 400, message: 'Invalid Sec-WebSocket-Protocol header' };
    }
  }
  const extensions = headers['sec-websocket-extensions'];
  if (deflate === undefined || extensions === undefined) return { protocols, extensions: {} };
  try {
    const offers = extension.parse(extensions)[EXTENSION];
    return {
      protocols,
      extensions: offers ? { [EXTENSION]: { params: accept(offers, deflate) } } : {},
    };
  } catch {
    return {
      reason: 'extensions',
      status: 400,
      message: 'Invalid or unacceptable Sec-WebSocket-Extensions header',
    };
  }
}

export function isRefusal<T extends object>(result: Refusal | T): result is Refusal {
  return 'status' in result;
}

/** The lines of the answer that accepts, without their ends; more may be added. */
export function acceptLines(key: string): string[] {
  return [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(key)}`,
  ];
}

/** An answer that refuses. `headers` come last, and may replace those before them. */
export function refusalOf(
  status: number,
  message = STATUS_CODES[status] ?? '',
  headers: Record<string, unknown> = {},
): { message: string; headers: Record<string, unknown> } {
  const all = {
    Connection: 'close',
    'Content-Type': 'text/html',
    'Content-Length': Buffer.byteLength(message),
    ...headers,
  };
  return { message, headers: all };
}

/** The whole of it, over HTTP/1.1. */
export function refusalText(status: number, text?: string, more?: Record<string, unknown>): string {
  const { message, headers: all } = refusalOf(status, text, more);
  const lines = Object.keys(all).map((name) => `${name}: ${String(all[name])}`);
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', message].join('\r\n');
}
