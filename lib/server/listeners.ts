/** Who listens for a server with a `port`. */
import type { Duplex } from 'node:stream';
import type { ConnectionOwner } from '../addon/connection';
import { EngineSocket } from '../sockets/engine-socket';
import { EngineListener } from './engine-listener';
import type { Listener } from './listener';
import { listenerOptions, serverTls, type ServerOptions } from './options';
import { cameByPipe, PipeListener } from './pipe-listener';

/** What a path names on this system. Tests have Unix sockets opened as pipes are. */
export const paths = { arePipes: process.platform === 'win32' };

/**
 * Begins to listen: `listening` or `error` follows.
 *
 * @param counters is told of the connections that the engine accepts.
 * @throws TypeError, RangeError for wrong options; Error for certificates and keys that cannot be used.
 */
export function listen(options: ServerOptions, counters: ConnectionOwner): Listener {
  const settings = listenerOptions(options);
  const tls = serverTls(options);
  const { path } = settings;
  return path !== undefined && paths.arePipes
    ? new PipeListener({ ...settings, path }, tls)
    : new EngineListener(settings, tls, counters);
}

/** Whether the socket is a listener's, which counts it. */
export function isAccepted(socket: Duplex): boolean {
  return socket instanceof EngineSocket || cameByPipe(socket);
}
