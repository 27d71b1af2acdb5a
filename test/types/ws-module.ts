// Code written for npm ws's module and its types, client and server: it compiles against both packages, the import
// aside (a mocha test compiles it against `@types/ws`).
import WebSocket, { createWebSocketStream, WebSocketServer } from 'verawebsockets/ws';
import type { RawData, ServerOptions } from 'verawebsockets/ws';
import { Agent, createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const options: ServerOptions = {
  server: createServer(),
  path: '/chat',
  clientTracking: true,
  maxPayload: 1024,
  perMessageDeflate: { threshold: 10 },
  verifyClient: (info: { origin: string; secure: boolean; req: IncomingMessage }) => info.secure,
};
const server = new WebSocketServer(options, () => undefined);
const rooms = new Map<string, Set<WebSocket>>([['all', server.clients]]);

server.on('connection', (socket, request) => {
  const path: string | undefined = request.url;
  socket.on('message', (data: RawData, isBinary) => {
    for (const one of server.clients) {
      if (one !== socket && one.readyState === WebSocket.OPEN) one.send(data, { binary: isBinary });
    }
  });
  rooms.set(path ?? '', new Set([socket]));
});
server.on('headers', (headers, request) => void headers.push(`X-Path: ${request.url}`));
server.once('error', (error) => error.message);
server.on('wsClientError', (error, socket) => void socket.destroy(error));

declare const request: IncomingMessage;
declare const duplex: Duplex;
const noServer = new WebSocketServer({ noServer: true });
noServer.handleUpgrade(request, duplex, Buffer.alloc(0), (socket: WebSocket, from) => {
  noServer.emit('connection', socket, from);
});
noServer.close((error?: Error) => error);

class Mine extends WebSocket {
  alive = true;
}
const mine: WebSocket = new Mine('ws://localhost/', ['a'], { handshakeTimeout: 10 });
mine.onmessage = (event: WebSocket.MessageEvent) => event.data;
const stream: Duplex = createWebSocketStream(mine, { encoding: 'utf8' });
const other = new WebSocket('ws://localhost/');
const clientOptions: WebSocket.ClientOptions = { origin: 'https://app.example' };

// Classes and types by their names, and of one's own.
class Room extends WebSocketServer<typeof Mine> {
  broadcast(text: string): void {
    for (const client of this.clients) if (client.alive) client.send(text);
  }
}
const room = new Room({ noServer: true, WebSocket: Mine });
room.on('connection', function (socket: Mine, from: IncomingMessage) {
  socket.alive = from.headers.origin !== undefined && this.options.noServer === true;
});
room.handleUpgrade(request, duplex, Buffer.alloc(0), (socket) => {
  socket.alive = false;
  socket.binaryType = 'fragments';
});
const where: string | WebSocket.AddressInfo | null = room.address();
const path: string = room.path;
const sync: WebSocket.VerifyClientCallbackSync = ({ origin, req }) => origin === req.url;
const later: WebSocket.VerifyClientCallbackAsync<IncomingMessage> = (info, callback) =>
  callback(info.secure, 401, 'no', { 'X-Why': 'not secure' });
const guarded: WebSocket.ServerOptions<typeof WebSocket, typeof IncomingMessage> = {
  port: 0,
  handleProtocols: (protocols, from) => protocols.has(from.url ?? '') && 'chat',
  verifyClient: later,
};
const servers: WebSocketServer[] = [
  new WebSocketServer(guarded),
  new WebSocketServer<typeof WebSocket>({ port: 0, verifyClient: sync }),
];
const certificate: WebSocket.CertMeta = [Buffer.alloc(0)];
const deflate: WebSocket.PerMessageDeflateOptions = {
  zlibDeflateOptions: { level: 1, memLevel: 9, strategy: 0, windowBits: 15, chunkSize: 1024 },
  zlibInflateOptions: { chunkSize: 1024, level: 1 },
};
const map: Partial<WebSocket.WebSocketEventMap> = {};
// What http.request() takes is accepted, and what ws knows.
new WebSocket('ws://h', { timeout: 5, setHost: true, headers: { 'X-Many': ['a', 'b'] } });
new WebSocket('ws://h', ['a'], { generateMask: (mask) => mask.fill(0), host: 'x' });
new WebSocket('ws://h', { perMessageDeflate: deflate, agent: new Agent() });
new WebSocket(null);
// The class is an emitter's.
const opened: Promise<unknown[]> = WebSocket.once(mine, 'open');
const most: number = WebSocket.defaultMaxListeners + WebSocketServer.defaultMaxListeners;

void [stream, other, clientOptions, where, path, servers, certificate, map, opened, most];
