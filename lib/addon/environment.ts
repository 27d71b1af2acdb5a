/**
 * What there is once in each JavaScript environment (the main thread, each worker): the addon, the dispatcher of
 * its events, the TLS configurations in use. Tests make their own with an addon of their own.
 */
import { Dispatcher } from './dispatcher';
import type { NativeAddon } from './contract';
import { loadNative } from './load';
import { TlsStore } from './tls-store';

export class Environment {
  readonly dispatcher: Dispatcher;
  readonly tls: TlsStore;

  constructor(readonly addon: NativeAddon) {
    this.dispatcher = new Dispatcher(addon);
    this.tls = new TlsStore(addon);
  }
}

let shared: Environment | undefined;

/** The environment of this thread; made, and the addon loaded, at the first call. */
export function environment(): Environment {
  if (shared === undefined) {
    shared = new Environment(loadNative());
  }
  return shared;
}

/** Whether this thread has its environment, and with it the addon. */
export function isLoaded(): boolean {
  return shared !== undefined;
}

/** See {@link Dispatcher.logFailure}. */
export function logFailure(code: string, detail: string): void {
  environment().dispatcher.logFailure(code, detail);
}
