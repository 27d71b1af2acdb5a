/**
 * TLS configurations: made once for equal settings, and kept while somebody uses them.
 *
 * To load certificates and keys takes milliseconds and memory, and sessions can only be resumed within one
 * configuration; so a thousand connections with the same settings share one.
 */
import { createHash } from 'node:crypto';
import type { NativeAddon, TlsOptions } from './contract';
import { currentRoots } from './roots';

/** A configuration that native code holds. Whoever keeps the object keeps the configuration. */
export class TlsConfig {
  /** @param handle of createTls(). */
  constructor(readonly handle: number) {}
}

/** Configurations used last are kept although nobody holds them, for the next connection and its session. */
const KEPT = 8;

export class TlsStore {
  private readonly configs = new Map<string, WeakRef<TlsConfig>>();
  private readonly kept: TlsConfig[] = [];
  private readonly registry: FinalizationRegistry<{ key: string; handle: number }>;
  /** Whose roots native code has, and how many it has had: configurations keep those they were made with. */
  private roots: object | undefined;
  private generation = 0;

  constructor(private readonly addon: NativeAddon) {
    this.registry = new FinalizationRegistry(({ key, handle }) => {
      addon.releaseTls(handle);
      // A new one may have taken its place meanwhile.
      if (this.configs.get(key)?.deref() === undefined) this.configs.delete(key);
    });
  }

  /**
   * The configuration for these settings.
   *
   * @throws Error with a code, from native code: unusable certificates, a key that does not match, a wrong
   *   password, unknown ciphers.
   */
  acquire(options: TlsOptions): TlsConfig {
    this.giveRoots();
    const key = `${options.ca === undefined ? this.generation : ''}${keyOf(options)}`;
    let config = this.configs.get(key)?.deref();
    if (config === undefined) {
      config = new TlsConfig(this.addon.createTls(options));
      this.configs.set(key, new WeakRef(config));
      this.registry.register(config, { key, handle: config.handle });
    }
    if (this.kept[0] !== config) {
      const at = this.kept.indexOf(config);
      if (at > 0) this.kept.splice(at, 1);
      this.kept.unshift(config);
      if (this.kept.length > KEPT) this.kept.pop();
    }
    return config;
  }

  private giveRoots(): void {
    const roots = currentRoots();
    if (roots.identity === this.roots) return;
    this.addon.setRoots(roots.pem());
    this.roots = roots.identity;
    this.generation++;
  }
}

/** Settings as a text that is the same for the same settings. Secrets are hashed. */
function keyOf(options: TlsOptions): string {
  const { ca, cert, key, pfx, passphrase, ...rest } = options;
  const names = Object.keys(rest).sort();
  const plain = JSON.stringify(names.map((name) => [name, rest[name as keyof typeof rest]]));
  if (!ca && !cert && !key && !pfx && passphrase === undefined) return plain;
  const hash = createHash('sha256');
  for (const secret of [ca, cert, key, pfx, passphrase]) {
    if (secret === undefined) hash.update('-;');
    else hash.update(`${Buffer.byteLength(secret)};`).update(secret);
  }
  return plain + hash.digest('base64');
}
