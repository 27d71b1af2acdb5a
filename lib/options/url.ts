/** URLs: which are accepted, and what they mean. */
import { inspect } from 'node:util';
import { typeError, urlError } from './errors';

/** What a URL says. */
export interface ParsedUrl {
  /** The URL with its scheme as ws: or wss:, without credentials; for messages and as the `url` property. */
  href: string;
  secure: boolean;
  /** Host name or numeric address, without brackets; 'localhost' for a unix socket. */
  host: string;
  port: number;
  /** Path and query, starting with "/". */
  path: string;
  /** The Host header: the port only if it is not the scheme's own. */
  hostHeader: string;
  /** scheme://host[:port], as MessageEvent.origin wants it. */
  origin: string;
  /** "user:password", from the URL. */
  auth?: string;
  /** Of ws+unix: and wss+unix: URLs. */
  socketPath?: string;
}

const SCHEMES: Readonly<Record<string, { secure: boolean; unix: boolean }>> = {
  'ws:': { secure: false, unix: false },
  'wss:': { secure: true, unix: false },
  'http:': { secure: false, unix: false },
  'https:': { secure: true, unix: false },
  'ws+unix:': { secure: false, unix: true },
  'wss+unix:': { secure: true, unix: true },
};

/** A URL for messages: without its password. */
export function withoutPassword(url: string): string {
  return url.replace(/^([a-z0-9+.-]+:\/*[^:/?#@]*):[^/?#]*@/i, '$1:***@');
}

/** Why `new URL` may have refused a text; it only says "Invalid URL". */
function problemOf(text: string): string {
  const port = /^[a-z0-9+.-]+:\/\/[^/?#]*?:(\d*[^\d/?#\]@][^/?#\]@]*|\d{5,})(?=[/?#]|$)/i.exec(
    text,
  );
  if (port) return `has an invalid port "${port[1] ?? ''}" (0 to 65535)`;
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text)) return 'has no scheme; use ws:// or wss://';
  return 'is not a valid URL';
}

function decode(field: string, href: string, what: string, text: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(text);
  } catch {
    throw urlError(field, href, `has an invalid percent-encoding in its ${what}`);
  }
  // RFC 7617 §2: no control characters, and no colon in the user-id.
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f]/.test(decoded)) {
    throw urlError(field, href, `has a control character in its ${what}`);
  }
  return decoded;
}

/**
 * Parses a URL of a WebSocket server: ws:, wss:, their equivalents http: and https:, and ws+unix: and wss+unix:
 * ("ws+unix:///path/of.sock:/path?query", as npm `ws` has them).
 *
 * @param base for relative URLs (redirects).
 * @throws TypeError ERR_INVALID_ARG_TYPE if it is neither a string nor a URL.
 * @throws SyntaxError ERR_INVALID_URL if it cannot be parsed, has another scheme, a fragment or bad
 * credentials. Port 0 is none of its business: a connection to it fails.
 */
export function parseUrl(input: unknown, field = 'url', base?: string): ParsedUrl {
  if (typeof input !== 'string' && !(input instanceof URL)) {
    throw typeError(field, 'a string or a URL', input);
  }
  const text = String(input);
  const shown = withoutPassword(text);
  let url: URL;
  try {
    url = new URL(text, base);
  } catch {
    throw urlError(field, shown, problemOf(text));
  }
  const scheme = SCHEMES[url.protocol];
  if (scheme === undefined) {
    throw urlError(
      field,
      shown,
      `has the scheme ${inspect(url.protocol)}; use ws:, wss:, http:, https: or ws+unix:`,
    );
  }
  // An empty fragment counts as well (the standard's "fragment is non-null"), and url.hash does not show it.
  if (url.href.includes('#')) {
    throw urlError(field, shown, 'contains a fragment (RFC 6455 §3 forbids them)');
  }
  const { secure } = scheme;
  let auth: string | undefined;
  if (url.username !== '' || url.password !== '') {
    const user = decode(field, shown, 'user name', url.username);
    if (user.includes(':')) throw urlError(field, shown, 'has a colon in its user name');
    auth = `${user}:${decode(field, shown, 'password', url.password)}`;
    url.username = '';
    url.password = '';
  }
  if (scheme.unix) return parseUnix(url, secure, auth, field, shown);

  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port);
  const wsScheme = secure ? 'wss:' : 'ws:';
  const parsed: ParsedUrl = {
    href: wsScheme + url.href.slice(url.protocol.length),
    secure,
    host: url.hostname.startsWith('[') ? url.hostname.slice(1, -1) : url.hostname,
    port,
    path: url.pathname + url.search,
    hostHeader: url.host,
    origin: `${wsScheme}//${url.host}`,
  };
  if (auth !== undefined) parsed.auth = auth;
  return parsed;
}

/** ws+unix:///path/of.sock:/path?query. The first colon ends the socket's path. */
function parseUnix(
  url: URL,
  secure: boolean,
  auth: string | undefined,
  field: string,
  shown: string,
): ParsedUrl {
  if (url.hostname !== '') {
    throw urlError(field, shown, 'has a host; write three slashes: ws+unix:///path/of.sock:/path');
  }
  const colon = url.pathname.indexOf(':');
  const socketPath = decode(
    field,
    shown,
    'socket path',
    colon < 0 ? url.pathname : url.pathname.slice(0, colon),
  );
  if (socketPath === '' || socketPath === '/') throw urlError(field, shown, 'has no socket path');
  let path = colon < 0 ? '/' : url.pathname.slice(colon + 1);
  if (!path.startsWith('/')) path = `/${path}`;
  const parsed: ParsedUrl = {
    href: url.href,
    secure,
    host: 'localhost',
    port: secure ? 443 : 80,
    path: path + url.search,
    hostHeader: 'localhost',
    origin: `${secure ? 'wss' : 'ws'}+unix://`,
    socketPath,
  };
  if (auth !== undefined) parsed.auth = auth;
  return parsed;
}

/** The value of an Authorization or Proxy-Authorization header for "user:password" (RFC 7617, in UTF-8). */
export function basicAuth(auth: string): string {
  return `Basic ${Buffer.from(auth, 'utf8').toString('base64')}`;
}
