/** The error of a WebSocketStream. Source: the WebSocketStream proposal to WHATWG WebSockets, "WebSocketError". */
import { typeError } from '../options/errors';
import { checkCloseInfo, scalarString } from './close-info';

/** A close code and its reason, as they are given. */
export interface CloseInfoInit {
  /** 1000, or 3000 to 4999. Default: none; with a reason 1000. */
  closeCode?: number | undefined;
  /** At most 123 bytes in UTF-8. Default ''. */
  reason?: string | undefined;
}

/**
 * Reads a close code and a reason.
 *
 * @throws TypeError for what is no object, or no number of 16 bits; DOMException as {@link checkCloseInfo}.
 */
export function readCloseInfo(
  field: string,
  init: unknown,
): { code: number | undefined; reason: string } {
  if (init === undefined || init === null) return { code: undefined, reason: '' };
  if (typeof init !== 'object' && typeof init !== 'function') {
    throw typeError(field, 'an object', init);
  }
  const { closeCode, reason: given } = init as CloseInfoInit;
  let code: number | undefined;
  if (closeCode !== undefined) {
    // [EnforceRange] unsigned short, of Web IDL.
    code = Math.trunc(Number(closeCode));
    if (!(code >= 0 && code <= 65_535)) {
      throw typeError(`${field}.closeCode`, 'a number from 0 to 65535', closeCode);
    }
  }
  const reason = given === undefined ? '' : scalarString(given);
  checkCloseInfo(code, reason);
  return { code: code ?? (reason === '' ? undefined : 1000), reason };
}

/**
 * Why a {@link WebSocketStream} has ended; given to `abort()` of the writable side or `cancel()` of the readable one,
 * with which code and reason it shall end.
 *
 * @example
 * await writable.abort(new WebSocketStreamError('enough', { closeCode: 4000, reason: 'enough' }));
 */
export class WebSocketStreamError extends DOMException {
  #closeCode: number | null = null;
  #reason = '';

  /**
   * @param init the close code and the reason; `cause` as of any error.
   * @throws DOMException InvalidAccessError for another code, SyntaxError for a longer reason; TypeError for what is no
   *   object.
   */
  constructor(message = '', init: CloseInfoInit & { cause?: unknown } = {}) {
    const { code, reason } = readCloseInfo('init', init);
    super(message, 'WebSocketError');
    // In some versions of Node.js a DOMException is none of the class that extends it.
    if (Object.getPrototypeOf(this) !== new.target.prototype) {
      Object.setPrototypeOf(this, new.target.prototype as object);
    }
    this.#closeCode = code ?? null;
    this.#reason = reason;
    if (init?.cause !== undefined) {
      Object.defineProperty(this, 'cause', {
        value: init.cause,
        writable: true,
        configurable: true,
      });
    }
  }

  /** The close code, whoever gave it (RFC 6455 §7.1.5); 1006: no Close frame came. Null: none. */
  get closeCode(): number | null {
    return this.#closeCode;
  }

  /** The reason that came with it, or ''. */
  get reason(): string {
    return this.#reason;
  }

  /** @internal Of a connection that has ended: any code. */
  static of(message: string, code: number, reason: string, cause?: unknown): WebSocketStreamError {
    const error = new WebSocketStreamError(message, { cause });
    error.#closeCode = code;
    error.#reason = reason;
    return error;
  }
}

// As Web IDL has interfaces.
Object.defineProperty(WebSocketStreamError, 'name', {
  value: 'WebSocketError',
  configurable: true,
});
for (const name of ['closeCode', 'reason']) {
  Object.defineProperty(WebSocketStreamError.prototype, name, { enumerable: true });
}
Object.defineProperty(WebSocketStreamError.prototype, Symbol.toStringTag, {
  value: 'WebSocketError',
  configurable: true,
});
