/** What the brokers have in common: who listens. */
import { withCode } from '../options/errors';

export class Listeners {
  #message: ((topic: string, message: Uint8Array) => void) | undefined;
  #error: ((error: Error) => void) | undefined;
  #reconnect: (() => void) | undefined;

  /** @throws Error ERR_BROKER_IN_USE for a second one. */
  setMessage(listener: (topic: string, message: Uint8Array) => void): void {
    if (this.#message) {
      throw withCode(
        new Error('the broker has a server already; each server needs one of its own'),
        'ERR_BROKER_IN_USE',
      );
    }
    this.#message = listener;
  }

  setError(listener: (error: Error) => void): void {
    this.#error = listener;
  }

  setReconnect(listener: () => void): void {
    this.#reconnect = listener;
  }

  message(topic: string, message: Uint8Array): void {
    this.#message?.(topic, message);
  }

  error(error: Error): void {
    this.#error?.(error);
  }

  reconnect(): void {
    this.#reconnect?.();
  }
}
