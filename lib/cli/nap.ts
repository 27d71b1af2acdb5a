/** A sleep that can be ended. */
import { clearTimeout, setTimeout } from '../base/runtime';

export class Nap {
  #end: () => void = () => undefined;

  /** Ends a sleep that is under way. */
  wake(): void {
    this.#end();
  }

  /** @param time in ms. */
  sleep(time: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, time);
      this.#end = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
