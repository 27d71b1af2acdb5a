/** Tokens and quoted strings of header values, RFC 9110 §5.6. */

/** Whether a character may stand in a token, by its code. */
const TOKEN_CHARS = ((): readonly boolean[] => {
  const chars = new Array<boolean>(128).fill(false);
  const all = "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (const char of all) chars[char.charCodeAt(0)] = true;
  return chars;
})();

export function isTokenChar(code: number): boolean {
  return TOKEN_CHARS[code] === true;
}

export function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

/** Reads a header value from the left; each character is looked at once. */
export class Scanner {
  #at = 0;

  constructor(readonly text: string) {}

  get ended(): boolean {
    return this.#at >= this.text.length;
  }

  /** White space between two things. At the ends of a header there is none: parsers of HTTP take it away. */
  skipBlanksInside(): void {
    if (this.#at === 0) return;
    const start = this.#at;
    while (isBlank(this.text.charCodeAt(this.#at))) this.#at += 1;
    if (this.ended && this.#at !== start) throw this.unexpected();
  }

  /** Takes the character if it comes next. */
  take(char: string): boolean {
    if (this.text[this.#at] !== char) return false;
    this.#at += 1;
    return true;
  }

  /** A token, which must come next. */
  token(): string {
    const start = this.#at;
    while (isTokenChar(this.text.charCodeAt(this.#at))) this.#at += 1;
    if (this.#at === start) throw this.unexpected();
    return this.text.slice(start, this.#at);
  }

  /** What stands between quotes, the first of which has been taken; it must be a token (RFC 6455 §9.1). */
  quotedToken(): string {
    let value = '';
    while (!this.take('"')) {
      this.take('\\');
      if (!isTokenChar(this.text.charCodeAt(this.#at))) throw this.unexpected();
      value += this.text[this.#at];
      this.#at += 1;
    }
    if (value !== '') return value;
    // The second quote.
    this.#at -= 1;
    throw this.unexpected();
  }

  /** In ws's words. */
  unexpected(): SyntaxError {
    return new SyntaxError(
      this.ended ? 'Unexpected end of input' : `Unexpected character at index ${this.#at}`,
    );
  }
}
