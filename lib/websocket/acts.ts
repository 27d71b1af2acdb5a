/** What both faces of a socket do with its session. */
import type { OpenSession } from '../session/open-session';
import { checkCallback, type SendCallback } from '../session/outbox';
import { byteLength, toPayload } from '../session/payload';
import { PreparedMessage } from '../session/prepared';
import { notOpen } from '../session/errors';
import { nextTick } from '../base/runtime';
import * as state from '../session/ready-state';

/** Payload bytes of send() that have not been given to the system, or never will be. */
export function bufferedBytes(session: OpenSession): number {
  return session.waiting + session.publishedBytes + session.lateBytes;
}

/** Whether a drain event will follow. */
export function needsDrain({ readyState, outbox }: OpenSession): boolean {
  return readyState === state.OPEN && !outbox.isFlowing;
}

/** send() when the closing handshake has begun, or all is over: the bytes are counted, nothing is thrown. */
export function sendTooLate(
  session: OpenSession,
  data: unknown,
  callback: SendCallback | undefined,
): false {
  session.lateBytes +=
    data instanceof PreparedMessage ? data.byteLength : byteLength(toPayload(data));
  if (callback) nextTick(callback, notOpen(session.readyState));
  return false;
}

/** ping() and pong(). */
export function sendControl(
  session: OpenSession,
  kind: 'ping' | 'pong',
  args: readonly unknown[],
): void {
  let [data, mask, callback] = args;
  if (typeof data === 'function') [data, mask, callback] = [undefined, undefined, data];
  else if (typeof mask === 'function') [mask, callback] = [undefined, mask];
  const done = checkCallback(callback);
  if (session.readyState === state.CONNECTING) throw notOpen(state.CONNECTING);
  if (session.readyState !== state.OPEN) {
    sendTooLate(session, data, done);
    return;
  }
  const masked = mask !== false;
  if (kind === 'ping') session.ping(data, masked, done);
  else session.outbox.control('pong', data, masked, done);
}
