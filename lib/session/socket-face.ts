/** What a session needs of the object that users hold, which has the listeners. */
import type { MessageData } from './events';

/** A message for the listeners; binary data come as `binaryType` has it. */
export const deliver = Symbol('deliver');
/** An error for the listeners. */
export const fail = Symbol('fail');

export interface SocketFace {
  emit(event: string, ...args: unknown[]): boolean;
  listenerCount(event: string): number;
  [deliver](data: MessageData, isBinary: boolean): void;
  [fail](error: Error): void;
}
