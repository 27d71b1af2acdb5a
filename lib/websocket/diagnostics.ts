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
 */
import { channel } from 'node:diagnostics_channel';
import type { ReconnectInfo } from './events';
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

/** The channels; `channels.open.hasSubscribers` before anything is made for them. */
export const channels = {
  open: channel('verawebsockets:open'),
  close: channel('verawebsockets:close'),
  error: channel('verawebsockets:error'),
  ping: channel('verawebsockets:ping'),
  pong: channel('verawebsockets:pong'),
  reconnecting: channel('verawebsockets:reconnecting'),
};
