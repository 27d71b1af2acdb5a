/** What the channels of `diagnostics_channel` publish; see session/diagnostics.ts. */
import type { ReconnectInfo } from '../session/events';
import type { WebSocket } from './websocket';

export interface OpenMessage {
  websocket: WebSocket;
  url: string;
  /** The address connected to: numeric, or the path of a unix socket. */
  address: string;
  protocol: string;
  extensions: string;
}

export interface CloseMessage {
  websocket: WebSocket;
  code: number;
  reason: string;
  wasClean: boolean;
}

export interface ErrorMessage {
  websocket: WebSocket;
  error: Error;
}

export interface PayloadMessage {
  websocket: WebSocket;
  payload: Buffer;
}

export interface ReconnectingMessage {
  websocket: WebSocket;
  info: ReconnectInfo;
}

export interface BackpressureMessage {
  websocket: WebSocket;
  /** Payload bytes that wait, those just sent among them. */
  bufferedAmount: number;
}

export interface DroppedMessage {
  websocket: WebSocket;
  reason: 'send_limit';
  /** Payload bytes that wait, without those that were not taken. */
  bufferedAmount: number;
}
