/**
 * How each documented reason of event 1 is provoked, for real, by a server or the network. One row is one test;
 * docs/reasons.md is the same in words.
 */
import type { Socket } from 'node:net';
import type { Identity } from '../support/certificates';
import { certificates } from '../support/certificates';
import type { RawConnection, Script } from '../support/raw-server';
import { extensions, headers, statuses } from './response-cases';
import { answer, reply, type Row, status } from './row';

/** Fails in the resolver itself: a label may have 63 characters, so nothing is asked from any server. */
export const unknownHost = `${'a'.repeat(64)}.invalid`;

const trusting = (): Record<string, unknown> => ({ client_ssl_ca_filepath: certificates().caPath });

/** Bytes under the feet of TLS. */
function writeBelowTls(connection: RawConnection, bytes: string): void {
  const parent = (connection.socket as unknown as { _parent: Socket })._parent;
  parent.write(bytes);
}

function resolving(): Row[] {
  const url = `ws://${unknownHost}:{port}/`;
  return [
    {
      reason: 'getaddrinfo (ipv6) failed',
      code: 'ENOTFOUND',
      how: 'no such host, IPv6 only',
      url,
      options: { family: 6 },
    },
    { reason: 'getaddrinfo (ipv4) failed', code: 'ENOTFOUND', how: 'no such host', url },
    {
      reason: 'getaddrinfo (ipv4) failed',
      code: 'ENOTFOUND',
      how: 'no such host, IPv4 only',
      url,
      options: { family: 4 },
    },
    {
      reason: 'unknown address family',
      code: 'EAFNOSUPPORT',
      how: 'a host that is an IPv4 address, IPv6 only',
      url: 'ws://127.0.0.1:{port}/',
      options: { family: 6 },
    },
    {
      reason: 'unknown address family',
      code: 'EAFNOSUPPORT',
      how: 'a host that is an IPv6 address, IPv4 only',
      url: 'ws://[::1]:{port}/',
      options: { family: 4 },
    },
  ];
}

function tlsRefused(how: string, code: string | RegExp, identity: Identity, ssl = trusting()): Row {
  return {
    reason: 'lws_ssl_client_connect2 failed',
    code,
    how,
    server: { tls: identity },
    ssl,
    script: () => {},
  };
}

function tls(): Row[] {
  const all = certificates();
  const plain = { url: 'wss://localhost:{port}/', ssl: trusting() };
  const first = 'lws_ssl_client_connect1 failed';
  const afterHello =
    (then: (connection: RawConnection) => void): Script =>
    async (connection) => {
      await connection.read(64);
      then(connection);
    };
  return [
    {
      ...plain,
      reason: first,
      code: 'ERR_SSL_WRONG_VERSION_NUMBER',
      how: 'HTTP where TLS is expected',
      script: afterHello((c) => c.write(status('400 Bad Request'))),
    },
    {
      ...plain,
      reason: first,
      code: 'ERR_SSL_WRONG_VERSION_NUMBER',
      how: 'garbage where TLS is expected',
      script: afterHello((c) => c.write(Buffer.alloc(64, 0xfe))),
    },
    {
      ...plain,
      reason: first,
      code: 'ERR_SSL_WRONG_VERSION_NUMBER',
      how: 'a greeting before the client speaks',
      script: (c) => c.write('SSH-2.0-OpenSSH_9.2\r\n'),
    },
    { ...plain, reason: first, code: 'ECONNRESET', how: 'closed at once', script: (c) => c.end() },
    {
      ...plain,
      reason: first,
      code: 'ECONNRESET',
      how: 'closed after the ClientHello',
      script: afterHello((c) => c.end()),
    },
    {
      ...plain,
      reason: first,
      code: 'ECONNRESET',
      how: 'reset after the ClientHello',
      script: afterHello((c) => c.reset()),
    },
    tlsRefused('an expired certificate', 'CERT_HAS_EXPIRED', all.expired),
    tlsRefused('a certificate that is not yet valid', 'CERT_NOT_YET_VALID', all.notYetValid),
    tlsRefused('a self-signed certificate', 'DEPTH_ZERO_SELF_SIGNED_CERT', all.selfSigned),
    tlsRefused(
      'a chain that ends in an unknown root',
      'SELF_SIGNED_CERT_IN_CHAIN',
      all.strangerChain,
    ),
    tlsRefused('an unknown issuer', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', all.stranger),
    tlsRefused(
      'an authority that is not among the default roots',
      'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
      all.server,
      {},
    ),
    tlsRefused('a certificate for another host', 'ERR_TLS_CERT_ALTNAME_INVALID', all.wrongHost),
    {
      reason: first,
      code: 'ERR_TLS_ALERT_HANDSHAKE_FAILURE',
      how: 'no common cipher',
      server: {
        tls: true,
        tlsOptions: { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES256-GCM-SHA384' },
      },
      ssl: { ...trusting(), client_ssl_cipher_list: 'ECDHE-ECDSA-AES128-GCM-SHA256' },
    },
    {
      reason: first,
      code: 'ERR_TLS_ALERT_HANDSHAKE_FAILURE',
      how: 'a client certificate is demanded, TLS 1.2',
      server: {
        tls: true,
        tlsOptions: {
          maxVersion: 'TLSv1.2',
          requestCert: true,
          rejectUnauthorized: true,
          ca: all.ca,
        },
      },
      ssl: trusting(),
    },
    {
      reason: 'read failed',
      code: 'ERR_TLS_CLIENT_CERT_REQUIRED',
      how: 'a client certificate is demanded, TLS 1.3 (the server says so after the handshake)',
      server: {
        tls: true,
        tlsOptions: {
          minVersion: 'TLSv1.3',
          requestCert: true,
          rejectUnauthorized: true,
          ca: all.ca,
        },
      },
      ssl: trusting(),
    },
    {
      reason: 'lws_ssl_client_connect2 failed',
      code: 'ERR_TLS_FINGERPRINT_MISMATCH',
      how: 'a certificate that is not the pinned one',
      server: { tls: true },
      ssl: trusting(),
      options: { fingerprint256: Array(32).fill('AB').join(':') },
    },
  ];
}

function hangingUp(): Row[] {
  const hungUp = 'Peer hung up';
  const failed = 'read failed';
  const partial = (bytes: string, then: (connection: RawConnection) => void): Script => {
    return async (connection) => {
      await connection.readRequest();
      if (bytes) await connection.writeAll(Buffer.from(bytes));
      then(connection);
    };
  };
  const end = (connection: RawConnection): void => connection.end();
  const reset = (connection: RawConnection): void => connection.reset();
  return [
    { reason: hungUp, code: 'ERR_PEER_HUNG_UP', how: 'closed at once', script: end },
    {
      reason: hungUp,
      code: 'ERR_PEER_HUNG_UP',
      how: 'closed instead of an answer',
      script: partial('', end),
    },
    {
      reason: hungUp,
      code: 'ERR_PEER_HUNG_UP',
      how: 'closed within the status line',
      script: partial('HTTP/1.1 10', end),
    },
    {
      reason: hungUp,
      code: 'ERR_PEER_HUNG_UP',
      how: 'closed within the headers',
      script: partial('HTTP/1.1 101 X\r\nUpgrade: webs', end),
    },
    {
      reason: hungUp,
      code: 'ERR_PEER_HUNG_UP',
      how: 'closed before the empty line',
      script: partial('HTTP/1.1 101 X\r\nUpgrade: websocket\r\n', end),
    },
    {
      reason: hungUp,
      code: 'ERR_PEER_HUNG_UP',
      how: 'closed instead of an answer, TLS',
      script: partial('', end),
      server: { tls: true },
      ssl: trusting(),
    },
    {
      reason: failed,
      code: 'ERR_HANDSHAKE_READ',
      how: 'reset instead of an answer',
      script: partial('', reset),
    },
    {
      reason: failed,
      code: 'ERR_HANDSHAKE_READ',
      how: 'reset within the headers',
      script: partial('HTTP/1.1 101 X\r\nUpgrade: webs', reset),
    },
    {
      reason: failed,
      code: 'ERR_HANDSHAKE_READ',
      how: 'garbage below TLS instead of an answer',
      server: { tls: true },
      ssl: trusting(),
      script: async (connection) => {
        await connection.readRequest();
        writeBelowTls(connection, 'this is no TLS record at all');
      },
    },
  ];
}

function statusLine(): Row[] {
  const row = (how: string, bytes: string): Row => ({
    reason: 'HS: URI missing',
    code: 'ERR_STATUS_LINE_MISSING',
    how,
    script: reply(bytes),
  });
  const rest = 'Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n';
  return [
    row('an empty line', '\r\n\r\n'),
    row('headers without a status line', rest),
    row('another protocol', `SSH-2.0-OpenSSH_9.2\r\n\r\n`),
    row('garbage', `${'\xfe\x01\x02garbage '.repeat(20)}\r\n\r\n`),
    row('HTTP/1.0', `HTTP/1.0 101 Switching Protocols\r\n${rest}`),
    row('HTTP/2.0', `HTTP/2.0 101 Switching Protocols\r\n${rest}`),
    row('ICY', `ICY 200 OK\r\n\r\n`),
    row('a status that is no number', `HTTP/1.1 OK\r\n${rest}`),
    row('a status of two digits', `HTTP/1.1 10 X\r\n${rest}`),
    row('a status of four digits', `HTTP/1.1 1010 X\r\n${rest}`),
    // None of these has an end of the header that could be waited for.
    row('line ends without CR', `HTTP/1.1 101 X\n${rest.replaceAll('\r', '')}`),
    row('a status line without CR', `HTTP/1.1 101 X\n`),
    row('a CR in the status line', 'HTTP/1.1 101 X\rY'),
    row('a zero byte in the status line', 'HTTP/1.1 101 X\0'),
    row('a control character in the status line', 'HTTP/1.1 101 \x1b'),
    row('half an interim response and garbage', 'HTTP/1.1 103 X\r\n\r\nHTTP/1.1 no'),
  ];
}

function redirects(): Row[] {
  const noLocation = [301, 302, 303, 307, 308].map((number): Row => ({
    reason: 'HS: Redirect code but no Location',
    code: 'ERR_REDIRECT_NO_LOCATION',
    how: `${number} without a Location`,
    script: reply(status(`${number} Elsewhere`)),
    status: number,
  }));
  const bad = [
    'ws://[::1/',
    'ftp://localhost/',
    'ws://localhost:99999/',
    'ws://a b/',
    'http://',
    'mailto:a@b.example',
  ];
  const badLocation = bad.map((location): Row => ({
    reason: 'HS: URI did not parse',
    code: 'ERR_REDIRECT_INVALID_LOCATION',
    how: `a redirect to ${location}`,
    script: reply(status('302 Found', `Location: ${location}`)),
    status: 302,
  }));
  return [
    ...noLocation,
    ...badLocation,
    {
      reason: 'HS: Redirect failed',
      code: 'ERR_REDIRECT_LIMIT',
      how: 'redirects without end',
      script: async (connection) => {
        const { path } = await connection.readRequest();
        connection.write(status('302 Found', `Location: ${path}a`));
      },
      status: 302,
    },
    {
      reason: 'HS: Redirect failed',
      code: 'ERR_REDIRECT_DOWNGRADE',
      how: 'a redirect from wss to ws',
      script: reply(status('302 Found', 'Location: ws://localhost/')),
      server: { tls: true },
      ssl: trusting(),
      status: 302,
    },
  ];
}

function proxy(): Row[] {
  return ['407 Proxy Authentication Required', '403 Forbidden', '502 Bad Gateway'].map((line) => ({
    reason: 'HS: Server did not return 200',
    code: line.startsWith('407') ? 'ERR_PROXY_AUTH_REQUIRED' : 'ERR_PROXY_REFUSED',
    how: `a proxy answers CONNECT with ${line}`,
    url: 'ws://localhost:9/',
    options: (port: number) => ({ proxy: `http://127.0.0.1:${port}` }),
    script: reply(status(line)),
    status: Number(line.slice(0, 3)),
  }));
}

function tooLarge(): Row[] {
  const row = (how: string, bytes: string): Row => ({
    reason: 'HS: OOM',
    code: 'ERR_HEADER_OVERFLOW',
    how,
    script: reply(bytes),
  });
  const start = 'HTTP/1.1 101 Switching Protocols\r\n';
  return [
    row('headers of a mebibyte', start + `X-Filler: ${'x'.repeat(1014)}\r\n`.repeat(1024)),
    row('a header line without end', `${start}X-Filler: ${'x'.repeat(1 << 20)}`),
    row('a header name without end', start + 'x'.repeat(1 << 20)),
    row('a status line without end', `HTTP/1.1 101 ${'x'.repeat(1 << 20)}`),
    row('interim responses without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000)),
    row('a large interim response', `HTTP/1.1 103 X\r\nLink: ${'x'.repeat(1 << 20)}`),
  ];
}

function badBytes(): Row[] {
  const row = (how: string, line: string): Row => ({
    reason: 'HS: Rejected by filter cb',
    code: 'ERR_RESPONSE_REFUSED',
    how,
    script: answer({ headers: [line] }),
    status: 101,
  });
  // Told at once, although the rest of the header never comes.
  const open = (how: string, bytes: string): Row => ({
    ...row(how, ''),
    script: reply(`HTTP/1.1 101 Switching Protocols\r\n${bytes}`),
  });
  return [
    row('a zero byte in a header', 'X-Zero: a\0b'),
    row('a header line without a colon', 'no colon here'),
    row('a space before the colon', 'X-Space : 1'),
    row('a header without a name', ': nameless'),
    open('a header line without CR', 'X-A: b\n'),
    open('a last line without CR', '\n'),
    open('a CR in a header', 'X-A: b\rc'),
    open('a control character in a header', 'X-A: \x07'),
    open('a first line that begins with a space', ' X-A: b\r\n'),
    open('a name that is no token', 'X-(A'),
  ];
}

/** Rows for all reasons that a server or the network can provoke (but for the one that needs a process of its own). */
export function rows(): Row[] {
  return [
    ...resolving(),
    ...tls(),
    ...hangingUp(),
    ...statusLine(),
    ...redirects(),
    ...proxy(),
    ...statuses(),
    ...headers(),
    ...extensions(),
    ...tooLarge(),
    ...badBytes(),
  ];
}
