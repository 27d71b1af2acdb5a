/** A socket as a pair of web streams. Source: the WebSocketStream proposal to WHATWG WebSockets, as undici has it. */
import { ReadableStream, WritableStream } from 'node:stream/web';
import type {
  ReadableStreamDefaultController,
  WritableStreamDefaultController,
} from 'node:stream/web';
import { types } from 'node:util';
import { disposable, inspectable } from '../base/objects';
import { typeError, withCode } from '../options/errors';
import { Session } from '../client/session';
import type { ClientOptionsOf } from '../client/types';
import type { MessageData } from '../session/events';
import type { OpenSession } from '../session/open-session';
import * as state from '../session/ready-state';
import { announce, deliver, fail, heard, holdUntilHeard } from '../session/socket-face';
import type { SocketFace } from '../session/socket-face';
import { scalarString } from './close-info';
import { STATE_NAMES } from './objects';
import { readCloseInfo, WebSocketStreamError, type CloseInfoInit } from './stream-error';
import { standardSettings } from './standard-settings';

/** Payload that is kept in the readable side before the socket is not read any more, in bytes (of text: characters). */
const READABLE_HIGH_WATER_MARK = 64 * 1024;

/** What is written: strings go as text, bytes as binary. Bytes are copied. */
export type StreamInput = string | ArrayBuffer | ArrayBufferView;

/** Both sides of an open {@link WebSocketStream}. */
export interface WebSocketConnection {
  /** The extensions in use, with their parameters, or ''. */
  extensions: string;
  /** The subprotocol that the server chose, or ''. */
  protocol: string;
  /** The messages: text as strings, binary as Uint8Arrays with memory of their own. */
  readable: ReadableStream<string | Uint8Array>;
  /** Each chunk is a message. A write is done when no more than `highWaterMark` bytes wait. */
  writable: WritableStream<StreamInput>;
}

/** How a {@link WebSocketStream} has ended. */
export interface WebSocketCloseInfo {
  /** RFC 6455 §7.1.5; 1005: the peer gave none. */
  closeCode: number;
  /** The peer's reason, at most 123 bytes of UTF-8, or ''. */
  reason: string;
}

/** Options of {@link WebSocketStream}: those of {@link StandardWebSocket} but `reconnect` and `finishRequest`. */
export interface WebSocketStreamInit extends Omit<
  ClientOptionsOf<never>,
  'reconnect' | 'finishRequest' | 'protocols' | 'signal'
> {
  /** Subprotocols to offer: RFC 6455 tokens, each once. Default: none. */
  protocols?: Iterable<string> | undefined;
  /** Gives up connecting: `opened` and `closed` reject with its reason. Without effect once open. */
  signal?: AbortSignal | undefined;
}

/** A promise and what settles it. Nobody has to listen to it: one that is rejected unheard does not end the process. */
class Deferred<T> {
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor() {
    this.promise.catch(() => undefined);
  }
}

/**
 * A WebSocket as web streams, with back-pressure both ways: a slow reader stops the server, and writes wait while more
 * than `highWaterMark` bytes are on their way.
 *
 * @example
 * const stream = new WebSocketStream('wss://example.org/feed');
 * const { readable, writable } = await stream.opened;
 * const writer = writable.getWriter();
 * await writer.write('subscribe');
 * for await (const message of readable) console.log(message);
 * const { closeCode } = await stream.closed;
 */
// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export class WebSocketStream {
  readonly #url: string;
  readonly #opened = new Deferred<WebSocketConnection>();
  readonly #closed = new Deferred<WebSocketCloseInfo>();
  /** Undefined: the signal was aborted before it began. */
  readonly #session: OpenSession | undefined;
  #readable: ReadableStreamDefaultController<string | Uint8Array> | undefined;
  #writable: WritableStreamDefaultController | undefined;
  /** The write that waits for `drain`. */
  #writing: Deferred<void> | undefined;
  /** Why the connection could not be made, or broke. */
  #failure: Error | undefined;
  /** Given up by the signal: both promises have been rejected. */
  #aborted = false;
  /** This side has begun to close. */
  #closing = false;
  #forgetSignal: () => void = () => undefined;

  /**
   * Begins to connect.
   *
   * @param url as that of {@link StandardWebSocket}.
   * @param options `protocols`, `signal`, and beyond the proposal those of {@link StandardWebSocket}.
   * @throws DOMException SyntaxError for the URL and the subprotocols.
   * @throws TypeError for what is no object, for subprotocols that are no list, for a signal that is none, and as
   *   {@link StandardWebSocket} for the other options; ERR_UNSUPPORTED_OPTION for `reconnect` and `finishRequest`.
   */
  constructor(url: string | URL, options: WebSocketStreamInit = {}) {
    if (arguments.length === 0) throw typeError('url', 'given', undefined);
    const { protocols, signal, ...rest } = readOptions(options);
    const settings = standardSettings(url, protocols, rest);
    this.#url = settings.first.url.href;
    if (signal?.aborted) {
      this.#reject(signal.reason);
      return;
    }
    const session = new Session(this.#face(), settings, true);
    this.#session = session;
    session.intake.binaryType = 'arraybuffer';
    if (signal) {
      const listener = (): void => this.#abort(signal.reason as Error);
      signal.addEventListener('abort', listener, { once: true });
      this.#forgetSignal = () => signal.removeEventListener('abort', listener);
    }
    session.start();
  }

  /** The URL; `http(s):` as `ws(s):`. */
  get url(): string {
    return this.#url;
  }

  /**
   * Resolves with both streams when the connection stands; rejects with a {@link WebSocketStreamError}, whose `cause`
   * is the error that a socket would have, or with the signal's reason.
   */
  get opened(): Promise<WebSocketConnection> {
    return this.#opened.promise;
  }

  /**
   * Resolves when the connection has been closed by both sides; rejects with a {@link WebSocketStreamError}, as the
   * streams do, if it ended otherwise, or while something written was still to be sent.
   */
  get closed(): Promise<WebSocketCloseInfo> {
    return this.#closed.promise;
  }

  /**
   * Begins the closing handshake, after everything written before. While connecting it gives up.
   *
   * @param info the code (1000, or 3000 to 4999; default none, with a reason 1000) and the reason (at most 123 bytes).
   * @throws TypeError for what is no object; DOMException InvalidAccessError for another code, SyntaxError for a longer
   *   reason.
   */
  close(info?: CloseInfoInit): void {
    const { code, reason } = readCloseInfo('info', info);
    this.#close(code, reason);
  }

  #close(code?: number, reason = ''): void {
    const session = this.#session;
    if (!session || session.readyState > state.OPEN) return;
    this.#closing = true;
    session.close(code ?? 0, reason === '' ? undefined : reason);
    // What nobody has read would stand before the peer's Close frame.
    session.resume();
  }

  /** cancel() of the readable side, abort() of the writable one. */
  #closeFor(reason: unknown): void {
    if (!(reason instanceof WebSocketStreamError)) this.#close();
    else this.#close(reason.closeCode ?? undefined, reason.reason);
  }

  #reject(reason: unknown): void {
    this.#aborted = true;
    this.#opened.reject(reason);
    this.#closed.reject(reason);
  }

  #abort(reason: Error): void {
    if (this.#session?.readyState !== state.CONNECTING) return;
    this.#reject(reason);
    this.#session.giveUp(reason);
  }

  static {
    inspectable<WebSocketStream>(this.prototype, (stream) => {
      if (!(#url in stream)) return undefined;
      const state = STATE_NAMES[stream.#session?.readyState ?? 3];
      return { url: stream.url, state };
    });
    disposable<WebSocketStream>(this.prototype, async (stream) => {
      stream.#close();
      await stream.closed.catch(() => undefined);
    });
  }

  // ---- What the session tells

  #face(): SocketFace {
    return {
      [announce]: (event, ...args) => {
        if (event === 'open') this.#open();
        else if (event === 'drain') this.#drained();
        else if (event === 'close') this.#end(args[0] as number, String(args[1]));
        return false;
      },
      [heard]: () => false,
      [fail]: (error) => {
        this.#failure ??= error;
      },
      [deliver]: (data) => this.#message(data),
      [holdUntilHeard]: () => undefined,
    } as SocketFace;
  }

  #open(): void {
    this.#forgetSignal();
    const session = this.#session as OpenSession;
    const readable = new ReadableStream<string | Uint8Array>(
      {
        start: (controller) => {
          this.#readable = controller;
        },
        pull: () => session.resume(),
        cancel: (reason) => {
          this.#readable = undefined;
          session.resume();
          this.#closeFor(reason);
        },
      },
      { highWaterMark: READABLE_HIGH_WATER_MARK, size: (chunk) => Math.max(chunk?.length ?? 0, 1) },
    );
    const writable = new WritableStream<StreamInput>({
      start: (controller) => {
        this.#writable = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: async () => {
        this.#close();
        await this.#closed.promise.catch(() => undefined);
      },
      abort: (reason) => this.#closeFor(reason),
    });
    const { extensions, protocol } = session;
    this.#opened.resolve({ extensions, protocol, readable, writable });
  }

  #message(data: MessageData): void {
    const controller = this.#readable;
    if (!controller) return;
    controller.enqueue(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer));
    if ((controller.desiredSize ?? 0) <= 0) this.#session?.pause();
  }

  #write(chunk: unknown): Promise<void> | undefined {
    const session = this.#session as OpenSession;
    const payload = toPayload(chunk);
    if (this.#closing) throw closedError();
    const isOpen = session.readyState === state.OPEN;
    if (isOpen && session.outbox.send(payload, undefined, undefined)) return undefined;
    // It waits for drain; or for the end, if the peer has closed: then it will not have been written.
    this.#writing = new Deferred();
    return this.#writing.promise;
  }

  #drained(): void {
    // The peer had closed before: it is not said to have been written.
    if (this.#session?.readyState !== state.OPEN && !this.#closing) return;
    this.#writing?.resolve();
    this.#writing = undefined;
  }

  #end(closeCode: number, reason: string): void {
    this.#forgetSignal();
    if (this.#aborted) return;
    const cause = this.#failure;
    const readable = this.#readable;
    if (this.#session?.closedCleanly && !this.#writing && !cause) {
      this.#closed.resolve({ closeCode, reason });
      readable?.close();
      this.#writable?.error(closedError());
      return;
    }
    const words = cause?.message ?? 'the connection was not closed cleanly';
    const error = WebSocketStreamError.of(words, closeCode, reason, cause);
    this.#opened.reject(error);
    this.#closed.reject(error);
    this.#writing?.reject(error);
    readable?.error(error);
    this.#writable?.error(error);
  }
}

// eslint-disable-next-line @typescript-eslint/no-unsafe-declaration-merging
export interface WebSocketStream {
  /** Closes and waits for the end: `await using stream = …`. Where the symbol exists. */
  [Symbol.asyncDispose](): Promise<void>;
}

function closedError(): DOMException {
  return new DOMException('a closed WebSocketStream cannot be written to', 'InvalidStateError');
}

function readOptions(options: unknown): WebSocketStreamInit & { protocols: string[] } {
  if (options === null) return { protocols: [] };
  if (typeof options !== 'object' && typeof options !== 'function') {
    throw typeError('options', 'an object', options);
  }
  const { protocols = [], signal, ...rest } = options as WebSocketStreamInit;
  if (typeof protocols !== 'object' || protocols === null || !(Symbol.iterator in protocols)) {
    throw typeError('options.protocols', 'a list of strings', protocols);
  }
  if (signal !== undefined && signal !== null && !(signal instanceof AbortSignal)) {
    throw typeError('options.signal', 'an AbortSignal', signal);
  }
  for (const name of ['reconnect', 'finishRequest']) {
    if ((rest as Record<string, unknown>)[name] === undefined) continue;
    throw withCode(
      new TypeError(`options.${name} is not for a WebSocketStream, whose streams end with it`),
      'ERR_UNSUPPORTED_OPTION',
      { field: `options.${name}` },
    );
  }
  return { ...rest, signal: signal ?? undefined, protocols: [...protocols] };
}

/** A string as text, bytes as binary; anything else is the string that it becomes. */
function toPayload(chunk: unknown): string | ArrayBuffer | ArrayBufferView {
  if (typeof chunk === 'string' || types.isArrayBuffer(chunk)) return chunk;
  if (!ArrayBuffer.isView(chunk)) return scalarString(chunk);
  if (types.isSharedArrayBuffer(chunk.buffer)) {
    throw typeError('chunk', 'bytes that no other thread shares', chunk);
  }
  return chunk;
}

// As Web IDL has interfaces.
for (const name of ['url', 'opened', 'closed', 'close']) {
  Object.defineProperty(WebSocketStream.prototype, name, { enumerable: true });
}
Object.defineProperty(WebSocketStream, 'length', { value: 1, configurable: true });
Object.defineProperty(WebSocketStream.prototype.close, 'length', { value: 0, configurable: true });
Object.defineProperty(WebSocketStream.prototype, Symbol.toStringTag, {
  value: 'WebSocketStream',
  configurable: true,
});
