/** The options of the WebSocket classes, as users give them. */
import type { ClientOptionsOf } from '../client/types';
import type { WebSocket } from './websocket';

export type { ExtraOptions, ReconnectOptions } from '../client/types';
export type { BinaryType, PerMessageDeflateOptions, Sendable, SendOptions } from '../session/types';

/** Options of ws's client, the ones that are honoured. */
export type ClientOptions = ClientOptionsOf<WebSocket>;
