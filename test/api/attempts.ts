/** What the tests of the documented functions share. */
import type { Attempt } from '../support/attempt';
import { startWsServer, type WsServer } from '../support/ws-server';

/** With a server of its own, whose connections no other test has made. */
export async function withServer(test: (server: WsServer) => Promise<void>): Promise<void> {
  const server = await startWsServer();
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** The events that came, in order. */
export const ids = (attempt: Attempt): number[] => attempt.events.map(({ id }) => id);
/** What event 8 brought. */
export const messages = (attempt: Attempt): unknown[] =>
  attempt.events.filter(({ id }) => id === 8).map(({ args }) => args[0]);
