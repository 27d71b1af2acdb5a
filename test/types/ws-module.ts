// Code written for npm ws's module and its types, client and server: it compiles against both packages, the import
// aside (a mocha test compiles it against `@types/ws`).
import WebSocket, { createWebSocketStream, WebSocketServer } from 'verawebsockets/ws';
import type { RawData, ServerOptions } from 'verawebsockets/ws';
import { createServer, type IncomingMessage } from 'node:http';
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

void [stream, other, clientOptions];
