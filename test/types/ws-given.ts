// What is of this library's can be given to code that was written, and typed, for ws: values, classes and options.
import Ours, {
  createWebSocketStream as ourStream,
  WebSocketServer as OurServer,
} from 'verawebsockets/ws';
import type {
  ClientOptions as OurClientOptions,
  CloseEvent as OurCloseEvent,
  ErrorEvent as OurErrorEvent,
  MessageEvent as OurMessageEvent,
  PerMessageDeflateOptions as OurDeflateOptions,
  RawData as OurRawData,
  ServerOptions as OurServerOptions,
} from 'verawebsockets/ws';
import { WebSocket as MainClass } from 'verawebsockets';
import type * as ws from 'ws';
import { createServer, type ClientRequest, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

// ---- The socket

const socket = new Ours('ws://h');
const given: ws.WebSocket = socket;
const sockets = new Map<string, ws.WebSocket>([['a', socket]]);
const set: Set<ws.WebSocket> = new Set<ws.WebSocket>([socket]);

// Of the package's own class, too.
const main: ws.WebSocket = new MainClass('ws://h');

declare function greet(socket: ws.WebSocket, request: IncomingMessage): void;
declare function streamOf(socket: ws.WebSocket): Duplex;
greet(socket, null as never);
streamOf(socket);
function heartbeat(this: ws.WebSocket): void {
  this.ping();
}
socket.on('pong', heartbeat);
socket.on('message', function (this: ws.WebSocket, data: ws.RawData, isBinary: boolean) {
  this.send(data, { binary: isBinary });
});
socket.on('close', (code: number, reason: Buffer) => void [code, reason]);

// Handlers that are typed with ws's events.
socket.onopen = (event: ws.Event) => event.target.send('x');
socket.onmessage = (event: ws.MessageEvent) => event.target.send(event.data);
socket.onclose = (event: ws.CloseEvent) => event.reason;
socket.onerror = (event: ws.ErrorEvent) => event.message;
socket.addEventListener('open', (event: ws.Event) => event.target);
socket.addEventListener('message', (event: ws.MessageEvent) => event.data);
socket.addEventListener('close', (event: ws.CloseEvent) => event.code);
socket.addEventListener('error', (event: ws.ErrorEvent) => event.error);
declare const events: [OurMessageEvent, OurCloseEvent, OurErrorEvent];
const theirEvents: [ws.MessageEvent, ws.CloseEvent, ws.ErrorEvent] = events;
const raw: ws.RawData = null as never as OurRawData;
const back: OurRawData = null as never as ws.RawData;

// ---- The class

const Class: typeof ws.WebSocket = Ours;
const made: ws.WebSocket = new Class('ws://h', ['a']);
interface LinkOptions {
  webSocketImpl: typeof ws.WebSocket;
}
const link: LinkOptions = { webSocketImpl: Ours };

// ---- The server

const server = new OurServer({ noServer: true });
const theirServer: ws.WebSocketServer = server;
const theirClass: typeof ws.WebSocketServer = OurServer;
const path: string = server.path;
declare function serve(options: { server: ws.WebSocketServer }): void;
declare function serveClass(options: { server: ws.Server }): void;
serve({ server });
serveClass({ server });
server.on('connection', (one: ws.WebSocket, request: IncomingMessage) => greet(one, request));
server.handleUpgrade(null as never, null as never, Buffer.alloc(0), (one: ws.WebSocket, from) => {
  server.emit('connection', one, from);
});
server.on('connection', greet);
// @types/ws does not declare it.
class Late extends OurServer {
  override completeUpgrade(...args: Parameters<OurServer['completeUpgrade']>): void {
    setImmediate(() => super.completeUpgrade(...args));
  }
}
const late: ws.WebSocketServer = new Late({ noServer: true });
for (const one of server.clients) greet(one, null as never);
const clients: Set<ws.WebSocket> = theirServer.clients;

// ---- Options, both ways

declare const clientOptions: ws.ClientOptions;
declare const serverOptions: ws.ServerOptions;
declare const deflateOptions: ws.PerMessageDeflateOptions;
new Ours('ws://h', clientOptions);
new Ours('ws://h', [], clientOptions);
new OurServer(serverOptions);
const ourClientOptions: OurClientOptions = clientOptions;
const ourDeflateOptions: OurDeflateOptions = deflateOptions;
new Ours('ws://h', { perMessageDeflate: deflateOptions });
const wide: ws.ServerOptions = { port: 0, server: createServer(), WebSocket: Ours };
const verify: ws.VerifyClientCallbackSync = (info) => info.secure;
const verifyLater: ws.VerifyClientCallbackAsync = (info, callback) => callback(info.secure, 403);
new OurServer({ noServer: true, verifyClient: verify });
new OurServer({ noServer: true, verifyClient: verifyLater });
const finish: ws.FinishRequestCallback = (request, websocket) => {
  request.setHeader('x', websocket.url);
  request.end();
};
new Ours('ws://h', { finishRequest: finish });

// finishRequest() is typed with what a socket of either module has; one typed with all of this library's is taken, too.
const ourFinish: Ours.FinishRequestCallback = (request, websocket) => {
  request.setHeader('x', websocket.url);
  websocket.once('close', () => request.destroy());
};
const theirFinish: ws.FinishRequestCallback = ourFinish;
const backFinish: Ours.FinishRequestCallback = finish;
const wholeFinish: OurClientOptions = {
  finishRequest: (request: ClientRequest, websocket: Ours) =>
    request.end(String(websocket.stats.framesSent)),
};
new MainClass('ws://h', { finishRequest: (_request, websocket) => void websocket.stats });
declare const ourOptions: [OurClientOptions, OurServerOptions, OurDeflateOptions];
const theirOptions: [ws.ClientOptions, ws.ServerOptions, ws.PerMessageDeflateOptions] = ourOptions;
new Ours('ws://h', { ...clientOptions, heartbeat: { interval: 1000 } });

// ---- Libraries that describe what they take by ws's types: graphql-ws's useServer ...
interface Extra {
  readonly socket: ws.WebSocket;
  readonly request: IncomingMessage;
}
declare function useServer(
  options: { onConnect?: (context: { extra: Extra }) => boolean },
  ws: ws.Server,
  keepAlive?: number,
): { dispose(): Promise<void> };
useServer({ onConnect: ({ extra }) => extra.socket.readyState === Ours.OPEN }, server);

// ... tRPC's handler ...
interface ContextOptions {
  req: IncomingMessage;
  res: ws.WebSocket;
}
declare function applyWSSHandler(options: {
  wss: ws.WebSocketServer;
  createContext?: (options: ContextOptions) => unknown;
  keepAlive?: { enabled: boolean; pingMs?: number };
}): { broadcastReconnectNotification(): void };
applyWSSHandler({ wss: server, createContext: ({ res }) => res.url });

// ... y-websocket's server, and a Fastify or Express plug-in that names the socket's class.
declare function setupWSConnection(conn: ws.WebSocket, req: IncomingMessage): void;
server.on('connection', setupWSConnection);
interface PluginOptions {
  options?: ws.ServerOptions;
  handle(socket: ws.WebSocket, request: IncomingMessage): void | Promise<void>;
}
const plugin: PluginOptions = { options: ourOptions[1], handle: (one) => one.terminate() };
plugin.handle(socket, null as never);

// ---- The stream

const makeStream: typeof ws.createWebSocketStream = ourStream;
const stream: Duplex = ourStream(given, { encoding: 'utf8' });

void [
  main,
  theirOptions,
  given,
  sockets,
  set,
  theirEvents,
  raw,
  back,
  made,
  link,
  theirClass,
  late,
  path,
  clients,
  theirFinish,
  backFinish,
  wholeFinish,
];
void [ourClientOptions, ourDeflateOptions, wide, makeStream, stream];
