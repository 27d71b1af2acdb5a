/**
 * How a socket comes to its end (RFC 6455 §7), as a table: what happened comes in by a method, what is to be done is
 * its answer. The frames of the closing handshake, its timer and the code that is reported are the engine's.
 */
import { CLOSED, CLOSING, CONNECTING, OPEN, type ReadyState } from './ready-state';

/** What the user's wish to end it comes to. */
export const enum Act {
  Nothing,
  /** It is not open yet: {@link Ending.abandon}. */
  GiveUp,
  /** A Close frame goes out, behind everything that was sent. */
  SendClose,
  /** TCP ends at once. */
  CutOff,
}

/** There was no Close frame (RFC 6455 §7.1.5). */
const NO_CLOSE_FRAME = 1006;

export class Ending {
  readyState: ReadyState = CONNECTING;
  closedCleanly = false;
  /** The user wants it to end: no further attempt, and no error that is only a consequence. */
  protected byUser = false;
  /** The first error of the open connection; no other is told. */
  protected breach: Error | undefined;
  /** The same, while it is not told: that waits for the end of TCP. */
  protected untold: Error | undefined;

  /**
   * @param strict whether it ends as the standard has it: CLOSED before `error`, which is told at the end. Else as ws.
   */
  constructor(protected readonly strict: boolean) {}

  /** The connection stands. */
  opened(): void {
    this.readyState = OPEN;
  }

  /** Another connection is to be made. */
  startAnew(): void {
    this.breach = undefined;
    this.untold = undefined;
    this.readyState = CONNECTING;
  }

  /** close() was called. */
  wishClose(): Act {
    if (this.readyState === CONNECTING) return Act.GiveUp;
    if (this.readyState !== OPEN) return Act.Nothing;
    this.readyState = CLOSING;
    this.byUser = true;
    return Act.SendClose;
  }

  /** terminate() was called. */
  wishCut(): Act {
    if (this.readyState === CLOSED) return Act.Nothing;
    if (this.readyState === CONNECTING) return Act.GiveUp;
    this.readyState = CLOSING;
    this.byUser = true;
    return Act.CutOff;
  }

  /** It is given up before it is open. Whether there is something to give up: once. */
  abandon(): boolean {
    if (this.readyState !== CONNECTING || this.byUser) return false;
    this.byUser = true;
    this.readyState = CLOSING;
    return true;
  }

  /** The peer's Close frame has come, which the engine answers; or the connection is of no use any more. */
  leaveOpen(): void {
    if (this.readyState === OPEN) this.readyState = CLOSING;
  }

  /**
   * The open connection is of no use any more; its end follows.
   *
   * @param mayRecover whether another connection may take its place: then it is an error only if none does.
   * @returns whether to tell the error now.
   */
  breaks(error: Error, mayRecover: boolean): boolean {
    if (this.breach) return false;
    this.leaveOpen();
    this.breach = error;
    // In the standard the error and the end come together.
    if (!this.strict && (!mayRecover || this.byUser)) return true;
    this.untold = error;
    return false;
  }

  /**
   * TCP has ended, and no other connection follows.
   *
   * @param loss makes the error of an end without a Close frame, which the standard tells of (RFC 6455 §7.2.1).
   * @returns the error to tell first, if there is one.
   */
  tcpEnded(code: number, loss: () => Error): Error | undefined {
    const error =
      this.untold ?? (this.strict && this.isLoss(code) && !this.breach ? loss() : undefined);
    this.untold = undefined;
    if (error) this.failing();
    return error;
  }

  /** Whether an end with this code is none that the user has asked for. */
  isLoss(code: number): boolean {
    return code === NO_CLOSE_FRAME && !this.byUser;
  }

  /** An error is told that the end follows. */
  failing(): void {
    this.readyState = this.strict ? CLOSED : CLOSING;
  }

  /** Functions of send() are called now, which in ws still see CLOSING; then `close` is told. */
  finishing(clean: boolean): void {
    if (!this.strict) this.readyState = CLOSING;
    this.closedCleanly = clean;
  }

  /** `close` is told now. */
  over(): void {
    this.readyState = CLOSED;
  }
}
