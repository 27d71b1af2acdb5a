/** The option `proxy`: which proxies there are, and what the environment says about them. */
import { isIP, isIPv4 } from 'node:net';
import { typeError, urlError, withCode } from './errors';
import { checkHeaders, type HeadersInput } from './headers';
import { withoutPassword, type ParsedUrl } from './url';
import type { ConnectOptions } from './native';

export type NativeProxy = NonNullable<ConnectOptions['proxy']>;

/** A proxy with more to say than its URL. */
export interface ProxyOptions {
  /**
   * `http://user:password@host:port` (CONNECT), `socks5://…` (names are resolved here),
   * `socks5h://…` and `socks://…` (names are resolved by the proxy).
   */
  url: string | URL;
  /** Further headers of the CONNECT request; HTTP proxies only. */
  headers?: HeadersInput | undefined;
}

/** The URL of a proxy, the same with headers, 'env' for that of the environment, or false for none. */
export type ProxyInput = string | URL | ProxyOptions | false;

const PROXIES: Readonly<
  Record<string, { type: NativeProxy['type']; port: number; resolveLocally: boolean }>
> = {
  'http:': { type: 'http', port: 80, resolveLocally: false },
  'socks5:': { type: 'socks5', port: 1080, resolveLocally: true },
  'socks5h:': { type: 'socks5', port: 1080, resolveLocally: false },
  'socks:': { type: 'socks5', port: 1080, resolveLocally: false },
};

/**
 * Checks the option `proxy`.
 *
 * @param target what is being connected to; 'env' depends on it.
 * @returns what native code takes, or undefined for a direct connection.
 * @throws TypeError, or SyntaxError ERR_INVALID_URL.
 */
export function checkProxy(
  field: string,
  input: unknown,
  target: ParsedUrl,
  environment: NodeJS.ProcessEnv = process.env,
): NativeProxy | undefined {
  if (input === undefined || input === null || input === false) return undefined;
  // A unix socket is here already.
  if (target.socketPath !== undefined && input === 'env') return undefined;
  if (input === 'env') {
    const found = proxyFromEnvironment(target, environment);
    return found && parseProxy(`${field} (environment variable ${found.variable})`, found.url);
  }
  if (typeof input === 'string' || input instanceof URL) return parseProxy(field, input);
  if (typeof input !== 'object') throw typeError(field, "a URL, an object, 'env' or false", input);
  const { url, headers } = input as { url?: unknown; headers?: unknown };
  if (typeof url !== 'string' && !(url instanceof URL)) {
    throw typeError(`${field}.url`, 'a string or a URL', url);
  }
  const proxy = parseProxy(`${field}.url`, url);
  if (headers !== undefined) {
    if (proxy.type === 'socks5') {
      throw typeError(`${field}.headers`, 'absent for a SOCKS5 proxy, which has none', headers);
    }
    proxy.headers = checkHeaders(headers, `${field}.headers`).lines;
  }
  return proxy;
}

function parseProxy(field: string, input: string | URL): NativeProxy {
  // Environment variables often leave the scheme out.
  const given = String(input);
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(given) ? given : `http://${given}`;
  const shown = withoutPassword(given);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw urlError(field, shown, 'is not a valid URL');
  }
  if (url.protocol === 'https:') {
    // Never as http: that would send the credentials in the clear.
    throw withCode(
      typeError(
        field,
        'http:, socks5: or socks5h:; TLS to the proxy itself is not supported',
        shown,
      ),
      'ERR_UNSUPPORTED_OPTION',
    );
  }
  const kind = PROXIES[url.protocol];
  if (kind === undefined) {
    throw urlError(field, shown, `has an unknown scheme; use ${Object.keys(PROXIES).join(', ')}`);
  }
  if (url.hostname === '') throw urlError(field, shown, 'has no host');
  if (url.port === '0') throw urlError(field, shown, 'has port 0, which cannot be connected to');
  if ((url.pathname !== '' && url.pathname !== '/') || url.search !== '' || url.hash !== '') {
    throw urlError(field, shown, 'has a path, a query or a fragment, which a proxy has not');
  }
  const host = url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname;
  const proxy: NativeProxy = {
    type: kind.type,
    host,
    port: url.port === '' ? kind.port : Number(url.port),
    resolveLocally: kind.resolveLocally,
  };
  if (url.username !== '' || url.password !== '') {
    try {
      proxy.auth = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    } catch {
      throw urlError(field, shown, 'has an invalid percent-encoding in its credentials');
    }
  }
  return proxy;
}

function proxyFromEnvironment(
  target: ParsedUrl,
  environment: NodeJS.ProcessEnv,
): { variable: string; url: string } | undefined {
  if (isExempt(target, environment['no_proxy'] ?? environment['NO_PROXY'] ?? '')) return undefined;
  const names = target.secure
    ? ['wss_proxy', 'https_proxy', 'all_proxy']
    : ['ws_proxy', 'http_proxy', 'all_proxy'];
  for (const name of names) {
    for (const variable of [name, name.toUpperCase()]) {
      const url = environment[variable];
      if (url) return { variable, url };
    }
  }
  return undefined;
}

/**
 * Whether NO_PROXY names the target: hosts, ".suffixes", "*.suffixes", addresses, IPv4 networks,
 * each perhaps with a port.
 */
export function isExempt(target: { host: string; port: number }, list: string): boolean {
  const host = target.host.toLowerCase().replace(/\.$/, '');
  return list
    .toLowerCase()
    .split(/[\s,]+/)
    .some((entry) => {
      if (entry === '') return false;
      if (entry === '*') return true;
      const port = /^(\[[^\]]*\]|[^:]*):(\d+)$/.exec(entry);
      if (port && Number(port[2]) !== target.port) return false;
      const name = (port ? (port[1] ?? '') : entry).replace(/^\[|\]$/g, '');
      if (name === host) return true;
      if (name.includes('/')) return inNetwork(host, name);
      if (isIP(host)) return false;
      const suffix = name.replace(/^\*?\.?/, '');
      return suffix !== '' && (host === suffix || host.endsWith(`.${suffix}`));
    });
}

function inNetwork(host: string, network: string): boolean {
  const [base = '', bits = ''] = network.split('/');
  if (!isIPv4(host) || !isIPv4(base) || !/^\d+$/.test(bits) || Number(bits) > 32) return false;
  const number = (address: string): number =>
    address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
  const size = 2 ** (32 - Number(bits));
  return Math.floor(number(host) / size) === Math.floor(number(base) / size);
}
