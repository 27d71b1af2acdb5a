/**
 * A client that writes what it is told to, byte by byte: it only masks the frames, so that the bytes of a test can be
 * sent to a server as they can to a client (RFC 6455 §5.3).
 */
import { strict as assert } from 'node:assert';
import { randomBytes } from 'node:crypto';
import { acceptFor, RawConnection } from './raw-server';

export class RawClient extends RawConnection {
  private readonly masker = new Masker();

  /** Sends a request, and reads the answer, which must be 101. */
  async open(path: string, extensions?: string): Promise<void> {
    const key = randomBytes(16).toString('base64');
    const lines = [
      `GET ${path} HTTP/1.1`,
      'Host: localhost',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Key: ${key}`,
      'Sec-WebSocket-Version: 13',
      ...(extensions === undefined ? [] : [`Sec-WebSocket-Extensions: ${extensions}`]),
    ];
    this.writeBytes(Buffer.from([...lines, '', ''].join('\r\n')));
    const { line, headers } = await this.readRequest();
    assert.match(line, /^HTTP\/1\.1 101 /);
    assert.equal(headers['sec-websocket-accept'], acceptFor(key));
    assert.equal(headers['sec-websocket-extensions'] !== undefined, extensions !== undefined);
  }

  override encode(bytes: Buffer | string): Buffer {
    return this.masker.mask(Buffer.from(bytes as Buffer));
  }
}

/** Masks a stream of frames, which may be cut anywhere and need not be allowed. */
class Masker {
  /** Of the frame's header, as far as it has come. */
  private header: number[] = [];
  private key: Buffer = Buffer.alloc(4);
  private at = 0;
  private payload = 0n;

  mask(bytes: Buffer): Buffer {
    const out = Buffer.allocUnsafe(bytes.length * 3 + 4);
    let size = 0;
    for (let offset = 0; offset < bytes.length;) {
      if (this.payload > 0n) {
        const rest = bytes.length - offset;
        const n = this.payload < BigInt(rest) ? Number(this.payload) : rest;
        const { key, at } = this;
        for (let i = 0; i < n; ++i)
          out[size + i] = (bytes[offset + i] as number) ^ (key[(at + i) & 3] as number);
        this.at = (at + n) & 3;
        offset += n;
        size += n;
        this.payload -= BigInt(n);
        continue;
      }
      const byte = bytes[offset++] as number;
      this.header.push(byte);
      out[size++] = this.header.length === 2 ? byte | 0x80 : byte;
      const payload = this.claimed();
      if (payload === undefined) continue;
      this.payload = payload;
      this.header = [];
      this.at = 0;
      this.key = randomBytes(4);
      size += this.key.copy(out, size);
    }
    return out.subarray(0, size);
  }

  /** The length that the header claims, once it is complete. */
  private claimed(): bigint | undefined {
    const short = (this.header[1] ?? 0) & 0x7f;
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (this.header.length < 2 + extended) return undefined;
    if (extended === 0) return BigInt(short);
    return BigInt(`0x${Buffer.from(this.header.slice(2)).toString('hex')}`);
  }
}
