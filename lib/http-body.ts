/** The body of a response, from the bytes that arrived behind its header. Source: RFC 9112 §6, §7.1. */

export interface Body {
  bytes: Buffer;
  /** Whether this is all of it; a body that ends with the connection is never known to be. */
  complete: boolean;
}

/** The values of a header, in the order of its lines. */
function values(headers: string, name: string): string[] {
  const prefix = `${name}:`;
  return headers
    .split(/\r?\n/)
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim());
}

/** @param headers raw lines; @param raw what came behind them, or the beginning of that. */
export function bodyOf(status: number, headers: string, raw: Buffer): Body {
  if (status === 204 || status === 304) return { bytes: Buffer.alloc(0), complete: true };
  const coding = values(headers, 'transfer-encoding').join(',').toLowerCase();
  if (/(^|[,\s])chunked\s*$/.test(coding)) return dechunk(raw);
  const [length] = values(headers, 'content-length');
  if (coding !== '' || length === undefined || !/^\d+$/.test(length)) {
    return { bytes: raw, complete: false };
  }
  const size = Number(length);
  return { bytes: raw.subarray(0, size), complete: raw.length >= size };
}

/** As far as it goes: half a chunk is as good as it came, what is malformed ends it. */
function dechunk(raw: Buffer): Body {
  const pieces: Buffer[] = [];
  let at = 0;
  let complete = false;
  for (;;) {
    const end = raw.indexOf('\r\n', at);
    if (end < 0) break;
    // Behind a semicolon there are extensions.
    const digits = /^([0-9a-f]{1,8})[ \t]*(;|$)/i.exec(raw.toString('latin1', at, end))?.[1];
    if (digits === undefined) break;
    const size = parseInt(digits, 16);
    at = end + 2;
    if (size === 0) {
      complete = true;
      break;
    }
    pieces.push(raw.subarray(at, at + size));
    at += size + 2;
    if (at > raw.length) break;
  }
  return { bytes: Buffer.concat(pieces), complete };
}
