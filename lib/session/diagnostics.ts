/**
 * `diagnostics_channel` events of every socket of the process, for tracers and metrics. A channel without
 * subscribers costs one check.
 *
 * | channel | published | message |
 * | --- | --- | --- |
 * | `verawebsockets:open` | after `readyState` became 1, before `open` | {@link OpenMessage} |
 * | `verawebsockets:close` | before `close` | {@link CloseMessage} |
 * | `verawebsockets:error` | before `error` | {@link ErrorMessage} |
 * | `verawebsockets:ping`, `verawebsockets:pong` | when one arrived, before the event | {@link PayloadMessage} |
 * | `verawebsockets:reconnecting` | before `reconnecting` | {@link ReconnectingMessage} |
 * | `verawebsockets:backpressure` | `send()` passes `highWaterMark`; once until `drain` | {@link BackpressureMessage} |
 * | `verawebsockets:dropped` | when a message is not sent for `sendLimit` | {@link DroppedMessage} |
 */
import { channel } from 'node:diagnostics_channel';

/** The channels; `channels.open.hasSubscribers` before anything is made for them. */
export const channels = {
  open: channel('verawebsockets:open'),
  close: channel('verawebsockets:close'),
  error: channel('verawebsockets:error'),
  ping: channel('verawebsockets:ping'),
  pong: channel('verawebsockets:pong'),
  reconnecting: channel('verawebsockets:reconnecting'),
  backpressure: channel('verawebsockets:backpressure'),
  dropped: channel('verawebsockets:dropped'),
};
