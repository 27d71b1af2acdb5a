// The standard's face, and that code for a standard WebSocket accepts it.
import {
  CloseEvent,
  ErrorEvent,
  MessageEvent,
  StandardWebSocket,
  WebSocketStream,
  WebSocketStreamError,
} from 'verawebsockets';
import type { WebSocket as UndiciWebSocket } from 'undici';

const socket = new StandardWebSocket('wss://h', ['a', 'b']);

// The DOM's, and what undici and `@types/node` describe: the objects and the class.
const dom: globalThis.WebSocket = socket;
const domClass: typeof globalThis.WebSocket = StandardWebSocket;
const undici: UndiciWebSocket = socket;
const undiciClass: typeof UndiciWebSocket = StandardWebSocket;
void [dom, domClass, undici, undiciClass];

// Libraries that take a class of WebSockets: tRPC's wsLink ...
function createWSClient(options: { url: string; WebSocket?: typeof globalThis.WebSocket }): void {
  void options;
}
createWSClient({ url: 'ws://h', WebSocket: StandardWebSocket });

// ... y-websocket's provider ...
class WebsocketProvider {
  constructor(url: string, room: string, options: { WebSocketPolyfill?: typeof WebSocket }) {
    void [url, room, options];
  }
}
new WebsocketProvider('ws://h', 'room', { WebSocketPolyfill: StandardWebSocket });

// ... and supabase's realtime client, which describes what it needs.
interface WebSocketLike {
  readonly CONNECTING: number;
  readonly OPEN: number;
  readonly CLOSING: number;
  readonly CLOSED: number;
  readonly readyState: number;
  readonly url: string;
  readonly protocol: string;
  close(code?: number, reason?: string): void;
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void;
  onopen: ((this: unknown, ev: Event) => unknown) | null;
  onmessage: ((this: unknown, ev: globalThis.MessageEvent) => unknown) | null;
  onclose: ((this: unknown, ev: globalThis.CloseEvent) => unknown) | null;
  onerror: ((this: unknown, ev: Event) => unknown) | null;
  addEventListener(type: string, listener: EventListener): void;
  removeEventListener(type: string, listener: EventListener): void;
  binaryType?: string;
  bufferedAmount?: number;
  extensions?: string;
  dispatchEvent?: (event: Event) => boolean;
}
interface WebSocketLikeConstructor {
  new (address: string | URL, subprotocols?: string | string[] | undefined): WebSocketLike;
  [key: string]: unknown;
}
const transport: WebSocketLikeConstructor = StandardWebSocket as typeof StandardWebSocket &
  Record<string, unknown>;
const like: new (address: string | URL, subprotocols?: string | string[]) => WebSocketLike =
  StandardWebSocket;
void [transport, like];

// Handlers that are written for the DOM's events.
socket.onopen = (event: Event) => event.type;
socket.onmessage = (event: globalThis.MessageEvent) => event.data;
socket.onmessage = (event: globalThis.MessageEvent<string>) => event.data.length;
socket.onclose = (event: globalThis.CloseEvent) => event.code + event.reason.length;
socket.onerror = (event: Event) => event.type;
socket.onerror = ({ error, message }) => [error, message];
socket.onerror = null;
socket.addEventListener('message', (event: globalThis.MessageEvent) => event.data);
socket.addEventListener('error', (event: Event) => event.type);
socket.addEventListener('close', (event: globalThis.CloseEvent) => event.wasClean);

const nothing: void = socket.send('x');
const waits: boolean = socket.writableNeedDrain;
void [nothing, waits];
// @ts-expect-error an EventTarget, and no emitter
socket.on('message', () => undefined);

const { reconnect } = { reconnect: true };
new StandardWebSocket(new URL('wss://h'), 'a', { baseUrl: 'https://h', reconnect });
// @ts-expect-error not an option
new StandardWebSocket('ws://h', { noSuchOption: true });

socket.binaryType = 'blob';
socket.binaryType = 'arraybuffer';
// @ts-expect-error only the standard's two
socket.binaryType = 'nodebuffer';
socket.onmessage = (event) => {
  const data: unknown = event.data;
  const origin: string = event.origin + event.lastEventId;
  void [data, origin, event.ports.length, event.source];
};
socket.addEventListener('message', (event) => void event.data, {
  once: true,
  signal: AbortSignal.timeout(5),
});
socket.addEventListener(
  'close',
  ({ code, reason, wasClean }) => void [code + 1, reason.length, wasClean],
);
socket.addEventListener('custom', (event: Event) => event.type);
socket.addEventListener('open', null);
socket.removeEventListener('open', null);
const dispatched: boolean = socket.dispatchEvent(new Event('x'));
new MessageEvent('message', { data: 1, origin: 'x' });
new CloseEvent('close', { code: 1000, reason: '', wasClean: true });
new ErrorEvent('error', { error: new Error('x'), message: 'x' });
void dispatched;

// Web streams.
async function streams(): Promise<void> {
  const stream = new WebSocketStream('wss://h', {
    protocols: ['chat'],
    signal: AbortSignal.timeout(1000),
    headers: { a: 'b' },
  });
  const { readable, writable, protocol, extensions } = await stream.opened;
  const writer = writable.getWriter();
  await writer.write(protocol + extensions);
  await writer.write(new Uint8Array(1));
  for await (const chunk of readable) {
    const size: number = typeof chunk === 'string' ? chunk.length : chunk.byteLength;
    void size;
  }
  await writer.abort(new WebSocketStreamError('words', { closeCode: 4000, reason: 'why' }));
  stream.close({ closeCode: 1000 });
  const { closeCode, reason } = await stream.closed;
  void [closeCode + 1, reason.length, stream.url.length];
  // @ts-expect-error its streams end with the connection
  new WebSocketStream('wss://h', { reconnect: true });
}
void streams;
