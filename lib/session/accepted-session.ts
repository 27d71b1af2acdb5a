/** The life of a socket whose connection is open already: a server's, or one over a stream. */
import { AsyncResource } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import type { Closed, ConnectionFailure } from '../addon/contract';
import { nextTick } from '../base/runtime';
import { attach, type SocketTerms } from '../sockets/attach';
import { EngineSocket } from '../sockets/engine-socket';
import { CLOSED_EARLY, WebSocketError } from './errors';
import { NO_REASON, OpenSession, type OpenSettings } from './open-session';
import { announce, type SocketFace } from './socket-face';
import type { TopicHub } from './topic-hub';

export class AcceptedSession extends OpenSession {
  readonly url = '';
  readonly origin = '';
  /** Of its server, if it has one. */
  topics: TopicHub | undefined = undefined;

  constructor(socket: SocketFace, open: OpenSettings) {
    super(socket, open, false);
  }

  override get publishedBytes(): number {
    return this.topics === undefined ? 0 : (this.connection?.publishedAmount ?? 0);
  }

  /** Takes over the socket: it is open. Returns a function that makes the context of its caller the socket's. */
  begin(socket: Duplex, head: Buffer, terms: SocketTerms): () => void {
    const enterContext = (): void => {
      this.scope = new AsyncResource('WebSocket');
      if (this.connection) this.connection.scope = this.scope;
    };
    const connection = attach(socket, head, terms, { handlers: this, scope: this.scope });
    if (connection === undefined) {
      nextTick(() => this.giveUp(new Error('the peer has closed the connection')));
      return enterContext;
    }
    this.protocol = terms.protocol;
    this.extensions = terms.extensions;
    this.connection = connection;
    if (!this.hasRef) connection.unref();
    const from = terms.ends ?? socket;
    this.enterOpen(connection, { stream: from instanceof EngineSocket ? from.ends : from });
    this.socket[announce]('open');
    return enterContext;
  }

  onCertificate(): void {
    // A client's.
  }

  onRedirect(): void {
    // A client's.
  }

  onEstablished(): void {
    // It is open from the beginning.
  }

  onFailure(failure: ConnectionFailure): void {
    this.onClosed(1006, { reason: NO_REASON, clean: false, detail: failure.detail });
  }

  onClosed(code: number, info: Closed): void {
    this.topics?.leave(this);
    const unsent = this.leave(info);
    const reason = info.reason.length > 0 ? Buffer.from(info.reason) : NO_REASON;
    this.ended(code, reason, info, unsent);
  }

  protected errorOf(failure: ConnectionFailure): Error {
    return new WebSocketError(failure, { url: '', host: '', protocols: false, extensions: false });
  }

  giveUp(error: Error): void {
    if (!this.abandon()) return;
    this.emitError(error);
    this.finish(1006, NO_REASON, false, error);
  }

  /** Without setSocket() there is nothing to be ended: ws does the same. */
  protected closeEarly(): void {
    this.giveUp(new Error(CLOSED_EARLY));
  }
}
