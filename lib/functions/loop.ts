/**
 * The documented `loop`: blocks the JavaScript thread and dispatches events until the last standalone object has
 * closed or failed.
 *
 * Everything that would wait for the event loop otherwise waits until it returns: timers, other I/O, signal handlers.
 * What is queued in process.nextTick() and callbacks of promises do run, after each batch; so code
 * that waits for an event by
 * a promise works, and what such callbacks throw becomes an uncaughtException as always. V8 cannot run callbacks of
 * promises inside of one, though: when loop() is called in such a callback, or in the body of an ES
 * module, or behind an
 * `await`, they run after it has returned.
 */
import type { Dispatcher } from '../addon/dispatcher';
import { stateError } from '../options/errors';
import { isNode, microtask, runtimeName } from '../base/runtime';

/** Batches between two looks at promises. */
const BATCHES = 1;

/**
 * What runs the queues of process.nextTick() and promises: Node.js since ever has a function for it that is not
 * documented; others have none.
 */
function queueRunner(): (() => void) | undefined {
  const { _tickCallback: run } = process as { _tickCallback?: unknown };
  return isNode() && typeof run === 'function' ? (run as () => void) : undefined;
}

function runQueued(): void {
  const run = queueRunner();
  if (!run) return;
  for (;;) {
    try {
      run();
      return;
    } catch (error) {
      // A nextTick callback threw. Node's own caller makes it an uncaughtException and clears the stack of asynchronous
      // contexts, which the callback has left half-way; from a microtask both are done the same way.
      microtask(() => {
        throw error;
      });
    }
  }
}

export class Loop {
  /** Standalone objects that are connecting or open. */
  private active = 0;
  private running = false;
  /** Whether callbacks of promises have to wait until loop() returns. */
  private nested = false;
  private warned = false;

  constructor(private readonly dispatcher: Dispatcher) {}

  /** A standalone object begins to connect. */
  enter(): void {
    this.active++;
  }

  /** It has closed or failed. */
  leave(): void {
    this.active--;
  }

  /**
   * @throws what a handler throws; calling it again goes on where it stopped.
   * @throws Error ERR_LOOP_RUNNING, ERR_LOOP_IN_HANDLER if it is called from inside of itself or of a handler.
   */
  run(): void {
    if (this.dispatcher.isDispatching) {
      throw stateError('ERR_LOOP_IN_HANDLER', 'loop() cannot be called in an event handler');
    }
    if (this.running) {
      throw stateError(
        'ERR_LOOP_RUNNING',
        'loop() is running already, and called from inside of itself',
      );
    }
    if (this.active === 0) return;
    this.running = true;
    try {
      this.dispatchAll();
    } finally {
      this.running = false;
    }
  }

  private dispatchAll(): void {
    const { dispatcher } = this;
    this.nested = !runsPromises();
    for (;;) {
      // Before the first wait as well: what was queued before may be what the objects wait for.
      runQueued();
      dispatcher.flushQueued();
      if (this.active === 0) return;
      if (dispatcher.turn(BATCHES) && !dispatcher.hasRest) {
        runQueued();
        dispatcher.flushQueued();
        if (this.active > 0) dispatcher.addon.wait(-1);
      }
    }
  }

  /**
   * What a handler has returned: a promise deserves a warning if nothing behind its `await` can run, and an error where
   * that is so always, and where no warning would be seen.
   */
  noteResult(result: unknown): void {
    if (!this.running || !this.nested || this.warned) return;
    if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return;
    if (queueRunner() === undefined) {
      throw stateError(
        'ERR_FEATURE_UNAVAILABLE',
        `an event handler has returned a promise inside loop(), where ${runtimeName()} runs no callbacks of promises: ` +
          'use a handler that is not async, or an object that is not standalone, without loop()',
      );
    }
    this.warned = true;
    process.emitWarning(
      'An event handler has returned a promise while loop() was called inside a callback of a promise, in the ' +
        'body of an ES module or behind an await. What the handler awaits goes on after loop() has returned. ' +
        'Call loop() from a CommonJS script or a timer instead.',
      { code: 'VERAWEBSOCKETS_NESTED_LOOP' },
    );
  }
}

/** Whether callbacks of promises run when they are asked to. */
function runsPromises(): boolean {
  let ran = false;
  void Promise.resolve().then(() => {
    ran = true;
  });
  runQueued();
  return ran;
}
