/**
 * A server that does exactly what a script tells it to, byte by byte, over TCP, TLS or a unix socket: half a
 * handshake, garbage, nothing, a reset, frames that no proper server would send. It also shows what the client put on
 * the wire.
 */
import { createHash } from 'node:crypto';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TlsOptions, type TLSSocket } from 'node:tls';
import { certificates, type Identity } from './certificates';
import { type Frame, frameSize, Opcode, parseFrame } from './frames';
import { type LocalPath, makeLocalPath } from './local-path';

/** The client's upgrade request. */
export interface UpgradeRequest {
  /** The first line. */
  line: string;
  path: string;
  /** Names in lower case; repeated ones joined by ", ". */
  headers: Record<string, string>;
  /** As they came. */
  raw: string;
}

export interface AcceptOptions {
  /** Status line; the correct one by default. */
  status?: string;
  /** Sec-WebSocket-Accept; null: none; default: the correct one. */
  accept?: string | null;
  upgrade?: string | null;
  connection?: string | null;
  protocol?: string;
  extensions?: string;
  /** Further lines. */
  headers?: string[];
  /** Bytes that follow in the same write. */
  then?: Buffer;
}

/** What the peer did last. */
export type Ending = 'end' | 'reset' | 'closed';

export function acceptFor(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
}

/** One client, as the script sees it. */
export class RawConnection {
  private buffered: Buffer[] = [];
  private bufferedLength = 0;
  private waiting: (() => void)[] = [];
  private finished = false;
  /** Resolves when the client has ended its side, reset, or all is closed. */
  readonly ended: Promise<Ending>;
  /** Resolves when the socket is closed for good. */
  readonly closed: Promise<void>;

  constructor(readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => {
      this.buffered.push(chunk);
      this.bufferedLength += chunk.length;
      this.wake();
    });
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()));
    this.ended = new Promise((resolve) => {
      const finish = (how: Ending): void => {
        this.finished = true;
        this.wake();
        resolve(how);
      };
      socket.once('end', () => finish('end'));
      socket.once('close', () => finish('closed'));
      socket.on('error', () => finish('reset'));
    });
  }

  private wake(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** All that has come and was not read, in one piece. */
  private peek(): Buffer {
    if (this.buffered.length > 1) this.buffered = [Buffer.concat(this.buffered)];
    return this.buffered[0] ?? Buffer.alloc(0);
  }

  private take(length: number): Buffer {
    const all = this.peek();
    this.buffered = length < all.length ? [all.subarray(length)] : [];
    this.bufferedLength = all.length - length;
    return all.subarray(0, length);
  }

  /** Waits until bytes come; false: no more will. */
  private async more(): Promise<boolean> {
    if (this.finished) return false;
    const before = this.bufferedLength;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
    return this.bufferedLength > before || !this.finished;
  }

  /** That many bytes, or fewer if the client ended before. */
  async read(length: number): Promise<Buffer> {
    await this.waitFor(length);
    return this.take(Math.min(length, this.bufferedLength));
  }

  /** Everything until the client ends. */
  async readToEnd(): Promise<Buffer> {
    while (await this.more());
    return this.take(this.bufferedLength);
  }

  /** Whether bytes wait to be read. */
  get available(): number {
    return this.bufferedLength;
  }

  /** Waits until that many bytes have come and were not read. */
  async waitFor(length: number): Promise<void> {
    while (this.bufferedLength < length) if (!(await this.more())) break;
  }

  /** The request; rejects if the client ends within. */
  async readRequest(): Promise<UpgradeRequest> {
    const request = await this.peekRequest();
    this.take(request.raw.length);
    return request;
  }

  /** The request, left to be read again. */
  async peekRequest(): Promise<UpgradeRequest> {
    for (;;) {
      const bytes = this.peek();
      const end = bytes.indexOf('\r\n\r\n');
      if (end >= 0) return parseRequest(bytes.toString('latin1', 0, end + 4));
      if (!(await this.more()))
        throw new Error(`The client ended within its request: ${bytes.toString('latin1')}`);
    }
  }

  /** The next frame; undefined if the client ended before it was complete. */
  async readFrame(): Promise<Frame | undefined> {
    let wanted = 2;
    for (;;) {
      // Only when there is enough: to join what has come again and again would be dear.
      if (this.bufferedLength >= wanted) {
        const bytes = this.peek();
        const frame = parseFrame(bytes);
        if (frame) {
          this.take(frame.size);
          return frame;
        }
        wanted = frameSize(bytes) || wanted + 1;
      }
      if (this.bufferedLength < wanted && !(await this.more())) return undefined;
    }
  }

  /** All frames until the client ends (or until its Close frame, with `untilClose`). */
  async readFrames(untilClose = false): Promise<Frame[]> {
    const frames: Frame[] = [];
    for (;;) {
      const frame = await this.readFrame();
      if (!frame) return frames;
      frames.push(frame);
      if (untilClose && frame.opcode === Opcode.Close) return frames;
    }
  }

  /** Reads the request and answers it, correctly unless told otherwise. */
  async accept(options: AcceptOptions = {}): Promise<UpgradeRequest> {
    const request = await this.readRequest();
    this.write(response(request, options));
    return request;
  }

  /** The form in which bytes go out: a client's are masked. */
  encode(bytes: Buffer | string): Buffer {
    return bytes as Buffer;
  }

  write(bytes: Buffer | string): void {
    this.writeBytes(this.encode(bytes));
  }

  /** Writes them as they are. */
  writeBytes(bytes: Buffer): void {
    if (!this.socket.destroyed && this.socket.writable) this.socket.write(bytes);
  }

  /** Writes, and resolves when the system has taken it (back-pressure). */
  writeAll(bytes: Buffer): Promise<void> {
    return new Promise((resolve) => {
      if (this.socket.destroyed || !this.socket.writable) resolve();
      else this.socket.write(this.encode(bytes), () => resolve());
    });
  }

  /** Writes the same again and again, as fast as it is taken, until the connection ends. */
  async flood(bytes: Buffer): Promise<void> {
    while (!this.socket.destroyed) {
      await Promise.race([this.writeAll(bytes), this.closed]);
      // Writes that are done at once come back without a turn of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Writes in pieces of that many bytes, each a write of its own in a turn of its own. */
  async writeChopped(bytes: Buffer, size: number): Promise<void> {
    for (let offset = 0; offset < bytes.length; offset += size) {
      this.write(bytes.subarray(offset, offset + size));
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** Ends our side in order. */
  end(): void {
    this.socket.end();
  }

  /** Sends an RST. */
  reset(): void {
    if ('resetAndDestroy' in this.socket && !('encrypted' in this.socket))
      this.socket.resetAndDestroy();
    else this.socket.destroy();
  }
}

/** The answer to a request. */
export function response(request: UpgradeRequest, options: AcceptOptions = {}): Buffer {
  const {
    status = 'HTTP/1.1 101 Switching Protocols',
    upgrade = 'websocket',
    connection = 'Upgrade',
  } = options;
  const accept =
    options.accept === undefined
      ? acceptFor(request.headers['sec-websocket-key'] ?? '')
      : options.accept;
  const lines = [status];
  if (upgrade !== null) lines.push(`Upgrade: ${upgrade}`);
  if (connection !== null) lines.push(`Connection: ${connection}`);
  if (accept !== null) lines.push(`Sec-WebSocket-Accept: ${accept}`);
  if (options.protocol !== undefined) lines.push(`Sec-WebSocket-Protocol: ${options.protocol}`);
  if (options.extensions !== undefined)
    lines.push(`Sec-WebSocket-Extensions: ${options.extensions}`);
  lines.push(...(options.headers ?? []));
  return Buffer.concat([
    Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'),
    options.then ?? Buffer.alloc(0),
  ]);
}

function parseRequest(raw: string): UpgradeRequest {
  const [line = '', ...lines] = raw.slice(0, -4).split('\r\n');
  const headers: Record<string, string> = {};
  for (const header of lines) {
    const colon = header.indexOf(':');
    const name = header.slice(0, colon).toLowerCase();
    const value = header.slice(colon + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { line, path: line.split(' ')[1] ?? '', headers, raw };
}

export type Script = (connection: RawConnection) => void | Promise<void>;

export interface RawServerOptions {
  on?: '127.0.0.1' | '::1' | 'unix';
  tls?: boolean | Identity;
  tlsOptions?: TlsOptions;
  /** Do not read from clients until the script does so. */
  pauseOnConnect?: boolean;
}

export class RawServer {
  private readonly sockets = new Set<Socket>();
  private readonly running = new Set<Promise<void>>();
  private readonly errors: unknown[] = [];
  /** What follows is for the next connections, one each; then `script`. */
  private readonly once: Script[] = [];
  private local: LocalPath | undefined;
  connections = 0;

  private constructor(
    private readonly server: Server,
    private readonly options: RawServerOptions,
    private script: Script,
  ) {
    server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket | TLSSocket) =>
      this.onConnection(socket),
    );
    // TLS servers: sockets whose handshake is never finished must be closed as well.
    if (options.tls) server.on('connection', (socket: Socket) => this.track(socket));
    server.on('tlsClientError', () => {});
  }

  static async listen(script: Script, options: RawServerOptions = {}): Promise<RawServer> {
    const server = makeServer(options);
    const raw = new RawServer(server, options, script);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      if (options.on === 'unix') {
        raw.local = makeLocalPath();
        server.listen(raw.local.path, resolve);
      } else {
        server.listen(0, options.on ?? '127.0.0.1', resolve);
      }
    });
    return raw;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get socketPath(): string {
    return this.local?.path ?? '';
  }

  get url(): string {
    if (this.options.on === 'unix') return `ws+unix:${this.socketPath}`;
    const scheme = this.options.tls ? 'wss' : 'ws';
    const host = this.options.on === '::1' ? '[::1]' : this.options.tls ? 'localhost' : '127.0.0.1';
    return `${scheme}://${host}:${this.port}/`;
  }

  /** Another script for the connections to come. */
  use(script: Script): void {
    this.script = script;
  }

  /** Scripts for the next connections, one each. */
  next(...scripts: Script[]): void {
    this.once.push(...scripts);
  }

  private track(socket: Socket): void {
    this.sockets.add(socket);
    socket.on('error', () => {});
    socket.once('close', () => this.sockets.delete(socket));
  }

  private onConnection(socket: Socket): void {
    this.connections++;
    this.track(socket);
    const script = this.once.shift() ?? this.script;
    const done = (async () => script(new RawConnection(socket)))().catch((error: unknown) => {
      this.errors.push(error);
      socket.destroy();
    });
    this.running.add(done);
    void done.then(() => this.running.delete(done));
  }

  /**
   * Drops every connection and stops. Rejects with what a script threw, so that an assertion made within a
   * script fails the test.
   */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.server.close(() => resolve()));
    for (const socket of this.sockets) socket.destroy();
    await Promise.all(this.running);
    await closed;
    this.local?.remove();
    if (this.errors.length > 0) throw this.errors[0];
  }
}

function makeServer(options: RawServerOptions): Server {
  const net = {
    allowHalfOpen: true,
    pauseOnConnect: options.pauseOnConnect ?? false,
    noDelay: true,
  };
  if (!options.tls) return createServer(net);
  const identity = options.tls === true ? certificates().server : options.tls;
  return createTlsServer({ ...net, cert: identity.cert, key: identity.key, ...options.tlsOptions });
}
