/** Reasons that a response gives: its status, its headers, the extensions it names. */
import { acceptFor, type AcceptOptions } from '../support/raw-server';
import { answer, reply, type Row, status } from './row';

export function statuses(): Row[] {
  const lines = [
    '200 OK',
    '204 No Content',
    '300 Multiple Choices',
    '304 Not Modified',
    '400 Bad Request',
    '401 Unauthorized',
    '403 Forbidden',
    '404 Not Found',
    '405 Method Not Allowed',
    '426 Upgrade Required',
    '429 Too Many Requests',
    '500 Internal Server Error',
    '502 Bad Gateway',
    '503 Service Unavailable',
  ];
  return lines.map((line) => ({
    reason: 'HS: ws upgrade response not 101',
    code: 'ERR_HTTP_STATUS',
    how: `status ${line}`,
    script: reply(status(line)),
    status: Number(line.slice(0, 3)),
  }));
}

export function headers(): Row[] {
  const row = (
    reason: string,
    code: string,
    how: string,
    options: AcceptOptions,
    protocols?: string[],
  ): Row => ({
    reason,
    code,
    how,
    script: answer(options),
    status: 101,
    ...(protocols ? { options: { protocols } } : {}),
  });
  const accept = (value: string | null, how: string, code: string, reason: string): Row =>
    row(reason, code, how, { accept: value });
  const wrong = (how: string, value: string): Row =>
    accept(value, how, 'ERR_ACCEPT_INVALID', 'HS: Accept hash wrong');
  const upgrade = (value: string): Row =>
    row(
      'HS: Upgrade to something other than websocket',
      'ERR_UPGRADE_NOT_WEBSOCKET',
      `Upgrade: ${value}`,
      { upgrade: value },
    );
  const connection = (value: string): Row =>
    row('HS: UPGRADE malformed', 'ERR_CONNECTION_HEADER_INVALID', `Connection: ${value}`, {
      connection: value,
    });
  const protocol = (how: string, options: AcceptOptions, protocols?: string[]): Row =>
    row('HS: PROTOCOL malformed', 'ERR_SUBPROTOCOL_NOT_OFFERED', how, options, protocols);
  return [
    accept(null, 'no Sec-WebSocket-Accept', 'ERR_ACCEPT_MISSING', 'HS: ACCEPT missing'),
    accept('', 'an empty Sec-WebSocket-Accept', 'ERR_ACCEPT_MISSING', 'HS: ACCEPT missing'),
    row('HS: UPGRADE missing', 'ERR_UPGRADE_MISSING', 'no Upgrade', { upgrade: null }),
    upgrade('h2c'),
    upgrade('websocket2'),
    upgrade('websocket, h2c'),
    row('HS: CONNECTION missing', 'ERR_CONNECTION_HEADER_MISSING', 'no Connection', {
      connection: null,
    }),
    connection('close'),
    connection('keep-alive'),
    connection('up'),
    connection('upgraded'),
    connection('keep-alive, close'),
    protocol('a subprotocol that was not offered', { protocol: 'soap' }, ['chat', 'superchat']),
    protocol('a subprotocol where none was offered', { protocol: 'chat' }),
    protocol('the beginning of one offered', { protocol: 'cha' }, ['chat']),
    protocol('another case than offered', { protocol: 'CHAT' }, ['chat']),
    protocol('two of those offered', { protocol: 'chat, superchat' }, ['chat', 'superchat']),
    protocol('two headers', { protocol: 'chat', headers: ['Sec-WebSocket-Protocol: chat'] }, [
      'chat',
    ]),
    row(
      'HS: Cannot match protocol',
      'ERR_SUBPROTOCOL_UNKNOWN',
      'none of the subprotocols offered',
      {},
      ['chat', 'superchat'],
    ),
    wrong('a wrong hash', acceptFor('dGhlIHNhbXBsZSBub25jZQ==')),
    wrong('no hash at all', 'yes'),
    wrong('an endless hash', 'A'.repeat(1000)),
    {
      ...wrong('the right hash and more', ''),
      script: async (c) => {
        const request = await c.readRequest();
        const hash = acceptFor(request.headers['sec-websocket-key'] as string);
        c.write(
          `HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${hash}=\r\n\r\n`,
        );
      },
    },
  ];
}

export function extensions(): Row[] {
  const row = (reason: string, code: string, value: string, deflate = true, how = value): Row => ({
    reason: `HS: EXT: ${reason}`,
    code,
    how: `Sec-WebSocket-Extensions: ${how}${deflate ? '' : ' (not offered)'}`,
    script: answer({ extensions: value }),
    status: 101,
    options: { perMessageDeflate: deflate },
  });
  const pmd = 'permessage-deflate';
  const syntax = (parameters: string): Row =>
    row('failed parsing options', 'ERR_EXTENSION_PARAMETERS', `${pmd}; ${parameters}`);
  const refused = (parameters: string): Row =>
    row('Rejects server options', 'ERR_EXTENSION_REFUSED', `${pmd}${parameters}`);
  const unknown = (value: string, deflate = true): Row =>
    row('unknown ext', 'ERR_EXTENSION_UNKNOWN', value, deflate);
  return [
    row('list too big', 'ERR_EXTENSIONS_TOO_LONG', `x${'-x'.repeat(2500)}`, true, '5,000 bytes'),
    syntax('foo'),
    syntax('foo=1'),
    syntax('server_max_window_bits'),
    syntax('server_max_window_bits='),
    syntax('server_max_window_bits=many'),
    syntax('server_max_window_bits=012'),
    syntax('server_max_window_bits="12'),
    syntax('server_no_context_takeover=1'),
    syntax('client_no_context_takeover=yes'),
    syntax('client_max_window_bits'),
    syntax('server_no_context_takeover; server_no_context_takeover'),
    syntax('server_max_window_bits=12; server_max_window_bits=12'),
    refused('; server_max_window_bits=7'),
    refused('; server_max_window_bits=16'),
    refused('; client_max_window_bits=7'),
    refused('; client_max_window_bits=16'),
    refused(', permessage-deflate'),
    {
      ...refused('; server_max_window_bits=12'),
      how: 'Sec-WebSocket-Extensions: server_max_window_bits=12 where 10 was asked for',
      options: { perMessageDeflate: { serverMaxWindowBits: 10 } },
    },
    unknown('x-webkit-deflate-frame'),
    unknown('permessage-bzip2'),
    unknown('permessage-deflate2; foo'),
    unknown(pmd, false),
  ];
}
