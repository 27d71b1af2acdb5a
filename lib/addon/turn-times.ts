/**
 * How long the engine's turns took: reading, TLS, compression, framing and writing, on whichever thread; and what each
 * of its threads has to do.
 */
import type { NativeAddon } from './contract';

/** Upper bounds of the classes, in seconds: the engine's own. */
export const TURN_BOUNDS = [
  0.00001, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05,
] as const;

export interface TurnTimes {
  /** By class; one more than there are bounds. */
  counts: readonly number[];
  /** Of all, in seconds. */
  sum: number;
}

/** Since the engine began; nothing while there is none. */
export function turnTimes(addon: NativeAddon): TurnTimes {
  const values = new Float64Array(TURN_BOUNDS.length + 2);
  addon.turnTimes(values);
  return { counts: [...values.subarray(0, -1)], sum: values.at(-1) as number };
}

/** The most that `threads` may be. */
export const MOST_LANES = 64;

/** What one of the engine's threads has to do. */
export interface LaneLoad {
  /** Connections, those under way to it included. */
  connections: number;
  /** How long its turns took altogether, in seconds. */
  busy: number;
}

/** By number; none while there is no engine. */
export function laneLoads(addon: NativeAddon): LaneLoad[] {
  const values = new Float64Array(2 * MOST_LANES);
  return Array.from({ length: addon.laneLoads(values) }, (_, lane) => ({
    connections: values[2 * lane] as number,
    busy: values[2 * lane + 1] as number,
  }));
}
