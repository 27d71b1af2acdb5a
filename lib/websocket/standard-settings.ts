/** What the standard's constructors make of their arguments. Source: WHATWG WebSockets. */
import { settingsOf, type Settings } from '../client/options';

/**
 * The settings of a connection, from what the standard's constructors take.
 *
 * @param url becomes a string; relative ones are resolved against `baseUrl`, else `location`.
 * @param protocols a string or a sequence of strings; what is none becomes one.
 * @throws DOMException SyntaxError for the URL and the subprotocols.
 */
export function standardSettings(url: unknown, protocols: unknown, options: object): Settings {
  const { baseUrl: given } = options as { baseUrl?: string | URL };
  const { location } = globalThis as { location?: { href?: string } };
  const base = given ?? location?.href;
  const baseUrl = base === undefined ? undefined : String(base);
  try {
    // Template literals, since String() accepts symbols.
    return settingsOf(
      `${url as string}`,
      offered(protocols),
      options as never,
      false,
      baseUrl,
      options,
    );
  } catch (error) {
    if (error instanceof SyntaxError) throw new DOMException(error.message, 'SyntaxError');
    throw error;
  }
}

/** `(DOMString or sequence<DOMString>)` of Web IDL. Two that differ by case only are refused, as browsers do. */
function offered(protocols: unknown): string[] {
  const isSequence = isObject(protocols) && Symbol.iterator in protocols;
  const list = isSequence ? [...(protocols as Iterable<string>)] : [protocols as string];
  const names = list.map((name) => `${name}`);
  const lower = names.map((name) => name.toLowerCase());
  const twice = names.find((_, index) => lower.indexOf(lower[index] as string) !== index);
  if (twice !== undefined) {
    throw new DOMException(`the subprotocol '${twice}' is offered twice`, 'SyntaxError');
  }
  return names;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
