/** The same socket with the standard's defaults and errors. Source: WHATWG WebSockets. */
import { isBytes } from '../options/checks';
import { typeError } from '../options/errors';
import { setImmediate } from '../base/runtime';
import { settingsOf, type Settings } from '../client/options';
import { byteLength, type SendCallback } from '../session/outbox';
import * as state from '../session/ready-state';
import type * as T from './types';
import { WebSocket } from './websocket';

/**
 * The standard's `WebSocket`: `binaryType` is 'blob' or 'arraybuffer', text makes no detour through bytes, an error
 * nobody listens to is not thrown, close() takes 1000 and 3000 to 4999 only, wrong arguments are DOMExceptions,
 * `extensions` has the parameters, and send() makes a string of what is neither bytes nor a Blob. Everything else is
 * as in {@link WebSocket}, the additions of this package included.
 */
export class StandardWebSocket extends WebSocket {
  /** Payload of send() in this turn of the event loop, and what was waiting before it. */
  #turnBytes = 0;
  #turnBase = 0;

  /**
   * @param url as that of {@link WebSocket}; relative ones are resolved against `baseUrl`, else `location`.
   * @param protocols subprotocols to offer, or the options. What is no string becomes one.
   * @throws DOMException SyntaxError for the URL and the subprotocols; for the options as {@link WebSocket}.
   */
  constructor(
    url: string | URL,
    protocols: string | readonly string[] | T.ClientOptions = [],
    options?: T.ClientOptions,
  ) {
    if (arguments.length === 0) throw typeError('url', 'given', undefined);
    super(url, protocols as string, options);
  }

  /** @internal */
  protected override get isStandard(): boolean {
    return true;
  }

  /** @internal */
  protected override makeSettings(
    address: string | URL,
    protocols: unknown,
    options: T.ClientOptions,
  ): Settings {
    const { location } = globalThis as { location?: { href?: string } };
    const base = options.baseUrl ?? location?.href;
    const baseUrl = base === undefined ? undefined : String(base);
    try {
      // Template literals, since String() accepts symbols.
      return settingsOf(`${address as string}`, offered(protocols), options, false, baseUrl);
    } catch (error) {
      if (error instanceof SyntaxError) throw new DOMException(error.message, 'SyntaxError');
      throw error;
    }
  }

  /** @internal */
  protected override notOpenYet(): Error {
    return new DOMException('the socket is still connecting', 'InvalidStateError');
  }

  override get binaryType(): 'blob' | 'arraybuffer' {
    return super.binaryType as 'blob' | 'arraybuffer';
  }

  override set binaryType(type: 'blob' | 'arraybuffer') {
    // An enumeration: what is none of its values is ignored (Web IDL §3.3.6).
    if (type === 'blob' || type === 'arraybuffer') super.binaryType = type;
  }

  /** The extensions in use, with their parameters, or ''. */
  override get extensions(): string {
    return this.rawExtensions;
  }

  /** As in {@link WebSocket}; and within a turn of the event loop it does not fall. */
  override get bufferedAmount(): number {
    return Math.max(
      super.bufferedAmount,
      this.#turnBytes === 0 ? 0 : this.#turnBase + this.#turnBytes,
    );
  }

  override send(data: T.Sendable, callback?: SendCallback): boolean;
  override send(
    data: T.Sendable,
    options: T.SendOptions | undefined,
    callback?: SendCallback,
  ): boolean;
  override send(
    data: T.Sendable,
    options?: T.SendOptions | SendCallback,
    callback?: SendCallback,
  ): boolean {
    if (arguments.length === 0) throw typeError('data', 'given', undefined);
    const payload = data instanceof Blob || isBytes(data) ? data : `${data as string}`;
    const open = this.readyState === state.OPEN;
    const base = open && this.#turnBytes === 0 ? super.bufferedAmount : 0;
    const goOn = super.send(payload, options as T.SendOptions, callback);
    if (open) this.#count(base, byteLength(payload));
    return goOn;
  }

  #count(base: number, bytes: number): void {
    if (this.#turnBytes === 0) {
      this.#turnBase = base;
      setImmediate(() => {
        this.#turnBytes = 0;
      });
    }
    this.#turnBytes += bytes;
  }

  /** @throws DOMException InvalidAccessError for another code, SyntaxError for a reason of more than 123 bytes. */
  override close(code?: number, reason?: string | Uint8Array): void {
    // [Clamp] unsigned short, of Web IDL.
    const number = code === undefined ? undefined : clamp(Number(code));
    if (number !== undefined && number !== 1000 && !(number >= 3000 && number <= 4999)) {
      throw new DOMException(
        `the close code must be 1000, or from 3000 to 4999; got ${String(code)}`,
        'InvalidAccessError',
      );
    }
    const text = reason === undefined ? '' : Buffer.from(`${reason as string}`).toString();
    if (Buffer.byteLength(text) > 123) {
      throw new DOMException('the reason must not have more than 123 bytes', 'SyntaxError');
    }
    if (text === '') super.close(number);
    else super.close(number ?? 1000, text);
  }
}

/** `(DOMString or sequence<DOMString>)` of Web IDL. Two that differ by case only are refused, as browsers do. */
function offered(protocols: unknown): string[] | undefined {
  if (protocols === undefined || protocols === null) return undefined;
  const isSequence = typeof protocols === 'object' && Symbol.iterator in protocols;
  const list = isSequence ? [...(protocols as Iterable<string>)] : [protocols as string];
  const names = list.map((name) => `${name}`);
  const lower = names.map((name) => name.toLowerCase());
  const twice = names.find((_, index) => lower.indexOf(lower[index] as string) !== index);
  if (twice !== undefined) {
    throw new DOMException(`the subprotocol '${twice}' is offered twice`, 'SyntaxError');
  }
  return names;
}

function clamp(value: number): number {
  if (Number.isNaN(value)) return 0;
  const bounded = Math.min(Math.max(value, 0), 65_535);
  const floor = Math.floor(bounded);
  const rest = bounded - floor;
  // Half goes to the even one.
  if (rest === 0.5) return floor % 2 === 0 ? floor : floor + 1;
  return rest < 0.5 ? floor : floor + 1;
}

// Of the interface: own, enumerable, and with the number of arguments that must be given.
const { prototype } = StandardWebSocket;
for (const name of ['binaryType', 'bufferedAmount', 'extensions', 'close', 'send'] as const) {
  Object.defineProperty(prototype, name, { enumerable: true });
}
Object.defineProperty(StandardWebSocket, 'length', { value: 1, configurable: true });
Object.defineProperty(prototype.send, 'length', { value: 1, configurable: true });
Object.defineProperty(prototype.close, 'length', { value: 0, configurable: true });
