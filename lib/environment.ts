/**
 * What there is once in each JavaScript environment (the main thread, each worker): the addon, the dispatcher of
 * its events, the TLS configurations in use. Tests make their own with an addon of their own.
 */
import type { Dispatcher } from './dispatcher';
import type { NativeAddon } from './native';
import type { TlsStore } from './tls-store';

export interface Environment {
  readonly addon: NativeAddon;
  readonly dispatcher: Dispatcher;
  readonly tls: TlsStore;
}

/** The environment of this thread; made, and the addon loaded, at the first call. */
export declare function environment(): Environment;
