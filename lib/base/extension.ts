/** The Sec-WebSocket-Extensions header (RFC 6455 §9.1), in the form that ws gives it. */
import { Scanner } from './tokens';

/** Values of one extension's parameters, by name; true: without a value. */
export type ExtensionParameters = Record<string, (string | true)[]>;
/** Offers by extension, in the order of the header. Without a prototype: names come from the peer. */
export type ExtensionOffers = Record<string, ExtensionParameters[]>;

/** The value of a parameter that is the size of a window (RFC 7692 §7.1.2); undefined: it is none. */
export function windowBitsOf(value: string | true | undefined): number | undefined {
  const bits = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : NaN;
  return bits >= 8 && bits <= 15 ? bits : undefined;
}

function emptyMap<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/**
 * Reads a Sec-WebSocket-Extensions header.
 *
 * @throws SyntaxError if it is malformed.
 */
export function parse(header: string): ExtensionOffers {
  const scanner = new Scanner(header);
  const offers: ExtensionOffers = emptyMap();
  do {
    scanner.skipBlanksInside();
    const name = scanner.token();
    const parameters: ExtensionParameters = emptyMap();
    scanner.skipBlanksInside();
    while (scanner.take(';')) {
      scanner.skipBlanksInside();
      const parameter = scanner.token();
      let value: string | true = true;
      if (scanner.take('=')) {
        value = scanner.take('"') ? scanner.quotedToken() : scanner.token();
      }
      scanner.skipBlanksInside();
      (parameters[parameter] ??= []).push(value);
    }
    (offers[name] ??= []).push(parameters);
  } while (scanner.take(','));
  if (!scanner.ended) throw scanner.unexpected();
  return offers;
}

/** Parameters as {@link format} takes them. */
export type FormatParameters = Record<string, string | number | boolean | (string | true)[]>;

/** Writes a Sec-WebSocket-Extensions header; the inverse of {@link parse}. */
export function format(
  extensions: Record<string, FormatParameters | readonly FormatParameters[]>,
): string {
  const one = (name: string, parameters: FormatParameters): string =>
    [
      name,
      ...Object.entries(parameters).flatMap(([parameter, values]) =>
        (Array.isArray(values) ? values : [values]).map((value) =>
          value === true ? parameter : `${parameter}=${value}`,
        ),
      ),
    ].join('; ');
  return Object.entries(extensions)
    .flatMap(([name, list]) =>
      (Array.isArray(list) ? (list as FormatParameters[]) : [list as FormatParameters]).map(
        (parameters) => one(name, parameters),
      ),
    )
    .join(', ');
}
