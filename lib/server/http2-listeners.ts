/** What a WebSocketServer listens for on an http2 server of Node's: WebSockets over HTTP/2, RFC 8441. */
import type { EventEmitter } from 'node:events';
import type {
  Http2SecureServer,
  Http2Server,
  Http2ServerRequest,
  Http2ServerResponse,
  IncomingHttpHeaders,
  ServerHttp2Stream,
} from 'node:http2';

export type Http2AnyServer = Http2Server | Http2SecureServer;

/** RFC 9113 §7: nothing has been done with the request. */
const REFUSED_STREAM = 0x7;

export function isHttp2(server: object): server is Http2AnyServer {
  return typeof (server as Partial<Http2AnyServer>).updateSettings === 'function';
}

function asksForWebSocket(headers: IncomingHttpHeaders): boolean {
  return headers[':method'] === 'CONNECT' && headers[':protocol'] === 'websocket';
}

/**
 * The listeners, by event. Clients are told from now on that they may ask (SETTINGS_ENABLE_CONNECT_PROTOCOL).
 *
 * @param take gets the streams that ask for a WebSocket.
 */
export function http2Listeners(
  server: Http2AnyServer,
  take: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
): [string, (...args: never[]) => void][] {
  server.updateSettings({ enableConnectProtocol: true });
  const isAlone = (event: string): boolean => (server as EventEmitter).listenerCount(event) === 1;
  return [
    [
      'stream',
      (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
        if (asksForWebSocket(headers)) take(stream, headers);
        // Without our listener Node would refuse it.
        else if (isAlone('stream')) {
          stream.on('error', () => undefined); // which close() makes of it
          stream.close(REFUSED_STREAM);
        }
      },
    ],
    [
      // Where `request` is listened for, Node answers CONNECT with 405 unless somebody listens for this.
      'connect',
      (request: Http2ServerRequest, response: Http2ServerResponse) => {
        if (asksForWebSocket(request.headers) || !isAlone('connect')) return;
        response.statusCode = 405;
        response.end();
      },
    ],
  ];
}
