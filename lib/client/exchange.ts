/**
 * The HTTP exchange of one attempt, as listeners see it: the request, which they may finish, and the response that
 * refuses it. Made for each attempt, and empty until somebody looks.
 */
import type { Target } from '../addon/connection';
import type { ConnectionFailure, Established } from '../addon/contract';
import type { RefusalBody } from '../addon/refusal-body';
import { clearTimeout, now, setTimeout } from '../base/runtime';
import type { ParsedUrl } from '../options/url';
import { type HandshakeRequest, type HandshakeResponse, requestOf, responseOf } from './handshake';

/** Node's error of a connection that is cut off. */
function cutOff(message: string): Error {
  return Object.assign(new Error(message), { code: 'ECONNRESET' });
}

/** `handshakeTimeout` is over. */
export function lateFailure(detail: string): ConnectionFailure {
  return {
    code: 'ERR_HANDSHAKE_TIMEOUT',
    reason: 'Timed out waiting for handshake',
    detail,
  };
}

export class Exchange {
  #request: HandshakeRequest | undefined;
  #refusal: HandshakeResponse | undefined;
  #send: (() => void) | undefined;
  /** handshakeTimeout, while the request waits for its end(). */
  #timer: NodeJS.Timeout | undefined;
  #over = false;

  /** @param giveUp ends the socket with an error, unless it is open or has ended. */
  constructor(
    private readonly url: ParsedUrl,
    private readonly target: Target,
    private readonly giveUp: (error: Error) => void,
  ) {}

  get request(): HandshakeRequest {
    this.#request ??= requestOf(
      this.url,
      this.target.options,
      () => this.#send?.(),
      (error) => this.#abort(error),
    );
    return this.#request;
  }

  /**
   * The request, to be finished by the user: with its end() it is sent, as it is then. handshakeTimeout begins now.
   *
   * @param send called once.
   * @param late called instead, when the time is over.
   */
  prepare(send: () => void, late: (failure: ConnectionFailure) => void): HandshakeRequest {
    const { request } = this;
    const { options } = this.target;
    const { handshakeTimeout: timeout } = options;
    const begun = now();
    if (timeout > 0) {
      this.#timer = setTimeout(() => {
        this.close();
        late(lateFailure(`the request was not finished within ${timeout} ms`));
      }, timeout);
    }
    this.#send = () => {
      if (this.#over) return;
      this.#send = undefined;
      clearTimeout(this.#timer);
      options.headers = request.lines();
      options.hostHeader = String(request.getHeader('host') ?? options.hostHeader);
      if (timeout > 0) {
        options.handshakeTimeout = Math.max(1, Math.ceil(timeout - (now() - begun)));
      }
      send();
    };
    request.offerSocket();
    return request;
  }

  #abort(error: Error | undefined): void {
    if (this.#refusal) {
      // As a ClientRequest that was answered: there is an error only for who gives one.
      this.#cutRefusal();
      if (error) this.giveUp(error);
    } else if (!this.#over) this.giveUp(error ?? cutOff('socket hang up'));
  }

  /** A response with status 101, whether it made the connection or is wrong. */
  upgraded(answer: Established | ConnectionFailure): HandshakeResponse {
    return responseOf(answer, this.request);
  }

  /** The response that refused it. */
  refused(failure: ConnectionFailure, body: RefusalBody | undefined): HandshakeResponse {
    this.#refusal = responseOf(failure, this.request, body);
    return this.#refusal;
  }

  /** The attempt is over, but for what is still read of a refusal. */
  close(): void {
    this.#over = true;
    this.#send = undefined;
    clearTimeout(this.#timer);
  }

  /** The user has given up. */
  drop(): void {
    this.close();
    this.#cutRefusal();
  }

  /** What has come whole comes to its end, as a ClientRequest has it: whoever reads it still gets it. */
  #cutRefusal(): void {
    if (this.#refusal?.complete) this.#refusal.resume();
    else this.#refusal?.destroy(cutOff('aborted'));
  }

  setRef(on: boolean): void {
    if (on) this.#timer?.ref();
    else this.#timer?.unref();
  }
}
