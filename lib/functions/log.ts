/** The log: its levels, and where its lines go. */
import { AsyncResource } from 'node:async_hooks';
import { checkFunction } from '../options/checks';
import type { Dispatcher } from '../addon/dispatcher';
import { rangeError, typeError } from '../options/errors';

/** Bits of the log's levels. */
export const LOG_LEVELS = Object.freeze({
  ERROR: 1,
  WARNING: 2,
  NOTICE: 4,
  INFO: 8,
  DEBUG: 16,
  PARSER: 32,
  HEADER: 64,
  EXTENSIONS: 128,
  CLIENT: 256,
  LATENCY: 512,
  USER: 1024,
  /** Every level; the same as 'all'. */
  ALL: 2047,
} as const);

/** Receives log lines on the JavaScript thread: the bit of the level, and the line without its end. */
export type LogFunction = (level: number, line: string) => void;

/**
 * The documented `set_log_level`.
 *
 * @throws TypeError for another string or type; RangeError for a number that is no integer from 0 to 2047.
 */
export function setLogLevel(dispatcher: Dispatcher, levels: unknown, log?: unknown): void {
  const mask = checkLevels(levels);
  const onLog = log === undefined || log === null ? undefined : checkFunction('log', log);
  // In the context of this call: lines are of no socket.
  dispatcher.onLog = onLog && AsyncResource.bind(onLog as LogFunction, 'WebSocketLog');
  dispatcher.addon.setLogLevel(mask, onLog === undefined ? 0 : 1);
  // Lines come from all threads, and get to a function by way of this one's engine.
  if (mask !== 0 && onLog !== undefined) dispatcher.start();
}

function checkLevels(levels: unknown): number {
  if (levels === 'all') return LOG_LEVELS.ALL;
  if (typeof levels !== 'number') throw typeError('log_levels', "a number or 'all'", levels);
  if (!Number.isInteger(levels) || levels < 0 || levels > LOG_LEVELS.ALL) {
    throw rangeError('log_levels', `an integer from 0 to ${LOG_LEVELS.ALL}`, levels);
  }
  return levels;
}
