/**
 * `diagnostics_channel` events of every server of the process, for tracers and metrics, beside those of sockets
 * (session/diagnostics.ts). A channel without subscribers costs one check.
 *
 * | channel | published | message |
 * | --- | --- | --- |
 * | `verawebsockets:server:open` | a client was let in, before `connection` | {@link ServerOpenMessage} |
 * | `verawebsockets:server:close` | its socket has closed | {@link ServerCloseMessage} |
 * | `verawebsockets:server:refused` | a request is refused, before the answer | {@link ServerRefusedMessage} |
 * | `verawebsockets:server:drain` | drain() was called | {@link ServerDrainMessage} |
 * | `verawebsockets:server:drained` | it has resolved | {@link ServerDrainedMessage} |
 */
import { channel } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from '../websocket/websocket';
import type { DrainResult, DrainSettings } from './drain';
import type { RefusalReason } from './tally';
import type { WebSocketServer } from './websocket-server';

/** The channels; `hasSubscribers` before anything is made for them. */
export const channels = {
  open: channel('verawebsockets:server:open'),
  close: channel('verawebsockets:server:close'),
  refused: channel('verawebsockets:server:refused'),
  drain: channel('verawebsockets:server:drain'),
  drained: channel('verawebsockets:server:drained'),
};

export interface ServerOpenMessage {
  server: WebSocketServer;
  websocket: WebSocket;
  request: IncomingMessage;
}

export interface ServerCloseMessage {
  server: WebSocketServer;
  websocket: WebSocket;
  code: number;
  reason: string;
}

export interface ServerRefusedMessage {
  server: WebSocketServer;
  request: IncomingMessage;
  socket: Duplex;
  reason: RefusalReason;
  /** Of the answer; 0: there is none, since the client has gone. A listener of `wsClientError` may give another. */
  status: number;
}

export interface ServerDrainMessage extends DrainSettings {
  server: WebSocketServer;
  /** Open now. */
  connections: number;
}

export interface ServerDrainedMessage extends DrainResult {
  server: WebSocketServer;
}
