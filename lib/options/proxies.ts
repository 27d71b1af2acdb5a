/** Proxies in front of a server: whom it believes for whom they ask. */
import { isIP } from 'node:net';
import type { TrustedProxies } from '../addon/contract';
import { checkObject, checkOneOf, checkString } from './checks';
import { typeError, valueError } from './errors';

/**
 * Proxies whose word is taken for the client's address: addresses ('192.0.2.1'), networks ('10.0.0.0/8') and 'unix',
 * for those that come by a Unix socket. With `header`: where they tell it; 'x-forwarded-for' by default.
 */
export type TrustedProxiesOption =
  | readonly string[]
  | { addresses: readonly string[]; header?: 'x-forwarded-for' | 'forwarded' | undefined };

function isNetwork(text: string): boolean {
  const [, address = '', bits] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? [];
  const version = isIP(address);
  return version !== 0 && Number(bits ?? 0) <= (version === 4 ? 32 : 128);
}

/** @throws TypeError for what is not a list of addresses, networks and 'unix'. */
export function checkNetworks(field: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw typeError(field, 'an array of addresses and networks', value);
  return value.map((one: unknown, index) => {
    const text = checkString(`${field}[${index}]`, one);
    if (text !== 'unix' && !isNetwork(text)) {
      throw valueError(`${field}[${index}]`, text, "is no address, no network and not 'unix'");
    }
    return text;
  });
}

/** @throws TypeError if it is malformed. */
export function checkTrustedProxies(value: unknown): TrustedProxies | undefined {
  if (value === undefined || value === null) return undefined;
  const field = 'options.trustedProxies';
  if (Array.isArray(value)) {
    return { addresses: checkNetworks(field, value), header: 'x-forwarded-for' };
  }
  const { addresses, header = 'x-forwarded-for' } = checkObject(field, value);
  return {
    addresses: checkNetworks(`${field}.addresses`, addresses),
    header: checkOneOf(`${field}.header`, header as TrustedProxies['header'], [
      'x-forwarded-for',
      'forwarded',
    ]),
  };
}
