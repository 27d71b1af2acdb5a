/** The counters of a connection, out of what the addon's stats() fills. */
import type { ConnectionStats } from './connection-types';

/** Filled by the addon's stats(), in the order of {@link ConnectionStats}. */
export const STATS_FIELDS = 14;
/** In µs; negative: none yet. */
export const ROUND_TRIP_TIME = 10;

export function statsOf(values: Float64Array, sendQueueBytes: number): ConnectionStats {
  const at = (index: number): number => values[index] as number;
  return {
    messagesReceived: at(0),
    messagesSent: at(1),
    framesReceived: at(2),
    framesSent: at(3),
    payloadBytesReceived: at(4),
    payloadBytesSent: at(5),
    wireBytesReceived: at(6),
    wireBytesSent: at(7),
    inflatedBytesReceived: at(8),
    deflatedBytesSent: at(9),
    roundTripTime: at(ROUND_TRIP_TIME) < 0 ? -1 : at(ROUND_TRIP_TIME) / 1000,
    receiveQueueBytes: at(11),
    deflatedBytesReceived: at(12),
    compressedBytesSent: at(13),
    sendQueueBytes,
  };
}
