/** The certificates that Node.js trusts where `ca` is not given: by its flags, the environment and `node:tls`. */
import { readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import * as tls from 'node:tls';

/** Since Node.js 22.15. 'default' knows of --use-system-ca and, since 22.19, of tls.setDefaultCACertificates(). */
const { getCACertificates } = tls as unknown as {
  getCACertificates?: (type: 'default' | 'extra') => readonly string[];
};

const OPENSSL_CA = usesOpenSslStore();
/** With --use-openssl-ca: what Node.js trusts besides, before tls.setDefaultCACertificates(). */
const BESIDES_OPENSSL = OPENSSL_CA ? getCACertificates?.('default') : undefined;

/** Whether Node.js trusts what OpenSSL finds instead of its own list: by --use-openssl-ca, or as it was built. */
function usesOpenSslStore(): boolean {
  const built = process.config as unknown as
    { target_defaults?: { defines?: readonly string[] } } | undefined;
  let uses = built?.target_defaults?.defines?.includes('NODE_OPENSSL_CERT_STORE') ?? false;
  const flags = [...(process.env['NODE_OPTIONS'] ?? '').split(/[\s"]+/), ...process.execArgv];
  for (const flag of flags) {
    const name = flag.replaceAll('_', '-');
    if (name === '--use-openssl-ca') uses = true;
    else if (name === '--no-use-openssl-ca' || name === '--use-bundled-ca') uses = false;
  }
  return uses;
}

/** The roots that are trusted where the option `ca` is not given. */
export interface Roots {
  /** The same object as long as they are the same. */
  readonly identity: object;
  /** PEM; empty: nobody is trusted. */
  pem(): string;
}

const unchanging: Roots = { identity: {}, pem: readRoots };

/** What Node.js trusts now. */
export function currentRoots(): Roots {
  const list = getCACertificates?.('default');
  if (list === undefined || isBesidesOpenSsl(list)) return unchanging;
  return { identity: list, pem: () => list.join('\n') };
}

function isBesidesOpenSsl(list: readonly string[]): boolean {
  if (!OPENSSL_CA || list !== BESIDES_OPENSSL) return false;
  // A list that was set before we came is another.
  const extra = getCACertificates?.('extra') ?? [];
  return list.length === extra.length && list.every((pem, i) => pem === extra[i]);
}

function readRoots(): string {
  const own = OPENSSL_CA ? opensslRoots() : tls.rootCertificates;
  const extra = process.env['NODE_EXTRA_CA_CERTS'];
  // Where it cannot be read Node.js has warned about it when it started, and goes on without.
  return [...own, ...(extra ? readPem(extra) : [])].join('\n');
}

/** What OpenSSL's own store has: a file, and folders with files named by the hashes of their subjects. */
function opensslRoots(): string[] {
  const home = opensslHome();
  const folders = (process.env['SSL_CERT_DIR'] ?? join(home, 'certs')).split(delimiter);
  return [
    ...readPem(process.env['SSL_CERT_FILE'] ?? join(home, 'cert.pem')),
    ...folders.filter((folder) => folder !== '').flatMap(readHashed),
  ];
}

/** OPENSSLDIR: that of Node's own builds, or of a distribution's. */
function opensslHome(): string {
  if (process.platform === 'win32') return 'C:\\Program Files\\Common Files\\SSL';
  const { variables } = process.config as { variables?: Record<string, unknown> };
  const shared = variables?.['node_shared_openssl'] === true;
  const homes = shared ? ['/usr/lib/ssl', '/etc/pki/tls', '/etc/ssl'] : ['/etc/ssl'];
  return homes.find((home) => attempt(() => readdirSync(home)) !== undefined) ?? '/etc/ssl';
}

function readHashed(folder: string): string[] {
  const names = attempt(() => readdirSync(folder)) ?? [];
  return names
    .filter((name) => /^[0-9a-f]{8}\.\d+$/.test(name))
    .flatMap((name) => readPem(join(folder, name)));
}

function readPem(file: string): string[] {
  const pem = attempt(() => readFileSync(file, 'utf8'));
  return pem === undefined ? [] : [pem];
}

function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
