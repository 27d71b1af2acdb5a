/** A request that the engine has read, as the IncomingMessage that users know. */
import { IncomingMessage } from 'node:http';
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
