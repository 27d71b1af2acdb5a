/** Whom a WebSocketServer has: its open sockets, and the requests that somebody takes time to decide about. */
import type { Duplex } from 'node:stream';
import type { WebSocket } from '../websocket/websocket';
import { Tally } from './tally';

/** Who wants to know when they go. */
export interface Watcher {
  /** A client has come in. */
  came(socket: WebSocket): void;
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
  /** Decided while somebody watches. */
  readonly #late = new WeakSet<Duplex>();
  watcher: Watcher | undefined;

  get undecided(): number {
    return this.#undecided.size;
  }

  enter(socket: WebSocket): void {
    this.tally.opened += 1;
    this.sockets.add(socket);
    this.watcher?.came(socket);
  }

  /** Whether a request came before somebody began to watch, and was decided since. */
  hadCome(socket: Duplex): boolean {
    return this.#late.has(socket);
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
   * @returns to be called with what the decision does; nothing happens if it was refused already.
   */
  wait(socket: Duplex, refuse: () => void): (act: () => void) => void {
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
    return (act) => {
      if (refused) return;
      socket.removeListener('close', forget);
      if (this.watcher) this.#late.add(socket);
      try {
        act();
      } finally {
        forget();
      }
    };
  }

  refuseUndecided(): void {
    for (const refuse of [...this.#undecided.values()]) refuse();
  }
}
