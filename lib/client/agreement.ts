/** The server's answer to an opening handshake that Node has read (RFC 6455 §4.1): is it one, and what is in force? */
import type { IncomingMessage } from 'node:http';
import type { AcceptOptions, ConnectionFailure, ConnectOptions } from '../addon/contract';
import { ENGINE_CODE, finishFailure } from '../addon/reasons';
import { acceptOf } from '../base/accept-key';
import { parse, windowBitsOf, type ExtensionParameters } from '../base/extension';

type Offer = NonNullable<ConnectOptions['deflate']>;

export interface Agreement {
  protocol: string;
  /** The Sec-WebSocket-Extensions value. */
  extensions: string;
  deflate: AcceptOptions['deflate'];
}

/** What a response says, in the terms of a failure. */
export function failureOf(
  response: IncomingMessage,
  reason: string,
  detail = '',
): ConnectionFailure {
  const { rawHeaders, socket, statusCode = 0, statusMessage = '' } = response;
  const lines: string[] = [];
  for (let i = 0; i < rawHeaders.length; i += 2) {
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}\r\n`);
  }
  return finishFailure({
    code: ENGINE_CODE,
    reason,
    detail,
    status: statusCode,
    statusText: statusMessage,
    headers: lines.join(''),
    ...(socket?.remoteAddress && { address: socket.remoteAddress, port: socket.remotePort }),
  } as ConnectionFailure);
}

/** A size of a window. @throws RangeError */
function windowBits(name: string, values: (string | true)[]): number {
  const [value] = values;
  const bits = windowBitsOf(value);
  if (bits === undefined) throw new RangeError(`${name}=${String(value)}`);
  return bits;
}

/** RFC 7692 §7.1. @throws Error saying what the server may not answer. */
function accept(
  parameters: ExtensionParameters,
  offer: Offer,
): NonNullable<AcceptOptions['deflate']> {
  const { threshold, level, memLevel } = offer;
  const terms = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: offer.clientNoContextTakeover,
    serverMaxWindowBits: 15,
    clientMaxWindowBits: offer.clientMaxWindowBits >= 8 ? offer.clientMaxWindowBits : 15,
  };
  for (const [name, values] of Object.entries(parameters)) {
    if (values.length !== 1) throw new Error(`${name} is there twice`);
    switch (name) {
      case 'server_no_context_takeover':
        terms.serverNoContextTakeover = true;
        break;
      case 'client_no_context_takeover':
        terms.clientNoContextTakeover = true;
        break;
      case 'server_max_window_bits':
        terms.serverMaxWindowBits = windowBits(name, values);
        break;
      case 'client_max_window_bits':
        if (offer.clientMaxWindowBits === 0) throw new Error(`${name} was not offered`);
        terms.clientMaxWindowBits = windowBits(name, values);
        break;
      default:
        throw new Error(`${name} is not a parameter of permessage-deflate`);
    }
    const takesNone = name.endsWith('takeover') && values[0] !== true;
    if (takesNone) throw new Error(`${name}=${String(values[0])}`);
  }
  const asked = offer.serverMaxWindowBits;
  if (asked >= 8 && terms.serverMaxWindowBits > asked) {
    throw new Error(
      `server_max_window_bits=${terms.serverMaxWindowBits}, and ${asked} was asked for`,
    );
  }
  const most = offer.clientMaxWindowBits;
  if (most >= 8 && terms.clientMaxWindowBits > most) {
    throw new Error(`client_max_window_bits=${terms.clientMaxWindowBits}, and ${most} was offered`);
  }
  return { ...terms, threshold, level, memLevel };
}

function checkExtensions(
  response: IncomingMessage,
  offer: Offer | undefined,
): ConnectionFailure | Pick<Agreement, 'extensions' | 'deflate'> {
  const extensions = response.headers['sec-websocket-extensions'];
  if (extensions === undefined) return { extensions: '', deflate: undefined };
  let found: ReturnType<typeof parse>;
  try {
    found = parse(extensions);
  } catch (error) {
    return failureOf(response, 'HS: EXT: failed parsing options', (error as Error).message);
  }
  const { 'permessage-deflate': parameters, ...others } = found;
  if (!offer || parameters?.length !== 1 || Object.keys(others).length > 0) {
    return failureOf(response, 'HS: EXT: unknown ext', extensions);
  }
  try {
    const deflate = accept(parameters[0] as ExtensionParameters, offer);
    return { extensions, deflate };
  } catch (error) {
    return failureOf(response, 'HS: EXT: Rejects server options', (error as Error).message);
  }
}

/** @param offered what the request had. */
export function checkAgreement(
  response: IncomingMessage,
  key: string,
  offered: Pick<ConnectOptions, 'protocols' | 'deflate'>,
): ConnectionFailure | Agreement {
  const { headers } = response;
  if (headers.upgrade?.toLowerCase() !== 'websocket') {
    return failureOf(response, 'HS: Upgrade to something other than websocket');
  }
  const accepted = headers['sec-websocket-accept'];
  if (accepted !== acceptOf(key)) {
    return failureOf(response, accepted ? 'HS: Accept hash wrong' : 'HS: ACCEPT missing');
  }
  const protocol = headers['sec-websocket-protocol'];
  if (protocol === undefined && offered.protocols.length > 0) {
    return failureOf(response, 'HS: Cannot match protocol');
  }
  if (protocol !== undefined && !offered.protocols.includes(protocol)) {
    return failureOf(response, 'HS: PROTOCOL malformed', protocol);
  }
  const checked = checkExtensions(response, offered.deflate);
  return 'code' in checked ? checked : { protocol: protocol ?? '', ...checked };
}
