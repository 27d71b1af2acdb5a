/**
 * A plain socket of one of Node's servers, whose descriptor the engine takes over.
 *
 * Node's own socket lives on beside it, unread and unwritten, for as long as the connection does: so its server counts
 * it, and `req.socket` answers as before. It is destroyed when the connection has ended.
 */
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { isNode } from '../base/runtime';

/** The part of Node's handles that is used here. Where it is missing, sockets are not taken over. */
interface Handle {
  readonly fd?: unknown;
  readStop?: () => unknown;
}

export interface Takeover {
  /** Still Node's: to be duplicated. */
  fd: number;
  /** What has been read from it and belongs to the WebSocket, in order. */
  head: Buffer;
}

/** Whether a socket can be taken over, and what it has been read of. Nothing is read from it any more then. */
export function takeOver(socket: Duplex, head: Buffer): Takeover | undefined {
  if (!isNode() || process.platform === 'win32') return undefined;
  if (!(socket instanceof Socket) || socket instanceof TLSSocket) return undefined;
  const handle = (socket as unknown as { _handle?: Handle | null })._handle;
  const fd = handle?.fd;
  if (typeof fd !== 'number' || fd < 0 || typeof handle?.readStop !== 'function') return undefined;
  // What somebody has written must go out first.
  if (socket.writableLength > 0 || socket.listenerCount('data') > 0) return undefined;
  // No byte may be read between here and the duplicate.
  handle.readStop();
  const parts = [head];
  for (;;) {
    const more = socket.read() as Buffer | null;
    if (more === null) break;
    parts.push(more);
  }
  // read() has asked for more.
  handle.readStop();
  return { fd, head: parts.length === 1 ? head : Buffer.concat(parts) };
}
