/** A connection over a stream of JavaScript's: a TLS socket, an HTTP/2 stream, any Duplex of bytes. */
import type { Http2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Connection, ConnectionOwner, ConnectionStream } from '../addon/connection';
import type { Excess } from '../addon/contract';

/** RFC 9113 §7. */
const CANCEL = 0x8;

function isHttp2Stream(socket: Duplex): socket is Http2Stream {
  return typeof (socket as Partial<Http2Stream>).sendTrailers === 'function';
}

export class StreamLink implements ConnectionStream, ConnectionOwner {
  constructor(
    private readonly socket: Duplex,
    private readonly connection: Connection,
    private readonly owner: ConnectionOwner | undefined,
  ) {
    socket.on('data', (chunk: Buffer) => {
      if (!connection.feed(chunk)) socket.pause();
    });
    socket.on('end', () => connection.feedEnd());
    socket.on('error', (error: Error) => connection.feedEnd(error.message));
    socket.on('close', () => connection.feedEnd('the stream was closed'));
    connection.stream = this;
    connection.owner = this;
  }

  write(data: Buffer): void {
    this.socket.write(data, () => this.connection.took(data.length));
  }

  end(): void {
    this.socket.end();
  }

  resume(): void {
    this.socket.resume();
  }

  /** What has been written still goes out. */
  connectionEnded(excess?: Excess): void {
    this.owner?.connectionEnded(excess);
    const { socket } = this;
    if (socket.destroyed || socket.writableFinished || socket.writableLength === 0) {
      // RFC 8441 §5: to an HTTP/2 stream what a reset is to TCP.
      if (isHttp2Stream(socket) && !socket.writableEnded) socket.close(CANCEL);
      else socket.destroy();
      return;
    }
    socket.once('finish', () => socket.destroy());
    socket.end();
  }

  sendRefused(): void {
    this.owner?.sendRefused();
  }

  publicationsLost(messages: number): void {
    this.owner?.publicationsLost(messages);
  }
}
