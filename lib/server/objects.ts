/** What a WebSocketServer is as an object: how it is shown, and what `await using` does. */
import { State } from './state';

/** What is needed of a server. */
interface Shown {
  readonly _state: State;
  readonly options: {
    readonly path?: string | null | undefined;
    readonly noServer?: boolean | undefined;
  };
  readonly clients?: ReadonlySet<{ close(code: number): void; resume(): void }> | undefined;
  address(): unknown;
  close(callback: () => void): void;
}

export function factsOf(server: Shown): object | undefined {
  if (!Object.hasOwn(server, '_state')) return undefined;
  const { options, clients, _state } = server;
  const { path, noServer } = options;
  const state = ['running', 'closing', 'closed'][_state];
  const address = noServer ? null : server.address();
  // Without clientTracking there are none to be counted.
  return { state, address, clients: clients?.size, ...(path && { path }) };
}

/** Closes, each of `clients` with 1001, and waits for the end. */
export function closeAndWait(server: Shown): Promise<void> {
  if (server._state === State.Closed) return Promise.resolve();
  return new Promise((resolve) => {
    server.close(() => resolve());
    for (const socket of server.clients ?? []) {
      socket.close(1001);
      socket.resume();
    }
  });
}
