/** What a WebSocketServer is as an object: how it is shown, and what `await using` does. */
import { State } from './state';
import type { WebSocketServer } from './websocket-server';

export function factsOf(server: WebSocketServer): object | undefined {
  if (!Object.hasOwn(server, '_state')) return undefined;
  const { options, clients, _state } = server;
  const { path, noServer } = options;
  const state = ['running', 'closing', 'closed'][_state];
  const address = noServer ? null : server.address();
  // Without clientTracking there are none to be counted.
  return { state, address, clients: clients?.size, ...(path && { path }) };
}

/** Closes, each of `clients` with 1001, and waits for the end. */
export function closeAndWait(server: WebSocketServer): Promise<void> {
  if (server._state === State.Closed) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of server.clients ?? []) {
      socket.close(1001);
      socket.resume();
    }
  });
}
