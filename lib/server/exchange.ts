/** A request for a WebSocket: how it is looked at and answered over HTTP/1.1 (RFC 6455), and over HTTP/2 (RFC 8441). */
import type { IncomingMessage } from 'node:http';
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import { addField, type Fields } from '../base/fields';
import { clearTimeout, setTimeout } from '../base/runtime';
import {
  acceptLines,
  checkConnect,
  checkRequest,
  refusalOf,
  refusalText,
  type Asked,
  type Refusal,
} from './handshake';
import { cameByPipe, LINGER_TIME } from './pipe-listener';

export interface Exchange {
  readonly request: IncomingMessage;
  readonly socket: Duplex;
  /** Is it a WebSocket handshake at all? */
  check(): Refusal | Asked;
  /** Writes an answer that refuses, and closes. */
  refuse(status: number, message?: string, headers?: Record<string, unknown>): void;
  /** The lines of the answer that accepts; more may be added. */
  lines(key: string): string[];
  /** Accepts. Returns what is still to be written before the first frame. */
  accept(lines: readonly string[]): string;
}

/** A text as ws writes it, in UTF-8, one character a byte: no character may become a line's end. */
function utf8Bytes(text: string): string {
  return Buffer.from(text).toString('latin1');
}

export class UpgradeExchange implements Exchange {
  constructor(
    readonly request: IncomingMessage,
    readonly socket: Duplex,
  ) {}

  check(): ReturnType<Exchange['check']> {
    return checkRequest(this.request);
  }

  refuse(status: number, message?: string, headers?: Record<string, unknown>): void {
    const { socket } = this;
    socket.once('finish', () => socket.destroy());
    socket.end(refusalText(status, message, headers));
    // One that does not read it would stay: what was written to a pipe has not gone out before it is read.
    if (!cameByPipe(socket) || socket.destroyed) return;
    const timer = setTimeout(() => socket.destroy(), LINGER_TIME);
    socket.once('close', () => clearTimeout(timer));
  }

  lines(key: string): string[] {
    return acceptLines(key);
  }

  accept(lines: readonly string[]): string {
    return utf8Bytes(lines.concat('\r\n').join('\r\n'));
  }
}

/** What HTTP/2 does not have: headers about the connection (RFC 9113 §8.2.2). */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]);

/** Headers of an answer as HTTP/2 has them. */
function headersOf(
  status: number,
  pairs: Iterable<readonly [string, unknown]>,
): OutgoingHttpHeaders {
  const fields: Fields = new Map();
  for (const [given, value] of pairs) {
    const name = given.toLowerCase();
    if (OF_CONNECTION.has(name)) continue;
    addField(fields, name, String(value));
  }
  return { ':status': status, ...Object.fromEntries(fields) };
}

export class ConnectExchange implements Exchange {
  constructor(
    readonly request: IncomingMessage,
    readonly socket: ServerHttp2Stream,
  ) {}

  check(): ReturnType<Exchange['check']> {
    return checkConnect(this.request);
  }

  refuse(status: number, message?: string, headers?: Record<string, unknown>): void {
    const { socket } = this;
    if (socket.destroyed || socket.closed) return;
    const refusal = refusalOf(status, message, headers);
    // A header may be given in another spelling.
    const all = headersOf(status, []);
    for (const [name, value] of Object.entries(refusal.headers)) {
      Object.assign(all, headersOf(status, [[name, value]]));
    }
    socket.respond(all);
    // Nothing that the client still sends is read.
    socket.once('finish', () => socket.close());
    socket.end(refusal.message);
  }

  lines(): string[] {
    return ['HTTP/2 200'];
  }

  accept(lines: readonly string[]): string {
    const pairs = lines.slice(1).map((line): [string, string] => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), utf8Bytes(line.slice(colon + 1).trim())];
    });
    this.socket.respond(headersOf(200, pairs));
    return '';
  }
}

/** How a request on this socket is answered. */
export function exchangeOn(request: IncomingMessage, socket: Duplex): Exchange {
  const isStream = typeof (socket as Partial<ServerHttp2Stream>).respond === 'function';
  return isStream
    ? new ConnectExchange(request, socket as ServerHttp2Stream)
    : new UpgradeExchange(request, socket);
}
