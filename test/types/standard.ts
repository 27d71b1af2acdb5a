// The standard's face, and that code for a standard WebSocket accepts it.
import { CloseEvent, ErrorEvent, MessageEvent, StandardWebSocket } from 'verawebsockets';

/** What code for a standard WebSocket relies on, in the DOM's own words. */
interface Standard extends EventTarget {
  readonly url: string;
  readonly readyState: number;
  readonly bufferedAmount: number;
  readonly extensions: string;
  readonly protocol: string;
  binaryType: 'blob' | 'arraybuffer';
  close(code?: number, reason?: string): void;
  send(data: string | ArrayBufferLike | Blob | ArrayBufferView): void;
}

const socket = new StandardWebSocket('wss://h', ['a', 'b']);
const standard: Standard = socket;
const constructors: { new (url: string | URL, protocols?: string | string[]): Standard } =
  StandardWebSocket;
new StandardWebSocket(new URL('wss://h'), 'a', { baseUrl: 'https://h' });

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
void [standard, constructors, dispatched];
