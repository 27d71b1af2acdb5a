/** What a session needs of the object that users hold, which has the listeners. */
import type { MessageData } from './events';

/** A message for the listeners; binary data come as `binaryType` has it. */
export const deliver = Symbol('deliver');
/** An error for the listeners. */
export const fail = Symbol('fail');
/** Any other event, with what `on(…)` listeners get. Returns whether there was a listener. */
export const announce = Symbol('announce');
/** Whether somebody listens to an event of the handshake. */
export const heard = Symbol('heard');
/** For connect(): holds messages back until somebody listens, or for one turn of the event loop. */
export const holdUntilHeard = Symbol('holdUntilHeard');

export interface SocketFace {
  [announce](event: string, ...args: unknown[]): boolean;
  [heard](event: string): boolean;
  [deliver](data: MessageData, isBinary: boolean): void;
  [fail](error: Error): void;
}
