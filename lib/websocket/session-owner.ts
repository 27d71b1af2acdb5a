/** Types only. */
import type { WebSocket } from './websocket';

/** What a session asks of the class, which has the listeners. One for all sockets. */
export interface SessionOwner {
  message(socket: WebSocket, data: string | Buffer, isBinary: boolean): void;
  error(socket: WebSocket, error: Error): void;
}
