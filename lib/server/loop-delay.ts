/** How late Node's event loop is: what timers, and so everything that JavaScript does, wait for others. */
import { monitorEventLoopDelay, type IntervalHistogram } from 'node:perf_hooks';

/** How often it is looked, in ms. What is measured is how long that took, and so contains it. */
const RESOLUTION = 10;
const QUANTILES = [0.5, 0.9, 0.99, 1] as const;

export interface LoopDelays {
  /** Of what was seen since the last call, in seconds. */
  quantiles: readonly (readonly [number, number])[];
  /** Of all since the beginning. */
  count: number;
  sum: number;
}

export class LoopDelay {
  readonly #histogram: IntervalHistogram;
  #count = 0;
  #sum = 0;

  constructor() {
    this.#histogram = monitorEventLoopDelay({ resolution: RESOLUTION });
    this.#histogram.enable();
  }

  read(): LoopDelays {
    const histogram = this.#histogram;
    const { count } = histogram as IntervalHistogram & { count: number };
    const inSeconds = (ns: number): number => Math.max(0, ns / 1e9 - RESOLUTION / 1000);
    const quantiles = QUANTILES.map((quantile) => {
      const value = count === 0 ? 0 : histogram.percentile(quantile * 100);
      return [quantile, inSeconds(value)] as const;
    });
    this.#count += count;
    if (count > 0) this.#sum += inSeconds(histogram.mean) * count;
    histogram.reset();
    return { quantiles, count: this.#count, sum: this.#sum };
  }

  stop(): void {
    this.#histogram.disable();
  }
}
