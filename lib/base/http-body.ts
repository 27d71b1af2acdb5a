/** The body of a response, out of what comes behind its header. Source: RFC 9112 §6, §7.1. */

export interface Body {
  bytes: Buffer;
  /** Whether this is all of it; a body that ends with the connection is never known to be. */
  complete: boolean;
}

/** Longest line of a chunk's size with its extensions; all lines of a trailer together. */
const MAX_LINE = 16 * 1024;

const CR = 13;
const LF = 10;
/** As much of a line as has come, without its LF. */
const LINE = /^[\t\x20-\x7e\x80-\xff]*\r?$/;
/** The same behind a chunk, where nothing stands. */
const LINE_END = /^\r?$/;

const NOTHING: Buffer = Buffer.alloc(0);
const DIGITS = [...Buffer.from('0123456789ABCDEFabcdef')];

/** The values of a header, in the order of its lines. */
function values(headers: string, name: string): string[] {
  const prefix = `${name}:`;
  return headers
    .split(/\r?\n/)
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim());
}

const enum At {
  /** All of it has come, or nothing more can be made of what comes. */
  End,
  /** Until the connection ends. */
  Rest,
  /** `left` bytes of a known length. */
  Length,
  ChunkSize,
  ChunkData,
  /** The line end behind a chunk. */
  ChunkEnd,
  Trailer,
}

/** Takes the transfer coding off, piece by piece. */
export class BodyDecoder {
  #at: At;
  #left = 0;
  /** Of the line under way, without its CR. */
  #line = '';
  #afterCr = false;
  /** Bytes of the trailer's lines. */
  #trailer = 0;
  #malformed = false;

  /** @param headers raw lines. */
  constructor(status: number, headers: string) {
    const coding = values(headers, 'transfer-encoding').join(',').toLowerCase();
    const [length, ...others] = new Set(values(headers, 'content-length'));
    if (status === 204 || status === 304) this.#at = At.End;
    else if (/(^|[,\s])chunked\s*$/.test(coding)) this.#at = At.ChunkSize;
    else if (coding !== '' || length === undefined || others.length > 0 || !/^\d+$/.test(length)) {
      this.#at = At.Rest;
    } else {
      this.#left = Number(length);
      this.#at = this.#left === 0 ? At.End : At.Length;
    }
  }

  /** Whether nothing more will come out. */
  get done(): boolean {
    return this.#at === At.End;
  }

  /** Whether it is all there, as far as that can be known. */
  get complete(): boolean {
    return this.done && !this.#malformed;
  }

  /** The connection has ended, in order: whether that completes the body. */
  end(): boolean {
    if (this.#at === At.Rest) this.#at = At.End;
    return this.complete;
  }

  /** What the bytes have of the body; what is malformed ends it. */
  write(raw: Buffer): Buffer {
    // The first piece as it is; once there are others, memory for all: a chunk may be of one byte.
    let all: Buffer | undefined;
    let first = NOTHING;
    let length = 0;
    let at = 0;
    while (at < raw.length && this.#at !== At.End) {
      if (this.#at !== At.Rest && this.#at !== At.Length && this.#at !== At.ChunkData) {
        at = this.#skipLine(raw, at) ?? this.#readLine(raw, at);
        continue;
      }
      const end = this.#at === At.Rest ? raw.length : Math.min(raw.length, at + this.#left);
      if (length === 0) first = raw.subarray(at, end);
      else {
        all ??= Buffer.concat([first], raw.length);
        // Node's own copy costs as much as many bytes.
        if (end - at > 32) raw.copy(all, length, at, end);
        else for (let i = at; i < end; ++i) all[length + i - at] = raw[i] as number;
      }
      length += end - at;
      this.#left -= end - at;
      at = end;
      if (this.#at === At.Length && this.#left === 0) this.#at = At.End;
      if (this.#at === At.ChunkData && this.#left === 0) this.#at = At.ChunkEnd;
    }
    return all ? all.subarray(0, length) : first;
  }

  /**
   * The usual line, a size without an extension or the end of a chunk, if it is here whole.
   *
   * @returns where to go on.
   */
  #skipLine(raw: Buffer, from: number): number | undefined {
    if (this.#afterCr || this.#line !== '' || this.#at === At.Trailer) return undefined;
    let at = from;
    let size = 0;
    if (this.#at === At.ChunkSize) {
      for (; at < from + 8; ++at) {
        const digit = DIGITS.indexOf(raw[at] as number);
        if (digit < 0) break;
        size = size * 16 + (digit < 16 ? digit : digit - 6);
      }
      if (at === from) return undefined;
    }
    if (raw[at] !== CR || raw[at + 1] !== LF) return undefined;
    if (this.#at === At.ChunkEnd) this.#at = At.ChunkSize;
    else this.#beginChunk(size);
    return at + 2;
  }

  /**
   * Reads on in the line under way. Lines end with CR and LF, and have no other control characters: the first wrong
   * byte ends the body.
   *
   * @returns where to go on.
   */
  #readLine(raw: Buffer, from: number): number {
    const lf = raw.indexOf(LF, from);
    const end = lf < 0 ? raw.length : lf;
    const room = MAX_LINE - this.#line.length - this.#trailer;
    if (end - from > room) return this.#fail(from);
    const text = (this.#afterCr ? '\r' : '') + raw.toString('latin1', from, end);
    if (text.length > room || !(this.#at === At.ChunkEnd ? LINE_END : LINE).test(text)) {
      return this.#fail(from);
    }
    this.#afterCr = text.endsWith('\r');
    this.#line += this.#afterCr ? text.slice(0, -1) : text;
    if (lf < 0) return end;
    if (!this.#afterCr) return this.#fail(lf);
    this.#afterCr = false;
    this.#endLine(this.#line);
    return lf + 1;
  }

  #endLine(line: string): void {
    this.#line = '';
    if (this.#at === At.ChunkEnd) {
      this.#at = At.ChunkSize;
    } else if (this.#at === At.Trailer) {
      this.#trailer += line.length;
      if (line === '') this.#at = At.End;
    } else {
      // Behind a semicolon there are extensions.
      const digits = /^([0-9a-f]{1,8})[ \t]*(;|$)/i.exec(line)?.[1];
      if (digits === undefined) this.#fail();
      else this.#beginChunk(parseInt(digits, 16));
    }
  }

  #beginChunk(size: number): void {
    this.#left = size;
    this.#at = size === 0 ? At.Trailer : At.ChunkData;
  }

  #fail(at = 0): number {
    this.#malformed = true;
    this.#at = At.End;
    return at;
  }
}

/** @param headers raw lines; @param raw what came behind them, or the beginning of that. */
export function bodyOf(status: number, headers: string, raw: Buffer): Body {
  const decoder = new BodyDecoder(status, headers);
  const bytes = decoder.write(raw);
  return { bytes, complete: decoder.complete };
}
