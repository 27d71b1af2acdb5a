/** The end of a server that is to be felt by its clients as little as can be: `server.drain()`. */
import { clearTimeout, now, setTimeout } from '../base/runtime';
import { checkDelay, checkInteger, checkObject, checkString } from '../options/checks';
import { rangeError } from '../options/errors';
import { checkCloseArguments } from '../session/close-arguments';
import type { Listener } from './listener';
import type { WebSocket } from '../websocket/websocket';
import type { Population } from './population';

/** Options of {@link WebSocketServer.drain}. */
export interface DrainOptions {
  /** Of the Close frames: 1000 to 1014, 3000 to 4999. Default 1001, "going away". */
  code?: number | undefined;
  /** Of the Close frames: at most 123 bytes of UTF-8. Default ''. */
  reason?: string | undefined;
  /**
   * From the first Close frame to the last, in ms: they go out at even distances. 0 to 2^31 - 1; 0: all at once.
   * Default 10 000.
   */
  spread?: number | undefined;
  /**
   * From the call to the end of whoever is still there, in ms. `spread` to 2^31 - 1. Default `spread` and 10 000 more.
   */
  deadline?: number | undefined;
}

/** What has become of a server's connections. Together they are all that it had. */
export interface DrainResult {
  /** Have got a Close frame, and ended in time. */
  closed: number;
  /** Have ended by themselves, before it was their turn. */
  left: number;
  /** Were cut off at the deadline. */
  terminated: number;
}

export type DrainSettings = Required<{
  [Name in keyof DrainOptions]: NonNullable<DrainOptions[Name]>;
}>;

const MAX_DELAY = 0x7fffffff;
/** In ms. */
const SPREAD = 10_000;
const LAST = 10_000;
/** How often it is looked whether the listener's handshakes have come to their end, in ms. */
const LOOK = 10;

/** @throws TypeError, RangeError for wrong options. */
export function drainSettings(options: DrainOptions = {}): DrainSettings {
  checkObject('options', options);
  const code = checkInteger('options.code', options.code ?? 1001, 1000, 4999);
  const reason = checkString('options.reason', options.reason ?? '');
  checkCloseArguments(code, reason);
  const spread = checkDelay('options.spread', options.spread ?? SPREAD);
  const deadline = checkDelay(
    'options.deadline',
    options.deadline ?? Math.min(spread + LAST, MAX_DELAY),
  );
  if (deadline < spread) {
    throw rangeError('options.deadline', `no less than options.spread, ${spread}`, deadline);
  }
  return { code, reason, spread, deadline };
}

/**
 * Closes a server's sockets one after the other. Whose handshake has begun before is let in, so that nobody who was
 * accepted is turned away, and is the last in the row.
 */
export class Drain {
  readonly result: Promise<DrainResult>;
  readonly #resolve: (result: DrainResult) => void;
  readonly #counts: DrainResult = { closed: 0, left: 0, terminated: 0 };
  readonly #began = now();
  /** In the order of their turns. */
  readonly #sockets: WebSocket[];
  readonly #told = new Set<WebSocket>();
  #next = 0;
  #over = false;
  /** How often in a row the listener had no handshakes. */
  #quiet = 0;
  #turn: NodeJS.Timeout | undefined;
  #nextLook: NodeJS.Timeout | undefined;
  readonly #end: NodeJS.Timeout;

  constructor(
    private readonly population: Population,
    private readonly settings: DrainSettings,
    private readonly listener: Listener | undefined,
  ) {
    let settle: (result: DrainResult) => void = () => undefined;
    this.result = new Promise((resolve) => (settle = resolve));
    this.#resolve = settle;
    this.#sockets = [...population.sockets];
    listener?.drain();
    population.watcher = {
      came: (socket) => {
        this.#sockets.push(socket);
        // When its listeners have seen it open.
        this.#turn ??= setTimeout(() => this.#tell(), 1);
      },
      gone: (socket) => this.#gone(socket),
      decided: () => this.#look(),
    };
    this.#end = setTimeout(() => this.#cutOff(), settings.deadline);
    this.#tell();
    this.#look();
  }

  /** Whether nobody is let in any more. */
  get isOver(): boolean {
    return this.#over;
  }

  /** Those whose turn has come. */
  #tell(): void {
    this.#turn = undefined;
    const { code, reason, spread } = this.settings;
    const all = this.#sockets.length;
    const passed = now() - this.#began;
    const due = passed >= spread ? all : Math.floor((all * passed) / spread) + 1;
    while (this.#next < Math.min(due, all)) {
      const socket = this.#sockets[this.#next++] as WebSocket;
      if (!this.population.sockets.has(socket)) continue;
      this.#told.add(socket);
      socket.close(code, reason);
      // One that is paused would not hear of the answer.
      socket.resume();
    }
    if (this.#next === all || this.#over) return;
    const wait = (this.#next * spread) / all - passed;
    this.#turn = setTimeout(() => this.#tell(), Math.max(1, Math.ceil(wait)));
  }

  #gone(socket: WebSocket): void {
    if (!this.#over) ++this.#counts[this.#told.delete(socket) ? 'closed' : 'left'];
    this.#look();
  }

  #cutOff(): void {
    const { sockets } = this.population;
    this.#over = true;
    clearTimeout(this.#turn);
    this.#counts.terminated = sockets.size;
    this.population.refuseUndecided();
    for (const socket of [...sockets]) socket.terminate();
    this.#look();
  }

  #look(): void {
    clearTimeout(this.#nextLook);
    const { sockets, undecided } = this.population;
    if (sockets.size > 0 || undecided > 0) this.#quiet = 0;
    else if (this.#over || this.listener === undefined) this.#finish();
    else {
      // Twice: a request may be on its way from the engine to us.
      this.#quiet = this.listener.isQuiet ? this.#quiet + 1 : 0;
      if (this.#quiet === 2) this.#finish();
      else this.#nextLook = setTimeout(() => this.#look(), LOOK);
    }
  }

  #finish(): void {
    this.#over = true;
    this.population.watcher = undefined;
    clearTimeout(this.#turn);
    clearTimeout(this.#end);
    this.listener?.finish();
    this.#resolve(this.#counts);
  }
}
