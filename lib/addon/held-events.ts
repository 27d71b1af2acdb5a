/** Events that are held back while a connection is paused, in order. */
import { Kind } from './contract';

export interface HeldEvent {
  kind: number;
  value: unknown;
  a: number;
  b: number;
}

/** Whether an event ends its connection. */
export function isTerminal(kind: number): boolean {
  return kind === Kind.Closed || kind === Kind.ConnectionError || kind === Kind.Redirect;
}

export class HeldEvents {
  private readonly events: HeldEvent[] = [];
  /** The next one's place. */
  private at = 0;

  get isEmpty(): boolean {
    return this.at === this.events.length;
  }

  push(event: HeldEvent): void {
    this.events.push(event);
  }

  /** The first; there must be one. It counts as delivered from here on. */
  shift(): HeldEvent {
    return this.events[this.at++] as HeldEvent;
  }
}
