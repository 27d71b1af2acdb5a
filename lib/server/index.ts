/** The server. */
export { WebSocketServer, type VerifyInfo } from './websocket-server';
export type { ListenerAddress, ListenerStats } from './engine-listener';
export type { ServerOptions, ServerTlsSettings } from './options';
export type { ServerDeflateOptions } from './deflate';
