/** The round trip of pings that users send; the engine measures those of the heartbeat. */
import { now } from '../base/runtime';
import { toPayload } from './payload';

export class PingTimer {
  /** The last ping that was not answered. */
  #waiting: { payload: Buffer; sent: number } | undefined;
  /** In ms; -1 before the first answer. */
  roundTripTime = -1;

  sent(data: unknown): void {
    const payload = toPayload(data);
    if (payload instanceof Blob) return;
    const bytes = ArrayBuffer.isView(payload)
      ? Buffer.from(payload.buffer as ArrayBuffer, payload.byteOffset, payload.byteLength)
      : Buffer.from(payload as string);
    this.#waiting = { payload: Buffer.from(bytes), sent: now() };
  }

  answered(payload: Buffer): void {
    if (!this.#waiting?.payload.equals(payload)) return;
    this.roundTripTime = now() - this.#waiting.sent;
    this.#waiting = undefined;
  }
}
