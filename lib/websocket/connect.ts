/** `await WebSocket.connect(url, options)`. */
import { holdUntilHeard } from '../session/socket-face';

/** What either face has of it. */
interface Connecting extends EventTarget {
  on?(type: string, listener: (argument?: unknown) => void): unknown;
  off?(type: string, listener: (argument?: unknown) => void): unknown;
  [holdUntilHeard](): void;
}

/** The signal among a constructor's arguments. */
function signalOf(args: readonly unknown[]): AbortSignal | undefined {
  for (const arg of args) {
    if (typeof arg === 'object' && arg !== null && 'signal' in arg) {
      return (arg as { signal?: AbortSignal }).signal;
    }
  }
  return undefined;
}

/**
 * Makes a socket and waits until it is open, or has failed.
 *
 * What the constructor throws becomes a rejection. Errors after the promise has settled are the socket's own matter.
 */
export function connect<S extends Connecting>(make: () => S, args: readonly unknown[]): Promise<S> {
  return new Promise((resolve, reject) => {
    const signal = signalOf(args);
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const socket = make();
    let failure: unknown;
    const listeners = {
      open: (): void => {
        stop();
        socket[holdUntilHeard]();
        resolve(socket);
      },
      error: (error: unknown): void => {
        failure ??= error instanceof Event ? (error as Event & { error: unknown }).error : error;
      },
      close: (): void => {
        stop();
        const reason: unknown = signal?.aborted ? signal.reason : failure;
        reject((reason ?? new Error('the socket was closed before it was open')) as Error);
      },
    };
    const stop = (): void => {
      for (const [type, listener] of Object.entries(listeners)) {
        if (socket.off) socket.off(type, listener);
        else socket.removeEventListener(type, listener);
      }
    };
    for (const [type, listener] of Object.entries(listeners)) {
      // As an emitter's if it is one: without listeners of the other kind no Event is ever made.
      if (socket.on) socket.on(type, listener);
      else socket.addEventListener(type, listener);
    }
  });
}
