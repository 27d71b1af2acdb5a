/** A socket at the end of a block, `await using socket = …`, and for util.inspect(). */
import * as state from '../session/ready-state';

/** What either face has of it. */
interface Closing extends EventTarget {
  readonly readyState: 0 | 1 | 2 | 3;
  on?(type: string, listener: () => void): unknown;
  close(): void;
  resume(): void;
}

/** Closes a socket and waits for its end. What a socket that is still connecting says of it is no error then. */
export function closeAndWait(socket: Closing): Promise<void> {
  if (socket.readyState === state.CLOSED) return Promise.resolve();
  return new Promise((resolve) => {
    const listen = (type: string, listener: () => void): unknown =>
      socket.on ? socket.on(type, listener) : socket.addEventListener(type, listener);
    listen('close', resolve);
    if (socket.readyState !== state.OPEN) listen('error', () => undefined);
    socket.close();
    // What has been held back would stand before the peer's Close frame.
    socket.resume();
  });
}

/** Names of `readyState`, for people. */
export const STATE_NAMES = ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED'] as const;

/** What is shown of a socket. */
export function factsOf(socket: {
  readonly readyState: 0 | 1 | 2 | 3;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  readonly binaryType: string;
}): object {
  const { url, protocol, extensions, bufferedAmount, binaryType } = socket;
  const readyState = STATE_NAMES[socket.readyState];
  return { readyState, url, protocol, extensions, bufferedAmount, binaryType };
}
