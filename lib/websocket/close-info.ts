/** Close codes and reasons as the standard takes them. Source: WHATWG WebSockets. */

/**
 * Checks what a user gives.
 *
 * @throws DOMException InvalidAccessError for a code but 1000 and 3000 to 4999, SyntaxError for a reason of more than
 *   123 bytes in UTF-8.
 */
export function checkCloseInfo(code: number | undefined, reason: string): void {
  if (code !== undefined && code !== 1000 && !(code >= 3000 && code <= 4999)) {
    throw new DOMException(
      `the close code must be 1000, or from 3000 to 4999; got ${code}`,
      'InvalidAccessError',
    );
  }
  if (Buffer.byteLength(reason) > 123) {
    throw new DOMException('the reason must not have more than 123 bytes', 'SyntaxError');
  }
}

/** USVString of Web IDL: lone surrogates become U+FFFD. A symbol is a TypeError. */
export function scalarString(value: unknown): string {
  const text = `${value as string}`;
  return /[\ud800-\udfff]/.test(text) ? Buffer.from(text).toString() : text;
}
