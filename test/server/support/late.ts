/** A client in the middle of its handshake with a server that drains. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Sends the rest of the request: it is accepted, and closed with 1001 at once. */
export async function finishAndBeClosed(socket: Socket, rest: string): Promise<void> {
  let answer = '';
  socket.on('data', (chunk: Buffer) => (answer += chunk.toString('latin1')));
  const end = once(socket, 'end');
  socket.write(rest);
  while (!answer.includes('\r\n\r\n')) await once(socket, 'data');
  assert.match(answer, /^HTTP\/1\.1 101 /);
  // A Close frame with 1001, masked.
  socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe9]));
  await end;
  assert.ok(answer.endsWith('\x88\x02\x03\xe9'), JSON.stringify(answer));
}
