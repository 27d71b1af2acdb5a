// A message that is made once, on both faces of a server's socket.
import { prepare, WebSocketServer, type PreparedMessage, type WebSocket } from 'verawebsockets';
import WsSocket, { WebSocketServer as WsServer } from 'verawebsockets/ws';

const message: PreparedMessage = prepare('x', { compress: false });
const size: number = message.byteLength;
const server = new WebSocketServer({ noServer: true });
server.on('connection', (socket: WebSocket) => {
  const goOn: boolean = socket.send(message, (error) => error?.message);
  socket.publish('all', goOn ? message : prepare(Buffer.alloc(size)));
});
server.publish('all', message, { except: undefined });
server.broadcast(message, { filter: (socket) => socket.bufferedAmount === 0 });
new WsServer({ noServer: true }).on('connection', (socket: WsSocket) => socket.send(message));
// @ts-expect-error a Blob would have to be read first
prepare(new Blob([]));
// @ts-expect-error it is a message already
prepare(message);
