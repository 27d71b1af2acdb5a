/** permessage-deflate, as a server answers it (RFC 7692 §7). */
import type { PerMessageDeflateOptions } from '../websocket/types';
import {
  format,
  windowBitsOf,
  type ExtensionParameters,
  type FormatParameters,
} from '../base/extension';

export const EXTENSION = 'permessage-deflate';

/** As of a client; besides, `serverMaxWindowBits: false` accepts no offer that asks for one. */
export type ServerDeflateOptions = Omit<PerMessageDeflateOptions, 'serverMaxWindowBits'> & {
  serverMaxWindowBits?: number | boolean | undefined;
};

/** What is in force on a connection. */
export interface DeflateTerms {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** 8 to 15. */
  serverMaxWindowBits: number;
  clientMaxWindowBits: number;
}

/** An offer as far as it is well-formed: each parameter once, with a value that it may have. */
interface Offer {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  serverMaxWindowBits: number | undefined;
  /** true: the client leaves the size to us. */
  clientMaxWindowBits: number | true | undefined;
}

function windowBits(name: string, value: string | true): number {
  const bits = windowBitsOf(value);
  if (bits === undefined) {
    throw new TypeError(`Invalid value for parameter "${name}": ${value}`);
  }
  return bits;
}

/** @throws Error for an unknown parameter, one that is there twice, and a value that it cannot have. */
function readOffer(parameters: ExtensionParameters): Offer {
  const offer: Offer = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: undefined,
    clientMaxWindowBits: undefined,
  };
  for (const [name, values] of Object.entries(parameters)) {
    if (values.length > 1) throw new Error(`Parameter "${name}" must have only a single value`);
    const value = values[0] as string | true;
    switch (name) {
      case 'server_no_context_takeover':
      case 'client_no_context_takeover':
        if (value !== true) {
          throw new TypeError(`Invalid value for parameter "${name}": ${value}`);
        }
        if (name === 'server_no_context_takeover') offer.serverNoContextTakeover = true;
        else offer.clientNoContextTakeover = true;
        break;
      case 'server_max_window_bits':
        offer.serverMaxWindowBits = windowBits(name, value);
        break;
      case 'client_max_window_bits':
        offer.clientMaxWindowBits = value === true ? true : windowBits(name, value);
        break;
      default:
        throw new Error(`Unknown parameter "${name}"`);
    }
  }
  return offer;
}

function isAcceptable(offer: Offer, options: ServerDeflateOptions): boolean {
  const { serverMaxWindowBits: ours, clientMaxWindowBits: theirs } = options;
  if (options.serverNoContextTakeover === false && offer.serverNoContextTakeover) return false;
  const asked = offer.serverMaxWindowBits;
  if (asked !== undefined && (ours === false || (typeof ours === 'number' && ours > asked))) {
    return false;
  }
  // Its window can be limited only if it says so, and not to more than it says.
  if (typeof theirs !== 'number') return true;
  const able = offer.clientMaxWindowBits;
  return able === true || (able !== undefined && theirs <= able);
}

/** What was agreed on, by the names of the answer's header (RFC 7692 §7.1). */
export type AcceptedParameters = FormatParameters;

/**
 * Chooses the first offer that can be accepted.
 *
 * @throws Error if an offer is malformed, or none can be accepted: the request is refused then.
 */
export function accept(
  offered: readonly ExtensionParameters[],
  options: ServerDeflateOptions,
): AcceptedParameters {
  const offer = offered.map(readOffer).find((one) => isAcceptable(one, options));
  if (offer === undefined) throw new Error('None of the extension offers can be accepted');
  const { serverMaxWindowBits: ours, clientMaxWindowBits: theirs } = options;
  const serverBits = typeof ours === 'number' ? ours : offer.serverMaxWindowBits;
  const able =
    theirs === false || offer.clientMaxWindowBits === true ? undefined : offer.clientMaxWindowBits;
  const clientBits = typeof theirs === 'number' ? theirs : able;
  const params: AcceptedParameters = {};
  if (offer.serverNoContextTakeover || options.serverNoContextTakeover === true) {
    params.server_no_context_takeover = true;
  }
  if (offer.clientNoContextTakeover || options.clientNoContextTakeover === true) {
    params.client_no_context_takeover = true;
  }
  if (serverBits !== undefined) params.server_max_window_bits = serverBits;
  if (clientBits !== undefined) params.client_max_window_bits = clientBits;
  return params;
}

/**
 * What they mean for the connection, and the value of the answer's header.
 *
 * @throws TypeError for the size of a window that there is not.
 */
export function agreed(params: AcceptedParameters): { terms: DeflateTerms; answer: string } {
  const bits = (name: string): number =>
    params[name] === undefined ? 15 : windowBits(name, String(params[name]));
  const terms: DeflateTerms = {
    serverNoContextTakeover: Boolean(params.server_no_context_takeover),
    clientNoContextTakeover: Boolean(params.client_no_context_takeover),
    serverMaxWindowBits: bits('server_max_window_bits'),
    clientMaxWindowBits: bits('client_max_window_bits'),
  };
  return { terms, answer: format({ [EXTENSION]: params }) };
}
