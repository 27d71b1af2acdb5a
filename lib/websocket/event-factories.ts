/** From what `emit()` was given to the events that `addEventListener` listeners get. */
import { NodeEvent } from '../base/runtime';
import type { EventFactory } from './emitter';
import { ErrorEvent, MessageEvent, ReconnectingEvent, type ReconnectInfo } from '../session/events';

/** Those that need nothing of the socket; `message` and `close` do. */
export const EVENT_FACTORIES: ReadonlyMap<string, EventFactory> = new Map<string, EventFactory>([
  ['open', () => new NodeEvent('open')],
  ['drain', () => new NodeEvent('drain')],
  ['reconnected', () => new NodeEvent('reconnected')],
  ['ping', ([data]) => new MessageEvent('ping', { data })],
  ['pong', ([data]) => new MessageEvent('pong', { data })],
  [
    'error',
    ([error]) =>
      new ErrorEvent('error', { error, message: (error as Error | undefined)?.message ?? '' }),
  ],
  ['reconnecting', ([info]) => new ReconnectingEvent(info as ReconnectInfo)],
]);
