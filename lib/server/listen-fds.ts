/** Sockets that a service manager has opened for this process: systemd's socket activation, sd_listen_fds(3). */

/** A socket that was passed to this process. */
export interface ListenFd {
  /** For the option `fd`. */
  fd: number;
  /** `FileDescriptorName=` of the socket unit; 'unknown' if the manager tells none. */
  name: string;
}

/** The first; the others follow. */
const FIRST = 3;

/**
 * The sockets that the service manager has passed to this process (`LISTEN_FDS`), in its order: for the option `fd` of
 * a server. None if they are for another process (`LISTEN_PID`): one that was started by this one, say.
 *
 * @example
 * const [socket] = listenFds();
 * const server = new WebSocketServer(socket ? { fd: socket.fd } : { port: 8080 });
 */
export function listenFds(env: NodeJS.ProcessEnv = process.env): ListenFd[] {
  const { LISTEN_PID, LISTEN_FDS = '', LISTEN_FDNAMES } = env;
  if (LISTEN_PID !== String(process.pid) || !/^\d{1,4}$/.test(LISTEN_FDS)) return [];
  const names = LISTEN_FDNAMES?.split(':') ?? [];
  return Array.from({ length: Number(LISTEN_FDS) }, (_, i) => ({
    fd: FIRST + i,
    name: names[i] || 'unknown',
  }));
}
