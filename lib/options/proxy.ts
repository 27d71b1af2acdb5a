/** The option `proxy`: which proxies there are, and what the environment says about them. */
import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';
import { typeError, urlError, withCode } from './errors';
import { checkHeaders, type HeadersInput } from './headers';
import { withoutPassword, type ParsedUrl } from './url';
import type { ConnectOptions } from '../addon/contract';

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
  if (isExempt(target, readVariable(environment, 'no_proxy')?.value ?? '')) return undefined;
  const names = target.secure
    ? ['wss_proxy', 'https_proxy', 'all_proxy']
    : ['ws_proxy', 'http_proxy', 'all_proxy'];
  for (const name of names) {
    const found = readVariable(environment, name);
    if (found !== undefined) return { variable: found.variable, url: found.value };
  }
  return undefined;
}

/** In lower case before upper case. One that is set to nothing is as one that is not set. */
function readVariable(
  environment: NodeJS.ProcessEnv,
  name: string,
): { variable: string; value: string } | undefined {
  for (const variable of [name, name.toUpperCase()]) {
    const value = environment[variable]?.trim();
    if (value) return { variable, value };
  }
  return undefined;
}

/**
 * Whether NO_PROXY names the target: hosts, ".suffixes", "*.suffixes", addresses, networks, or "*", each perhaps with
 * a port. Names and addresses are compared by what they mean, not as they are written.
 */
export function isExempt(target: { host: string; port: number }, list: string): boolean {
  const host = normalName(target.host);
  const address = parseAddress(target.host);
  return list.split(/[\s,]+/).some((entry) => {
    const { name, port } = splitPort(entry);
    if (name === '' || (port !== undefined && port !== target.port)) return false;
    if (name === '*') return true;
    if (name.includes('/')) return address !== undefined && isInNetwork(address, name);
    const named = parseAddress(name);
    if (named !== undefined || address !== undefined) {
      return named !== undefined && address !== undefined && isSame(named, address);
    }
    return isWithin(host, name);
  });
}

/** "name:8080", "[::1]:8080"; an IPv6 address without brackets has no port. */
function splitPort(entry: string): { name: string; port?: number } {
  const parts = /^(\[[^\]]*\](?:\/\d+)?|[^:]*):(\d+)$/.exec(entry);
  const name = (parts?.[1] ?? entry).replace(/^\[([^\]]*)\]/, '$1');
  return parts ? { name, port: Number(parts[2]) } : { name };
}

/** Whether the host has that name or, as "example.com" and "*.example.com" mean too, is below it. "*" is any text. */
function isWithin(host: string, entry: string): boolean {
  const [, wildcard = '', dot = '', rest = ''] = /^(\*?)(\.?)(.*)$/.exec(entry) ?? [];
  const suffix = normalName(rest);
  if (suffix === '') return false;
  if (wildcard !== '' && dot === '') return host.endsWith(suffix);
  return host === suffix || host.endsWith(`.${suffix}`);
}

/** In lower case and as it is asked for in DNS; without the root's dot. */
function normalName(name: string): string {
  const plain = name.replace(/\.$/, '');
  return domainToASCII(plain) || plain.toLowerCase();
}

interface NumericAddress {
  bits: 32 | 128;
  value: bigint;
}

/** An IP address in any of its forms; a zone is of no matter here. */
function parseAddress(text: string): NumericAddress | undefined {
  const plain = text.replace(/%.*$/, '').replace(/\.$/, '');
  if (isIPv4(plain)) {
    const value = plain.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n);
    return { bits: 32, value };
  }
  if (!isIPv6(plain)) return undefined;
  // A URL's host has one form only: groups of hexadecimal digits, the longest run of zeros left out.
  const [before = '', after] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const head = groups(before);
  const tail = groups(after ?? '');
  const zeros = Array<string>(8 - head.length - tail.length).fill('0');
  const value = [...head, ...zeros, ...tail].reduce(
    (sum, group) => sum * 65536n + BigInt(`0x${group}`),
    0n,
  );
  return { bits: 128, value };
}

function isSame(one: NumericAddress, other: NumericAddress): boolean {
  return one.bits === other.bits && one.value === other.value;
}

/** "10.0.0.0/8", "fd00::/8". */
function isInNetwork(address: NumericAddress, network: string): boolean {
  const [, base = '', length = ''] = /^(.*)\/(\d+)$/.exec(network) ?? [];
  const start = parseAddress(base);
  if (start === undefined || start.bits !== address.bits || Number(length) > start.bits) {
    return false;
  }
  const rest = BigInt(start.bits - Number(length));
  return address.value >> rest === start.value >> rest;
}
