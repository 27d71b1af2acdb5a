/** Counters of a socket. */
import type { ConnectionStats } from '../addon/connection';

/**
 * Counters of the socket's connection (with `reconnect`: the current one), from its beginning. Bytes unless said.
 * Reading them costs one call into the addon.
 */
export interface WebSocketStats extends ConnectionStats {
  /**
   * Of the compressed messages received: bytes after inflating for each before; 1 if there were none.
   */
  receivedCompressionRatio: number;
  /** Of the compressed messages sent: bytes before deflating for each after; 1 if there were none. */
  sentCompressionRatio: number;
}

const NOTHING: ConnectionStats = {
  messagesReceived: 0,
  messagesSent: 0,
  framesReceived: 0,
  framesSent: 0,
  payloadBytesReceived: 0,
  payloadBytesSent: 0,
  wireBytesReceived: 0,
  wireBytesSent: 0,
  deflatedBytesReceived: 0,
  inflatedBytesReceived: 0,
  deflatedBytesSent: 0,
  compressedBytesSent: 0,
  roundTripTime: -1,
  receiveQueueBytes: 0,
  sendQueueBytes: 0,
};

/** Adds what follows from the counters. */
export function complete(stats: ConnectionStats = NOTHING): WebSocketStats {
  return {
    ...stats,
    receivedCompressionRatio: ratio(stats.inflatedBytesReceived, stats.deflatedBytesReceived),
    sentCompressionRatio: ratio(stats.deflatedBytesSent, stats.compressedBytesSent),
  };
}

function ratio(plain: number, compressed: number): number {
  return plain > 0 && compressed > 0 ? plain / compressed : 1;
}
