/** Whom a WebSocketServer has: its open sockets, and the requests that somebody takes time to decide about. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from '../websocket/websocket';
import { Tally } from './tally';

/** Who wants to know when they go. */
export interface Watcher {
  /** A socket has closed. */
  gone(socket: WebSocket): void;
  /** A request has been decided. */
  decided(): void;
}

export class Population {
  /** The same as `clients`, if the server has that. */
  readonly sockets = new Set<WebSocket>();
  readonly tally = new Tally();
  /** How to refuse them. */
  readonly #undecided = new Map<Duplex, () => void>();
  watcher: Watcher | undefined;

  get undecided(): number {
    return this.#undecided.size;
  }

  enter(socket: WebSocket): void {
    this.tally.opened += 1;
    this.sockets.add(socket);
  }

  leave(socket: WebSocket, code: number): void {
    this.tally.end(code, socket.stats);
    this.sockets.delete(socket);
    this.watcher?.gone(socket);
  }

  /**
   * A request that waits for a decision.
   *
   * @param refuse called if it takes too long.
   * @returns to be called with the decision; false: it was refused already.
   */
  wait(socket: Duplex, refuse: () => void): () => boolean {
    let refused = false;
    const forget = (): void => {
      socket.removeListener('close', forget);
      if (this.#undecided.delete(socket)) this.watcher?.decided();
    };
    socket.once('close', forget);
    this.#undecided.set(socket, () => {
      refused = true;
      forget();
      refuse();
    });
    return () => {
      forget();
      return !refused;
    };
  }

  refuseUndecided(): void {
    for (const refuse of [...this.#undecided.values()]) refuse();
  }
}
