/** One connection of a measurement: messages go out, come back, and their time is taken. */
import { now } from '../base/runtime';
import type { WebSocket } from '../websocket';

/** What all connections of a measurement share. */
export interface Load {
  payload: string | Buffer;
  /** A message came back: how long it took, in ms. */
  answered(time: number): void;
  /** Whether another message is to follow one that came back. */
  goesOn(): boolean;
}

export class BenchPeer {
  /** When each message that is under way was due. They come back in the order in which they went. */
  private readonly due: number[] = [];
  private head = 0;

  constructor(
    readonly socket: WebSocket,
    private readonly load: Load,
  ) {
    socket.on('message', () => this.receive());
  }

  get underWay(): number {
    return this.due.length - this.head;
  }

  /** @param due when it should go, which is now unless we are late: that is part of its time. */
  send(due: number): void {
    this.due.push(due);
    this.socket.send(this.load.payload);
  }

  private receive(): void {
    if (this.underWay === 0) return;
    const time = now() - (this.due[this.head++] as number);
    if (this.head === 1024) {
      this.due.splice(0, this.head);
      this.head = 0;
    }
    this.load.answered(time);
    if (this.load.goesOn()) this.send(now());
  }
}
