/** `await WebSocket.connect(url, options)`. */
import type { WebSocket } from './websocket';

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
export function connect<S extends WebSocket>(make: () => S, args: readonly unknown[]): Promise<S> {
  return new Promise((resolve, reject) => {
    const signal = signalOf(args);
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const socket = make();
    let failure: Error | undefined;
    const onOpen = (): void => {
      stop();
      socket.holdUntilHeard();
      resolve(socket);
    };
    const onError = (error: Error): void => {
      failure ??= error;
    };
    const onClose = (): void => {
      stop();
      const reason: unknown = signal?.aborted ? signal.reason : failure;
      reject((reason ?? new Error('the socket was closed before it was open')) as Error);
    };
    const stop = (): void => {
      socket.off('open', onOpen);
      socket.off('error', onError);
      socket.off('close', onClose);
    };
    socket.on('open', onOpen);
    socket.on('error', onError);
    socket.on('close', onClose);
  });
}
