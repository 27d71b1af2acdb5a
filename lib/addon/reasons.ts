/**
 * The documented reasons of event 1, the engines' own words for them, and the codes.
 *
 * The documentation was written on libwebsockets 2.4. Engines differ in wording, and some say the same for two causes
 * or different things for one. What reaches a handler is the documented text wherever the cause is one of the list;
 * the engine's words stay in `detail`.
 */
import { bodyOf } from '../base/http-body';
import type { ConnectionFailure } from './contract';

/** The code by which native code says "these are the engine's own words, find out what they mean". */
export const ENGINE_CODE = 'ENGINE';

/** One row of the table. */
export interface DocumentedReason {
  /** The documented text. */
  reason: string;
  /** Stable and machine-readable. Two reasons may share one where the cause is the same. */
  code: string;
  /** What libwebsockets 4.1.6 says; empty: it cannot say it (see note). */
  words416: readonly string[];
  /** What libwebsockets 2.4.2 says. */
  words242: readonly string[];
  /** What it means, in a few words. */
  meaning: string;
}

const same = (words: string): Pick<DocumentedReason, 'words416' | 'words242'> => ({
  words416: [words],
  words242: [words],
});

/** The 35 documented reasons, in the documentation's order. */
export const DOCUMENTED_REASONS: readonly DocumentedReason[] = [
  {
    reason: 'getaddrinfo (ipv6) failed',
    code: 'ENOTFOUND',
    words416: ['ipv6 lws_getaddrinfo46 failed'],
    words242: ['ipv6 lws_getaddrinfo46 failed'],
    meaning: 'the host has no IPv6 address and only those were wanted',
  },
  {
    reason: 'unknown address family',
    code: 'EAFNOSUPPORT',
    words416: [],
    words242: ['unknown address family'],
    meaning: 'the name resolved to addresses of no usable family',
  },
  {
    reason: 'getaddrinfo (ipv4) failed',
    code: 'ENOTFOUND',
    words416: ['getaddrinfo failed', 'unable to lookup address'],
    words242: ['getaddrinfo failed', 'unable to lookup address', 'gethostbyname (ipv4) failed'],
    meaning: 'the host name cannot be resolved',
  },
  {
    reason: 'set socket opts failed',
    code: 'ERR_SOCKET_OPTIONS',
    words416: ['set socket opts failed'],
    words242: ['set socket opts failed'],
    meaning: 'the system refused options of the socket',
  },
  {
    reason: 'insert wsi failed',
    code: 'EMFILE',
    words416: ['insert wsi failed'],
    words242: ['insert wsi failed', 'unable to open socket'],
    meaning: 'no file descriptor or table entry is left for the socket',
  },
  {
    reason: 'lws_ssl_client_connect1 failed',
    code: 'ERR_TLS_HANDSHAKE',
    words416: ['bio_create failed', 'tls restriction limit'],
    words242: ['lws_ssl_client_connect1 failed', 'bio_create failed'],
    meaning: 'the TLS handshake could not begin',
  },
  {
    reason: 'lws_ssl_client_connect2 failed',
    code: 'ERR_TLS_HANDSHAKE',
    words416: [],
    words242: ['lws_ssl_client_connect2 failed'],
    meaning: 'the TLS handshake failed, or the certificate was refused (ERR_CERT_… codes)',
  },
  {
    reason: 'Peer hung up',
    code: 'ERR_PEER_HUNG_UP',
    words416: ['Peer hung up', 'closed before established', 'Closed before conn'],
    words242: ['Peer hung up'],
    meaning: 'the server ended the connection before it answered',
  },
  {
    reason: 'read failed',
    code: 'ERR_HANDSHAKE_READ',
    ...same('read failed'),
    meaning: 'the connection ended, or reading failed, within the response',
  },
  {
    reason: 'HS: URI missing',
    code: 'ERR_STATUS_LINE_MISSING',
    ...same('HS: URI missing'),
    meaning: 'the response has no HTTP/1.1 status line',
  },
  {
    reason: 'HS: Redirect code but no Location',
    code: 'ERR_REDIRECT_NO_LOCATION',
    ...same('HS: Redirect code but no Location'),
    meaning: 'a redirect without a Location header',
  },
  {
    reason: 'HS: URI did not parse',
    code: 'ERR_REDIRECT_INVALID_LOCATION',
    ...same('HS: URI did not parse'),
    meaning: 'the Location of a redirect is not a URL that can be connected to',
  },
  {
    reason: 'HS: Redirect failed',
    code: 'ERR_REDIRECT_FAILED',
    words416: ['HS: Redirect failed', 'HS: Redirect attempted SSL downgrade', 'no ads'],
    words242: ['HS: Redirect failed', 'HS: Redirect attempted SSL downgrade'],
    meaning: 'too many redirects, or one from wss to ws',
  },
  {
    reason: 'HS: Server did not return 200',
    code: 'ERR_PROXY_REFUSED',
    words416: [],
    words242: [],
    meaning: 'an HTTP proxy answered CONNECT with another status than 200',
  },
  {
    reason: 'HS: OOM',
    code: 'ERR_OUT_OF_MEMORY',
    ...same('HS: OOM'),
    meaning: 'no memory for the connection',
  },
  {
    reason: 'HS: disallowed by client filter',
    code: 'ERR_RESPONSE_DISALLOWED',
    ...same('HS: disallowed by client filter'),
    meaning: 'the response was refused on our side before the upgrade was looked at',
  },
  {
    reason: 'HS: disallowed at ESTABLISHED',
    code: 'ERR_ESTABLISHED_DISALLOWED',
    ...same('HS: disallowed at ESTABLISHED'),
    meaning: 'the connection was refused on our side when the response had arrived',
  },
  {
    reason: 'HS: ACCEPT missing',
    code: 'ERR_ACCEPT_MISSING',
    ...same('HS: ACCEPT missing'),
    meaning: 'no Sec-WebSocket-Accept header',
  },
  {
    reason: 'HS: ws upgrade response not 101',
    code: 'ERR_HTTP_STATUS',
    words416: ['HS: ws upgrade response not 101', 'HS: ws upgrade unauthorized'],
    words242: ['HS: ws upgrade response not 101', 'HS: ws upgrade unauthorized'],
    meaning: 'the server answered with another HTTP status; `status` says which',
  },
  {
    reason: 'HS: UPGRADE missing',
    code: 'ERR_UPGRADE_MISSING',
    ...same('HS: UPGRADE missing'),
    meaning: 'no Upgrade header',
  },
  {
    reason: 'HS: Upgrade to something other than websocket',
    code: 'ERR_UPGRADE_NOT_WEBSOCKET',
    ...same('HS: Upgrade to something other than websocket'),
    meaning: 'the Upgrade header is not "websocket"',
  },
  {
    reason: 'HS: CONNECTION missing',
    code: 'ERR_CONNECTION_HEADER_MISSING',
    words416: [],
    words242: ['HS: CONNECTION missing'],
    meaning: 'no Connection header (4.1.6 says "HS: UPGRADE malformed" for this as well)',
  },
  {
    reason: 'HS: UPGRADE malformed',
    code: 'ERR_CONNECTION_HEADER_INVALID',
    ...same('HS: UPGRADE malformed'),
    meaning: 'the Connection header does not name "upgrade"',
  },
  {
    reason: 'HS: PROTOCOL malformed',
    code: 'ERR_SUBPROTOCOL_NOT_OFFERED',
    ...same('HS: PROTOCOL malformed'),
    meaning: 'the server chose a subprotocol that was not offered',
  },
  {
    reason: 'HS: Cannot match protocol',
    code: 'ERR_SUBPROTOCOL_UNKNOWN',
    words416: ['HS: Cannot match protocol', 'ws protocol no match'],
    words242: ['HS: Cannot match protocol'],
    meaning: 'the engine knows no such subprotocol, or the server chose none of those offered',
  },
  {
    reason: 'HS: EXT: list too big',
    code: 'ERR_EXTENSIONS_TOO_LONG',
    ...same('HS: EXT: list too big'),
    meaning: 'the Sec-WebSocket-Extensions header is too long',
  },
  {
    reason: 'HS: EXT: failed setting defaults',
    code: 'ERR_EXTENSION_DEFAULTS_REFUSED',
    ...same('HS: EXT: failed setting defaults'),
    meaning: 'our defaults of the extension were refused',
  },
  {
    reason: 'HS: EXT: failed parsing defaults',
    code: 'ERR_EXTENSION_DEFAULTS',
    ...same('HS: EXT: failed parsing defaults'),
    meaning: 'our defaults of the extension cannot be parsed',
  },
  {
    reason: 'HS: EXT: failed parsing options',
    code: 'ERR_EXTENSION_PARAMETERS',
    ...same('HS: EXT: failed parsing options'),
    meaning: "the extension's parameters in the response cannot be parsed",
  },
  {
    reason: 'HS: EXT: Rejects server options',
    code: 'ERR_EXTENSION_REFUSED',
    ...same('HS: EXT: Rejects server options'),
    meaning: "the extension's parameters in the response are not acceptable",
  },
  {
    reason: 'HS: EXT: unknown ext',
    code: 'ERR_EXTENSION_UNKNOWN',
    ...same('HS: EXT: unknown ext'),
    meaning: 'the server chose an extension that was not offered',
  },
  {
    reason: 'HS: Accept hash wrong',
    code: 'ERR_ACCEPT_INVALID',
    ...same('HS: Accept hash wrong'),
    meaning: 'Sec-WebSocket-Accept does not answer our key',
  },
  {
    reason: 'HS: Rejected by filter cb',
    code: 'ERR_RESPONSE_REFUSED',
    ...same('HS: Rejected by filter cb'),
    meaning: 'the upgrade was refused on our side',
  },
  {
    reason: 'HS: OOM',
    code: 'ERR_OUT_OF_MEMORY',
    ...same('HS: OOM'),
    meaning: 'no memory for the receive buffer (a second place)',
  },
  {
    reason: 'HS: SO_SNDBUF failed',
    code: 'ERR_SOCKET_BUFFER',
    words416: [],
    words242: ['HS: SO_SNDBUF failed'],
    meaning: "the system refused the size of the socket's send buffer (4.1.6 does not set one)",
  },
];

/**
 * Codes of failures the documentation has no reason for, and what they mean. Failures of name resolution, sockets and
 * TLS carry the code Node.js gives them (the system's name, or OpenSSL's): the commonest are here.
 */
export const OTHER_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the address',
  ECONNRESET: 'the peer reset the connection',
  ETIMEDOUT: 'the TCP connection was not made in time',
  EHOSTUNREACH: 'there is no route to the address',
  ENETUNREACH: 'there is no route to the network',
  EAI_AGAIN: 'the name server did not answer',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the chain ends at a root that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the issuer of the certificate is not known',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
  ERR_TLS_CERT_REFUSED: 'checkServerIdentity refused the certificate',
  ERR_HANDSHAKE_TIMEOUT: 'not established within handshakeTimeout',
  ERR_TLS_CLIENT_CERT_REQUIRED: 'the server wants a client certificate',
  ERR_TLS_CLIENT_CERT_REFUSED: 'the server does not accept the client certificate',
  ERR_TLS_ALERT_HANDSHAKE_FAILURE:
    'the server accepts none of the ciphers offered, or wants a client certificate',
  ERR_HEADER_OVERFLOW: 'the header of the response is too large',
  ERR_CONNECTION_ABORTED: 'given up on our side: close() before it was established',
  ERR_REDIRECT_DOWNGRADE: 'a redirect from wss to ws',
  ERR_REDIRECT_LIMIT: 'more redirects than allowed',
  ERR_CONNECTION_FAILED: 'another failure; see detail',
};

interface Meaning {
  reason: string;
  code: string;
}

const MEANING_OF_WORDS: ReadonlyMap<string, Meaning> = new Map(
  DOCUMENTED_REASONS.flatMap((row) =>
    [row.reason, ...row.words416, ...row.words242].map((words): [string, Meaning] => [
      words,
      { reason: row.reason, code: row.code },
    ]),
  )
    // The first row wins where two say the same ("HS: OOM").
    .reverse(),
);

/** Words the documentation has no text for: they pass through, with a code of their own. */
const OTHER_WORDS: ReadonlyMap<string, Meaning> = new Map([
  ['connect failed', { reason: 'connect failed', code: 'ERR_CONNECTION_FAILED' }],
  ['socket connect failed', { reason: 'connect failed', code: 'ERR_CONNECTION_FAILED' }],
  ['Unable to connect', { reason: 'connect failed', code: 'ERR_CONNECTION_FAILED' }],
  // 2.4.2 says nothing at all when it cannot parse a response; the glue hands over an empty text then.
  [
    'problems parsing header',
    { reason: 'problems parsing header', code: 'ERR_STATUS_LINE_MISSING' },
  ],
  ['HS: :status missing', { reason: 'HS: URI missing', code: 'ERR_STATUS_LINE_MISSING' }],
  ['Timed out waiting SSL', { reason: 'Timed out waiting SSL', code: 'ERR_HANDSHAKE_TIMEOUT' }],
]);

/** 4.1.6 hands over what SSL_connect left: "connect SSL err 1: …", "connect SYSCALL 104", "server's cert didn't …". */
const TLS_WORDS = /^(connect (SSL err|SYSCALL|unk) |server's cert didn't look good)/;

/** Whether a response's raw header lines have a header. */
export function hasHeader(headers: string, name: string): boolean {
  return new RegExp(`^${name}[ \\t]*:`, 'im').test(headers);
}

/** Codes that say more than the one of their reason does. */
const FINER_CODES: ReadonlySet<string> = new Set([
  'ERR_REDIRECT_DOWNGRADE',
  'ERR_REDIRECT_LIMIT',
  'ERR_HEADER_OVERFLOW',
  'ERR_PROXY_AUTH_REQUIRED',
  'ERR_TLS_CERT_REFUSED',
  'ERR_TLS_FINGERPRINT_MISMATCH',
]);

/**
 * Makes a failure of native code a finished one: the documented reason where the cause has one, a stable code, the
 * engine's words in detail.
 *
 * The reasons of the handshake ("HS: …") have a code each. For the others, of name resolution, sockets and TLS,
 * native code knows the cause better than the reason tells.
 */
export function finishFailure(failure: ConnectionFailure): ConnectionFailure {
  const words = failure.reason.trim();
  const meaning = meaningOf(failure, words);
  const { reason } = meaning;
  const keepsCode =
    failure.code !== ENGINE_CODE && (!reason.startsWith('HS: ') || FINER_CODES.has(failure.code));
  const code = keepsCode ? failure.code : meaning.code;
  const finished = { ...failure, reason, code, detail: failure.detail || words };
  if (failure.status !== undefined && failure.body !== undefined) {
    const body = bodyOf(failure.status, failure.headers ?? '', failure.body);
    finished.rawBody = failure.body;
    finished.body = body.bytes;
    finished.bodyComplete = body.complete;
  }
  return finished;
}

function meaningOf(failure: ConnectionFailure, words: string): Meaning {
  // 4.1.6 has one text for a Connection header that is absent and one that is wrong; the documentation has two.
  if (
    words === 'HS: UPGRADE malformed' &&
    failure.headers !== undefined &&
    !hasHeader(failure.headers, 'Connection')
  ) {
    return { reason: 'HS: CONNECTION missing', code: 'ERR_CONNECTION_HEADER_MISSING' };
  }
  if (words === 'HS: Redirect attempted SSL downgrade') {
    return { reason: 'HS: Redirect failed', code: 'ERR_REDIRECT_DOWNGRADE' };
  }
  const known = MEANING_OF_WORDS.get(words) ?? OTHER_WORDS.get(words);
  if (known !== undefined) return known;
  if (TLS_WORDS.test(words)) {
    return { reason: 'lws_ssl_client_connect2 failed', code: 'ERR_TLS_HANDSHAKE' };
  }
  if (words === '' && failure.status === undefined && failure.code === ENGINE_CODE) {
    return { reason: 'problems parsing header', code: 'ERR_STATUS_LINE_MISSING' };
  }
  return { reason: words || 'connection failed', code: 'ERR_CONNECTION_FAILED' };
}

/** Given up on our side before it was established. */
export function abortedFailure(): ConnectionFailure {
  return {
    code: 'ERR_CONNECTION_ABORTED',
    reason: 'closed before established',
    detail: 'close() or terminate() was called before the connection was established',
  };
}
