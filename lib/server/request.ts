/** A request that the engine has read, as the IncomingMessage that users know. */
import { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders, Http2Session, ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { IncomingRequest } from '../addon/contract';
import { fillHeaders } from '../base/runtime';
import type { EngineSocket } from '../sockets/engine-socket';
import { isBlank } from '../base/tokens';

/** Without the white space around it (RFC 9110 §5.5). */
function trimmed(text: string, from: number, to: number): string {
  let start = from;
  let end = to;
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

/** Names and values one after the other, as `rawHeaders` has them. The engine has checked the lines. */
export function rawHeadersOf(lines: string): string[] {
  const raw: string[] = [];
  for (let start = 0; start < lines.length;) {
    const end = lines.indexOf('\r\n', start);
    const colon = lines.indexOf(':', start);
    raw.push(lines.slice(start, colon), trimmed(lines, colon + 1, end));
    start = end + 2;
  }
  return raw;
}

/** The message has no body: what follows are frames. */
export function messageOf(request: IncomingRequest, socket: EngineSocket): IncomingMessage {
  // It asks nothing of the socket but its high-water mark.
  const message = new IncomingMessage(socket as unknown as Socket);
  message.method = request.method;
  message.url = request.target;
  message.httpVersionMajor = 1;
  message.httpVersionMinor = request.minorVersion;
  message.httpVersion = request.minorVersion === 1 ? '1.1' : '1.0';
  fillHeaders(message, rawHeadersOf(request.headers));
  message.complete = true;
  message.push(null);
  return message;
}

const sockets = new WeakMap<Http2Session, Socket>();

/** Of an HTTP/2 session, which throws at everything when the session has ended; a socket of Node's does not. */
function socketOf(session: Http2Session): Socket {
  let made = sockets.get(session);
  if (made === undefined) {
    made = new Proxy(session.socket, {
      get(target, name) {
        // The connection is not one WebSocket's.
        if (name === 'setNoDelay' || name === 'setKeepAlive') return () => undefined;
        try {
          return Reflect.get(target, name) as unknown;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'ERR_HTTP2_SOCKET_UNBOUND') throw error;
          return name === 'destroyed' ? true : undefined;
        }
      },
    });
    sockets.set(session, made);
  }
  return made;
}

/** The request of an extended CONNECT, as if it had come over HTTP/1.1: pseudo-headers are not among its headers. */
export function messageOfStream(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
): IncomingMessage {
  const { session } = stream;
  const message = new IncomingMessage(session ? socketOf(session) : (stream as unknown as Socket));
  message.method = headers[':method'] as string;
  message.url = headers[':path'] as string;
  message.httpVersionMajor = 2;
  message.httpVersionMinor = 0;
  message.httpVersion = '2.0';
  const raw: string[] = [];
  const authority = headers[':authority'];
  if (authority !== undefined && headers.host === undefined) raw.push('host', authority);
  for (const [name, value] of Object.entries(headers)) {
    if (name.startsWith(':') || value === undefined) continue;
    for (const one of [value].flat()) raw.push(name, one);
  }
  fillHeaders(message, raw);
  message.complete = true;
  message.push(null);
  return message;
}
