/** The server. */
export { WebSocketServer } from './websocket-server';
export type { Broker, BrokerStats } from './broker';
export type { VerifyInfo } from './options';
export type { DrainOptions, DrainResult } from './drain';
export type { ListenerAddress } from './listener';
export type { ServerStats } from './stats';
export type {
  ServerCloseMessage,
  ServerDrainedMessage,
  ServerDrainMessage,
  ServerOpenMessage,
  ServerRefusedMessage,
} from './diagnostics-messages';
export { listenFds, type ListenFd } from './listen-fds';
export type { MetricsOptions } from './metrics';
export type { RefusalReason } from './tally';
export type { ServerOptions, ServerTlsSettings } from './options';
export type { ServerDeflateOptions } from './deflate';
export type { UpgradeExtensions } from './handshake';
export type { Origins } from './origins';
export type { TrustedProxiesOption } from '../options/proxies';
