/** How long pings take until they are answered. */
import { now } from '../base/runtime';
import type { WebSocket } from '../websocket';

export class RoundTrips {
  private readonly waiting = new WeakMap<WebSocket, Map<string, number>>();
  private readonly times: number[] = [];
  private sent = 0;

  /** Sends one: with this payload, or with a number of its own. */
  ping(socket: WebSocket, data?: string): void {
    const payload = data ?? String(++this.sent);
    if (data !== undefined) ++this.sent;
    let waiting = this.waiting.get(socket);
    if (!waiting) this.waiting.set(socket, (waiting = new Map()));
    waiting.set(payload, now());
    socket.ping(payload);
  }

  /** Of a pong: how long it took, in ms; undefined if none of ours was waiting for it. */
  pong(socket: WebSocket, payload: Buffer): number | undefined {
    const waiting = this.waiting.get(socket);
    const key = payload.toString();
    const began = waiting?.get(key);
    if (began === undefined) return undefined;
    waiting?.delete(key);
    const time = now() - began;
    this.times.push(time);
    return time;
  }

  /** Undefined if there was none. */
  summary(): string | undefined {
    if (this.sent === 0) return undefined;
    const { times, sent } = this;
    const head = `${sent} ${sent === 1 ? 'ping' : 'pings'}, ${times.length} answered`;
    if (times.length === 0) return head;
    const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
    const values = [Math.min(...times), mean, Math.max(...times)].map((ms) => ms.toFixed(2));
    return `${head}; min/mean/max ${values.join('/')} ms`;
  }
}
