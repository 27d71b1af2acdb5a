/** Types only. */
import type { MessageData } from './events';
import type { WebSocket } from './websocket';

/** What a session asks of the class, which has the listeners. One for all sockets. */
export interface SessionOwner {
  /** Binary data come as `binaryType` has it. */
  message(socket: WebSocket, data: MessageData, isBinary: boolean): void;
  error(socket: WebSocket, error: Error): void;
}
