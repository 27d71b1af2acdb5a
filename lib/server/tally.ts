/** What a server has seen since its beginning. */
import type { WebSocketStats } from '../session/stats';

/** Why JavaScript has refused a request. */
export const REFUSALS = [
  'method',
  'upgrade',
  'key',
  'version',
  'path',
  'protocols',
  'extensions',
  'origin',
  'verify_client',
  'gone',
  'closing',
] as const;
export type RefusalReason = (typeof REFUSALS)[number];

/** Counters of connections that can be added up. */
const SUMMED = [
  'messagesReceived',
  'messagesSent',
  'payloadBytesReceived',
  'payloadBytesSent',
  'wireBytesReceived',
  'wireBytesSent',
] as const satisfies readonly (keyof WebSocketStats)[];
export type Sums = Record<(typeof SUMMED)[number], number>;

export function addTo(sums: Sums, stats: WebSocketStats): void {
  for (const name of SUMMED) sums[name] += stats[name];
}

/** Peers choose among 2000 codes: those of applications are not told apart. */
function codeLabel(code: number): string {
  if (code < 3000) return String(code);
  return code < 4000 ? '3xxx' : '4xxx';
}

export class Tally {
  opened = 0;
  /** By close code; the usual ones are there from the beginning, so that their rates are right from the first. */
  readonly closed = new Map(['1000', '1001', '1005', '1006'].map((code) => [code, 0]));
  readonly refused = new Map<RefusalReason, number>(REFUSALS.map((reason) => [reason, 0]));
  /** Of the connections that have ended. */
  readonly sums: Sums = {
    messagesReceived: 0,
    messagesSent: 0,
    payloadBytesReceived: 0,
    payloadBytesSent: 0,
    wireBytesReceived: 0,
    wireBytesSent: 0,
  };

  end(code: number, stats: WebSocketStats): void {
    const label = codeLabel(code);
    this.closed.set(label, (this.closed.get(label) ?? 0) + 1);
    addTo(this.sums, stats);
  }

  refuse(reason: RefusalReason): void {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1);
  }
}
