/** A client that pings for as long as it lives, as fast as its socket takes it. */
import type { Socket } from 'node:net';
import { ping } from '../../support/frames';

/** mask: of each frame. */
export function floodWithPings(socket: Socket, mask: Buffer): void {
  const pings = Buffer.concat(Array.from({ length: 1000 }, () => ping('x'.repeat(125), { mask })));
  const more = (): void => {
    while (!socket.destroyed && socket.write(pings));
  };
  socket.on('drain', more);
  more();
}
