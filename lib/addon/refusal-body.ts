/** The body of a response that refused a connection, which is held while somebody may want it. */
import type { Dispatcher } from './dispatcher';

/** Takes a body: what comes behind the bytes that the failure has. */
export interface BodySink {
  /** A piece, with its transfer coding. */
  onBody(bytes: Buffer): void;
  /** Nothing more comes. detail: why it was cut off; '': the server has ended the connection. */
  onBodyEnd(detail: string): void;
}

const NOBODY: BodySink = { onBody: () => undefined, onBodyEnd: () => undefined };

export class RefusalBody {
  #sink: BodySink | undefined;
  #flows = false;
  #ended = false;

  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly connection: number,
  ) {}

  get isTaken(): boolean {
    return this.#sink !== undefined;
  }

  /** Only within onFailure and onRedirect: the connection ends when they return, unless its body was taken. */
  take(sink: BodySink): void {
    this.#sink = sink;
    this.flow(true);
  }

  /** No further pieces for now, or again. Some that are on their way still come. */
  flow(on: boolean): void {
    if (this.#ended || on === this.#flows) return;
    this.#flows = on;
    if (on) this.dispatcher.addon.resume(this.connection);
    else this.dispatcher.addon.pause(this.connection);
  }

  /** The rest is not wanted: nothing more comes. */
  drop(): void {
    if (this.#ended || this.#sink === NOBODY) return;
    this.#sink = NOBODY;
    this.dispatcher.addon.terminate(this.connection);
    this.dispatcher.flush();
  }

  /** For the connection. */
  deliver(bytes: Buffer): void {
    this.#sink?.onBody(bytes);
  }

  /** For the connection, when its number is no longer its own. */
  end(detail: string): void {
    this.#ended = true;
    this.#sink?.onBodyEnd(detail);
  }
}
