/** What the server's methods take, and what it uses of whatever listens for it. */
import type { EventEmitter } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { PublishOptions } from '../session/types';
import type { WebSocket } from '../websocket/websocket';
import type { ListenerAddress } from './listener';

/** Options of {@link WebSocketServer.publish}. */
export interface ServerPublishOptions extends PublishOptions {
  /** A socket that does not get it. */
  except?: WebSocket | undefined;
}

/** Options of {@link WebSocketServer.broadcast}. */
export interface BroadcastOptions extends ServerPublishOptions {
  /** Which sockets get it. Default: all. */
  filter?: ((socket: WebSocket) => boolean) | undefined;
}

export type ConnectionCallback = (socket: WebSocket, request: IncomingMessage) => void;

export interface Listening extends EventEmitter {
  address(): ListenerAddress | null;
  close(callback?: (error?: Error) => void): unknown;
}
