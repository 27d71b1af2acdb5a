/** Types only. */
import type { WebSocket } from './websocket';

/** What a session asks of the class, which has the listeners. */
export interface SessionOwner {
  readonly socket: WebSocket;
  /** Whether CLOSED is entered before `error`, as the standard has it, or after, as ws. */
  readonly strict: boolean;
  message(data: string | Buffer, isBinary: boolean): void;
  error(error: Error): void;
}
