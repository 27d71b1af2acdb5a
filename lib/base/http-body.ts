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
  /** Of the line under way. */
  #line = '';
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
    const pieces: Buffer[] = [];
    let at = 0;
    while (at < raw.length && this.#at !== At.End) {
      switch (this.#at) {
        case At.Rest:
          pieces.push(raw.subarray(at));
          at = raw.length;
          break;
        case At.Length:
        case At.ChunkData: {
          const piece = raw.subarray(at, at + this.#left);
          pieces.push(piece);
          at += piece.length;
          this.#left -= piece.length;
          if (this.#left === 0) this.#at = this.#at === At.Length ? At.End : At.ChunkEnd;
          break;
        }
        default:
          this.#byteOfLine(raw[at++] as number);
      }
    }
    return pieces.length === 1 ? (pieces[0] as Buffer) : Buffer.concat(pieces);
  }

  /** Lines end with CR and LF, and have no other control characters: the first wrong byte ends the body. */
  #byteOfLine(byte: number): void {
    const afterCr = this.#line.endsWith('\r');
    if (afterCr && byte === LF) {
      this.#endLine(this.#line.slice(0, -1));
      return;
    }
    const fits = this.#line.length + this.#trailer < MAX_LINE;
    const plain = byte === CR || byte === 9 || (byte >= 32 && byte !== 127);
    const inPlace = this.#at !== At.ChunkEnd || byte === CR;
    if (afterCr || !fits || !plain || !inPlace) this.#fail();
    else this.#line += String.fromCharCode(byte);
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
      else {
        this.#left = parseInt(digits, 16);
        this.#at = this.#left === 0 ? At.Trailer : At.ChunkData;
      }
    }
  }

  #fail(): void {
    this.#malformed = true;
    this.#at = At.End;
  }
}

/** @param headers raw lines; @param raw what came behind them, or the beginning of that. */
export function bodyOf(status: number, headers: string, raw: Buffer): Body {
  const decoder = new BodyDecoder(status, headers);
  const bytes = decoder.write(raw);
  return { bytes, complete: decoder.complete };
}
