/** Counters of a server, whichever way its connections come in. */
import { Excess, type ListenerStats } from '../addon/contract';
import type { ConnectionOwner } from '../addon/connection';

/** Counters of a server. What only a listener of its own (`port`) can count is 0 without one. */
export interface ServerStats extends ListenerStats {
  /** Connections closed for `idleTimeout`. */
  idle: number;
  /** Connections closed for a message past `maxPayload`, or one that needs more memory than there is. */
  overPayload: number;
  /** Connections closed for a message past `maxFragments`. */
  overFragments: number;
  /** Connections cut off for `maxPendingAutoPongs`. */
  overPendingAutoPongs: number;
  /** Calls of send(), ping() and pong() that were refused for `sendLimit`. */
  overSendLimit: number;
  /** Published messages that sockets have lost for `publishLimit`. */
  overPublishLimit: number;
}

/** The counters of a listener that has just begun, or where there is none. */
export const NOTHING_COUNTED: ListenerStats = {
  connections: 0,
  handshakes: 0,
  accepted: 0,
  overLimit: 0,
  overLimitPerAddress: 0,
  timeouts: 0,
  malformed: 0,
  overHeaderSize: 0,
  overHeadersCount: 0,
  overHandshakes: 0,
  tlsFailures: 0,
  notUpgrades: 0,
  proxyFailures: 0,
};

/** What can be counted without a listener; told by connections of all ways in. */
export class Counters implements ConnectionOwner {
  /** Given to handleUpgrade() and handleStream() from elsewhere than the listener; and of those, open. */
  #given = 0;
  #open = 0;
  #excesses = [0, 0, 0, 0, 0];
  #sendRefused = 0;
  #publicationsLost = 0;

  given(): void {
    this.#given += 1;
    this.#open += 1;
  }

  gone(): void {
    this.#open -= 1;
  }

  connectionEnded(excess?: Excess): void {
    if (excess !== undefined) this.#excesses[excess] = (this.#excesses[excess] ?? 0) + 1;
  }

  sendRefused(): void {
    this.#sendRefused += 1;
  }

  publicationsLost(messages: number): void {
    this.#publicationsLost += messages;
  }

  /** With those of the listener, if there is one. */
  with(listener: ListenerStats = NOTHING_COUNTED): ServerStats {
    const [, idle = 0, overPayload = 0, overFragments = 0, overPendingAutoPongs = 0] =
      this.#excesses;
    return {
      ...listener,
      connections: listener.connections + this.#open,
      accepted: listener.accepted + this.#given,
      idle,
      overPayload,
      overFragments,
      overPendingAutoPongs,
      overSendLimit: this.#sendRefused,
      overPublishLimit: this.#publicationsLost,
    };
  }
}
