/** The ways in which a WebSocket comes to the bytes of a connection that is open already. */
import type { Duplex } from 'node:stream';
import { Connection, type ConnectionHandlers, type ConnectionOwner } from '../addon/connection';
import { environment } from '../addon/environment';
import type { AsyncResource } from 'node:async_hooks';
import type { AcceptOptions, Excess } from '../addon/contract';
import { EngineSocket } from './engine-socket';
import { StreamLink } from './stream-link';
import { takeOver, type Takeover } from './takeover';

/** What is known of a connection when its opening handshake has been done. */
export interface SocketTerms {
  /** The answer to the handshake, which is not written yet; ''. */
  greeting: string;
  protocol: string;
  /** The Sec-WebSocket-Extensions value in force. */
  extensions: string;
  /** What tells the ends of the connection, if not the socket itself: an HTTP/2 stream knows none. */
  ends?: Duplex | undefined;
  /** Is told of the connection, if the socket is not the engine's own: that one's listener knows it. */
  owner?: ConnectionOwner | undefined;
  options: AcceptOptions;
}

/** Who gets the connection's events, and in which context. */
export interface Owner {
  handlers: ConnectionHandlers;
  scope: AsyncResource;
}

/**
 * Takes over a socket: the engine's own, one of Node's whose descriptor can be taken, or, of any other, the stream.
 *
 * @returns undefined if its peer is gone.
 */
export function attach(
  socket: Duplex,
  head: Buffer,
  terms: SocketTerms,
  owner: Owner,
): Connection | undefined {
  if (socket instanceof EngineSocket) {
    const connection = socket.handOver();
    connection?.accept(terms.greeting, terms.options, owner.handlers, owner.scope);
    return connection;
  }
  const { setTimeout, setNoDelay } = socket as Partial<
    Record<'setTimeout' | 'setNoDelay', (value?: number) => void>
  >;
  setTimeout?.call(socket, 0);
  setNoDelay?.call(socket);
  const connection = new Connection(environment().dispatcher, owner.handlers, owner.scope);
  const taken = takeOver(socket, head);
  if (!taken || !adoptDescriptor(connection, socket, taken, terms)) {
    if (terms.greeting !== '') socket.write(terms.greeting, 'latin1');
    connection.adopt(terms.options, (addon) =>
      addon.adoptStream(taken?.head ?? head, terms.options),
    );
    new StreamLink(socket, connection, terms.owner);
  }
  return connection;
}

class TakenSocket implements ConnectionOwner {
  constructor(
    private readonly socket: Duplex,
    private readonly owner: ConnectionOwner | undefined,
  ) {}

  connectionEnded(excess?: Excess): void {
    this.owner?.connectionEnded(excess);
    this.socket.destroy();
  }

  sendRefused(): void {
    this.owner?.sendRefused();
  }

  publicationsLost(messages: number): void {
    this.owner?.publicationsLost(messages);
  }
}

/** False if the system has no descriptor for it. */
function adoptDescriptor(
  connection: Connection,
  socket: Duplex,
  { fd, head }: Takeover,
  { greeting, options, owner }: SocketTerms,
): boolean {
  try {
    connection.adopt(options, (addon) => addon.adopt(fd, greeting, head, options));
  } catch {
    return false;
  }
  // Node's own socket stays until the connection has ended: its server counts it.
  connection.owner = new TakenSocket(socket, owner);
  socket.on('close', () => connection.terminate());
  socket.on('error', () => socket.destroy());
  return true;
}
