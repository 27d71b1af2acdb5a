/**
 * permessage-deflate (RFC 7692) of the other side, over Node's zlib. Message by message: each is a
 * stream of its own, the
 * window that is taken over goes into it as its dictionary, and a window that is too large is
 * noticed. And in bulk, where a
 * stream of its own would be too dear.
 */
import { once } from 'node:events';
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  deflateRawSync,
  type DeflateRaw,
  type InflateRaw,
  inflateRawSync,
} from 'node:zlib';

/** What a compressed message ends with, and goes without on the wire (§7.2.1). */
const tail = Buffer.from([0, 0, 0xff, 0xff]);

const finishFlush = constants.Z_SYNC_FLUSH;

export interface DeflateParameters {
  /** 9 to 15 to deflate, 8 to 15 to inflate. */
  windowBits: number;
  /** Forget the window after each message. */
  noContextTakeover: boolean;
  level?: number;
}

/** The last bytes of all messages, as many as the window has. */
class Window {
  private bytes: Buffer = Buffer.alloc(0);

  constructor(private readonly parameters: DeflateParameters) {}

  get dictionary(): { dictionary?: Buffer } {
    return this.bytes.length > 0 ? { dictionary: this.bytes } : {};
  }

  add(data: Buffer): void {
    const { noContextTakeover, windowBits } = this.parameters;
    if (noContextTakeover) return;
    const all = data.length < 1 << windowBits ? Buffer.concat([this.bytes, data]) : data;
    this.bytes = Buffer.from(all.subarray(Math.max(0, all.length - (1 << windowBits))));
  }
}

/** Compresses messages. */
export class MessageDeflater {
  private readonly window: Window;

  constructor(private readonly parameters: DeflateParameters) {
    this.window = new Window(parameters);
  }

  deflate(data: Buffer): Buffer {
    const { windowBits, level = 1 } = this.parameters;
    const output = deflateRawSync(data, {
      windowBits,
      level,
      finishFlush,
      memLevel: 5,
      ...this.window.dictionary,
    });
    this.window.add(data);
    return output.subarray(0, output.length - tail.length);
  }
}

/** Inflates messages; throws if one is not what the parameters allow. */
export class MessageInflater {
  private readonly window: Window;

  constructor(private readonly parameters: DeflateParameters) {
    this.window = new Window(parameters);
  }

  inflate(data: Buffer): Buffer {
    const { windowBits } = this.parameters;
    // zlib looks no further back than the window only where its output comes in small pieces.
    const chunkSize = 1 << Math.max(6, windowBits - 2);
    const bytes = Buffer.concat([data, tail]);
    const output = inflateRawSync(bytes, {
      windowBits,
      finishFlush,
      chunkSize,
      ...this.window.dictionary,
    });
    this.window.add(output);
    return output;
  }
}

/** A zlib stream that is flushed after each message. */
class Bulk {
  private chunks: Buffer[] = [];
  private readonly failed: Promise<never>;

  constructor(
    private readonly stream: DeflateRaw | InflateRaw,
    private readonly parameters: DeflateParameters,
  ) {
    stream.on('data', (chunk: Buffer) => this.chunks.push(chunk));
    this.failed = once(stream, 'error').then(([error]) => {
      throw error as Error;
    });
    this.failed.catch(() => {});
  }

  protected async push(...pieces: Buffer[]): Promise<Buffer> {
    const { stream } = this;
    for (const piece of pieces) if (piece.length > 0) stream.write(piece);
    const flushed = new Promise<void>((resolve) => stream.flush(finishFlush, resolve));
    await Promise.race([flushed, this.failed]);
    const bytes =
      this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks);
    this.chunks = [];
    if (this.parameters.noContextTakeover) (stream as DeflateRaw).reset();
    return bytes;
  }

  end(): void {
    this.stream.close();
  }
}

export class BulkDeflater extends Bulk {
  constructor(parameters: DeflateParameters) {
    const { windowBits, level = 1 } = parameters;
    super(createDeflateRaw({ windowBits, level }), parameters);
  }

  async deflate(data: Buffer): Promise<Buffer> {
    const bytes = await this.push(data);
    return bytes.subarray(0, bytes.length - tail.length);
  }
}

export class BulkInflater extends Bulk {
  constructor(parameters: DeflateParameters) {
    super(
      createInflateRaw({ windowBits: parameters.windowBits, chunkSize: 64 * 1024 }),
      parameters,
    );
  }

  inflate(data: Buffer): Promise<Buffer> {
    return this.push(data, tail);
  }
}
