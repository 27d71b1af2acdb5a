/**
 * `diagnostics_channel` events of every server of the process, for tracers and metrics, beside those of sockets
 * (session/diagnostics.ts). A channel without subscribers costs one check.
 *
 * | channel | published | message |
 * | --- | --- | --- |
 * | `verawebsockets:server:open` | a client was let in, before `connection` | `ServerOpenMessage` |
 * | `verawebsockets:server:close` | its socket has closed | `ServerCloseMessage` |
 * | `verawebsockets:server:refused` | a request is refused, before the answer | `ServerRefusedMessage` |
 * | `verawebsockets:server:drain` | drain() was called | `ServerDrainMessage` |
 * | `verawebsockets:server:drained` | it has resolved | `ServerDrainedMessage` |
 */
import { channel } from 'node:diagnostics_channel';

/** The channels; `hasSubscribers` before anything is made for them. */
export const channels = {
  open: channel('verawebsockets:server:open'),
  close: channel('verawebsockets:server:close'),
  refused: channel('verawebsockets:server:refused'),
  drain: channel('verawebsockets:server:drain'),
  drained: channel('verawebsockets:server:drained'),
};
