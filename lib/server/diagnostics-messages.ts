/** What the channels of diagnostics.ts publish. Types only. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from '../websocket/websocket';
import type { DrainResult, DrainSettings } from './drain';
import type { RefusalReason } from './tally';
import type { WebSocketServer } from './websocket-server';

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
