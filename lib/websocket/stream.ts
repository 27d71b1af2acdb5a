/** A socket as a Duplex stream. */
import { Duplex, type DuplexOptions } from 'node:stream';
import { EmitterTarget } from './emitter';

/** Options of `stream.Duplex`; what would break the mapping to messages is fixed here. */
export type WebSocketStreamOptions = DuplexOptions;

/** What the stream uses of a socket: any of ours, or of ws's. */
export interface StreamSocket {
  readonly readyState: number;
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSED: number;
  readonly isPaused: boolean;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  on(event: string, listener: (...args: any[]) => void): unknown;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  once(event: string, listener: (...args: any[]) => void): unknown;
  send(data: Buffer | string, callback?: (error?: Error) => void): boolean | void;
  pause(): void;
  resume(): void;
  close(): void;
  terminate(): void;
}

class SocketDuplex extends Duplex {
  readonly #socket: StreamSocket;
  /** Its send() says whether to go on, and `drain` follows. */
  readonly #drains: boolean;
  /** What waits for `drain`. */
  #waiting: ((error?: Error | null) => void) | undefined;
  /** What waits for the socket's end: the writable side has ended. */
  #finishing: (() => void) | undefined;
  /** After an error the socket closes by itself, with the code for it. */
  #failed = false;

  constructor(socket: StreamSocket, options: WebSocketStreamOptions) {
    super({
      ...options,
      objectMode: false,
      writableObjectMode: false,
      autoDestroy: true,
      emitClose: true,
    });
    this.#socket = socket;
    this.#drains = socket instanceof EmitterTarget;
    socket.on('message', (data: unknown, isBinary: boolean) => {
      const chunk = !isBinary && this.readableObjectMode ? String(data) : data;
      if (!this.push(chunk)) socket.pause();
    });
    socket.on('drain', () => this.#release());
    socket.once('error', (error: Error) => {
      this.#failed = true;
      this.destroy(error);
    });
    socket.once('close', () => {
      this.#release();
      if (this.destroyed) return;
      const finish = this.#finishing;
      if (!finish) {
        this.push(null);
        return;
      }
      // 'finish' comes before 'end', whatever is read meanwhile.
      this.once('finish', () => this.push(null));
      finish();
    });
    // Before those of the user, who finds the stream destroyed if the other side has ended, too.
    this.on('end', () => {
      if (this.writableFinished) this.destroy();
    });
  }

  #release(): void {
    const callback = this.#waiting;
    this.#waiting = undefined;
    callback?.();
  }

  override _read(): void {
    if (this.#socket.isPaused) this.#socket.resume();
  }

  override _write(
    chunk: unknown,
    _encoding: BufferEncoding,
    callback: (error?: Error | null) => void,
  ): void {
    const socket = this.#socket;
    if (socket.readyState === socket.CONNECTING) {
      socket.once('open', () => this._write(chunk, _encoding, callback));
      return;
    }
    if (!this.#drains || socket.readyState !== socket.OPEN) {
      // After the end the callback carries ws's own error.
      socket.send(chunk as Buffer, callback);
      return;
    }
    let goOn: boolean;
    try {
      goOn = socket.send(chunk as Buffer) as boolean;
    } catch (error) {
      callback(error as Error);
      return;
    }
    if (goOn) callback();
    else this.#waiting = callback;
  }

  override _final(callback: (error?: Error | null) => void): void {
    const socket = this.#socket;
    if (socket.readyState === socket.CONNECTING) {
      socket.once('open', () => this._final(callback));
      return;
    }
    if (socket.readyState === socket.CLOSED) {
      callback();
      if (this.readableEnded) this.destroy();
      return;
    }
    // Everything written goes out before the Close frame; the peer's answer to it ends the stream.
    this.#finishing = callback;
    socket.close();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    const socket = this.#socket;
    if (socket.readyState === socket.CLOSED) {
      callback(error);
      return;
    }
    let reason = error;
    // While connecting, to give up is an error of the socket: it becomes the stream's.
    socket.once('error', (late: Error) => {
      reason ??= late;
    });
    socket.once('close', () => callback(reason));
    if (!this.#failed) socket.terminate();
  }
}

/**
 * A Duplex over a socket, of this library or of ws: each chunk written is one message (strings are text), each message
 * read is one chunk.
 *
 * Back-pressure works both ways: writes wait for `drain`, and a reader that is slow stops the socket. end() closes the
 * socket, destroy() terminates it, and the socket's end ends the readable side. With `readableObjectMode` text
 * arrives as strings.
 */
export function createWebSocketStream(
  socket: StreamSocket,
  options: WebSocketStreamOptions = {},
): Duplex {
  return new SocketDuplex(socket, options);
}
