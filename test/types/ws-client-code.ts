// Code written for npm ws's client and its types: it compiles against both packages, the import aside (a mocha test
// compiles it against `@types/ws`). It has every member that docs/migrating-from-ws.md calls the same.
import { createWebSocketStream, WebSocket } from 'verawebsockets';
import { Agent } from 'node:http';
import { connect } from 'node:net';
import type { Duplex } from 'node:stream';

declare const pem: Buffer;

const options: WebSocket.ClientOptions = {
  followRedirects: true,
  maxRedirects: 3,
  handshakeTimeout: 5000,
  perMessageDeflate: {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    serverMaxWindowBits: 10,
    clientMaxWindowBits: 10,
    zlibDeflateOptions: { level: 3, memLevel: 7, chunkSize: 1024 },
    zlibInflateOptions: { chunkSize: 10 * 1024 },
    threshold: 1024,
    concurrencyLimit: 10,
  },
  localAddress: '127.0.0.1',
  protocolVersion: 13,
  headers: { 'X-Header': 'value' },
  origin: 'https://app.example',
  family: 4,
  rejectUnauthorized: false,
  allowSynchronousEvents: false,
  autoPong: false,
  maxPayload: 1024,
  maxBufferedChunks: 1024,
  maxFragments: 1024,
  skipUTF8Validation: true,
  ca: [pem],
  cert: pem,
  key: [pem],
  passphrase: 'secret',
  pfx: pem,
  ciphers: 'HIGH',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.3',
  agent: new Agent({ keepAlive: true }),
  createConnection: connect,
  secureProtocol: 'TLS_method',
  secureOptions: 0,
  ecdhCurve: 'auto',
  sigalgs: 'ECDSA+SHA256',
  crl: [pem],
  clientCertEngine: 'engine',
  privateKeyEngine: 'engine',
  privateKeyIdentifier: 'key',
  finishRequest(request, websocket) {
    request.setHeader('X-Late', '1');
    const name: string = websocket.url;
    request.end();
    void name;
  },
};
const deflate: WebSocket.PerMessageDeflateOptions = { threshold: 1 };

new WebSocket('ws://h');
new WebSocket(new URL('ws://h'), options);
new WebSocket('ws://h', 'protocol');
new WebSocket('ws://h', ['a', 'b'], { ...options, perMessageDeflate: deflate });
const ws = new WebSocket('ws://h', undefined, { perMessageDeflate: false });

const states: [0, 1, 2, 3] = [
  WebSocket.CONNECTING,
  WebSocket.OPEN,
  WebSocket.CLOSING,
  WebSocket.CLOSED,
];
const ownStates: [0, 1, 2, 3] = [ws.CONNECTING, ws.OPEN, ws.CLOSING, ws.CLOSED];
const state: 0 | 1 | 2 | 3 = ws.readyState;
if (ws.readyState === WebSocket.OPEN) ws.send('x');
switch (ws.readyState) {
  case WebSocket.CONNECTING:
  case WebSocket.OPEN:
  case WebSocket.CLOSING:
  case WebSocket.CLOSED:
    break;
}

const amount: number = ws.bufferedAmount;
const text: string = ws.extensions + ws.protocol + ws.url;
const paused: boolean = ws.isPaused;
ws.binaryType = 'arraybuffer';
ws.binaryType = 'fragments';
ws.binaryType = 'nodebuffer';

ws.send('text');
ws.send(Buffer.alloc(1), (error) => error?.message);
ws.send(new Uint8Array(1), { binary: true, compress: true, fin: false, mask: true });
ws.send(new ArrayBuffer(1), { binary: true }, (error?: Error) => void error);
ws.send(new DataView(new ArrayBuffer(1)));
ws.send([1, 2, 3]);
ws.send(42);
ws.ping();
ws.ping('data', true, (error) => error.message);
ws.ping(Buffer.alloc(1));
ws.pong();
ws.pong('data', false, (error: Error) => void error);
ws.pause();
ws.resume();
ws.close();
ws.close(1000);
ws.close(1000, 'reason');
ws.close(1000, Buffer.from('reason'));
ws.terminate();

ws.onopen = (event) => event.target.send('x');
ws.onmessage = (event: WebSocket.MessageEvent) => {
  const data: WebSocket.Data = event.data;
  if (typeof data === 'string') data.toUpperCase();
  else if (Buffer.isBuffer(data)) data.readUInt8();
  else if (Array.isArray(data)) Buffer.concat(data);
  else new Uint8Array(data);
  event.target.close();
};
ws.onclose = ({ code, reason, wasClean, type, target }: WebSocket.CloseEvent) => {
  const all: [number, string, boolean, string, WebSocket] = [code, reason, wasClean, type, target];
  void all;
};
ws.onerror = ({ error, message }: WebSocket.ErrorEvent) =>
  console.error(error.code, message.length);
ws.onopen = null;
ws.onmessage = null;
ws.onclose = null;
ws.onerror = null;

const onMessage = (event: WebSocket.MessageEvent): void => void event.data;
ws.addEventListener('message', onMessage);
ws.addEventListener('message', onMessage, { once: true });
ws.removeEventListener('message', onMessage);
ws.addEventListener('open', (event) => event.target.send('x'));
ws.addEventListener('close', { handleEvent: (event) => void (event.code + event.reason.length) });
ws.addEventListener('error', (event: WebSocket.ErrorEvent) => event.message);

ws.on('open', function () {
  this.send('x');
});
ws.on('message', (data: WebSocket.RawData, isBinary: boolean) => {
  if (!isBinary) data.toString().trim();
  else if (Buffer.isBuffer(data)) data.readUInt8();
});
ws.on('message', (data, isBinary) => {
  const flag: boolean = isBinary;
  const line: string = data.toString();
  void [flag, line];
});
ws.on('close', (code, reason) => code + reason.length);
ws.on('error', (error) => error.message);
ws.on('ping', (data) => ws.pong(data));
ws.on('pong', (data: Buffer) => data.length);
ws.on('upgrade', (response) => response.headers['set-cookie']);
ws.on('unexpected-response', (request, response) => {
  if (response.statusCode === 401) request.destroy();
  response.on('data', (chunk: Buffer) => chunk.length);
});
ws.on('redirect', (url, request) => {
  if (url.startsWith('wss:')) request.removeHeader('authorization');
});
ws.once('open', () => undefined)
  .once('message', (data) => data.toString())
  .on('anything', (...args: unknown[]) => args.length)
  .off('open', () => undefined)
  .addListener('close', (code, reason) => code + reason.length)
  .prependListener('message', (data: WebSocket.RawData) => data)
  .prependOnceListener('open', () => undefined)
  .removeListener('close', () => undefined);
ws.emit('message', Buffer.from('x'), false);
const count: number = ws.listenerCount('message');
const names: (string | symbol)[] = ws.eventNames();
const most: number = ws.getMaxListeners() + ws.rawListeners('open').length;
const opening = ws.listeners('open').length;
const onOpen = (event: WebSocket.Event): void => event.target.close();
const onError = (event: WebSocket.WebSocketEventMap['error']): string => event.message;
const once: WebSocket.EventListenerOptions = { once: true };
ws.addEventListener('open', onOpen, once);
ws.addEventListener('error', onError);
const finish: WebSocket.FinishRequestCallback = (request, websocket) => {
  if (websocket.readyState === WebSocket.CONNECTING) request.end();
};
new WebSocket('wss://h', {
  finishRequest: finish,
  checkServerIdentity: (servername, cert) => servername.length > 0 && cert !== undefined,
});
ws.send(new SharedArrayBuffer(1));
ws.send(new Blob(['x']), (error) => error?.message);
ws.send(null as never);
ws.setMaxListeners(20).removeAllListeners('message').removeAllListeners();

class Client extends WebSocket {
  isAlive = true;
  constructor(url: string) {
    super(url, { handshakeTimeout: 1 });
    this.on('pong', () => (this.isAlive = true));
  }
}
const clients: WebSocket[] = [new Client('ws://h')];
const map = new Map<string, WebSocket>([['x', ws]]);
const stream: Duplex = createWebSocketStream(ws, { encoding: 'utf8', highWaterMark: 1 });
void [
  opening,
  most,
  states,
  ownStates,
  state,
  amount,
  text,
  paused,
  count,
  names,
  clients,
  map,
  stream,
];
