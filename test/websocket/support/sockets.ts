/** Waiting for sockets, and sockets that are gone when the test is over. */
import { once } from 'node:events';
import type { WsServer, WsSocket } from '../../support/ws-server';
import { type ClientOptions, StandardWebSocket, WebSocket } from '../../../lib';

/** A socket of either face. */
type AnySocket = WebSocket | StandardWebSocket;

const opened: AnySocket[] = [];

/** Makes a socket that {@link endSockets} ends. */
export function track<S extends AnySocket>(socket: S): S {
  opened.push(socket);
  return socket;
}

/** A new socket that {@link endSockets} ends. */
export function open(url: string, options?: ClientOptions): WebSocket;
export function open(url: string, protocols: string | string[], options?: ClientOptions): WebSocket;
export function open(
  url: string,
  protocols?: string | string[] | ClientOptions,
  options?: ClientOptions,
): WebSocket {
  return track(new WebSocket(url, protocols as string, options));
}

/** Resolves when the socket is open; rejects with its error. */
export async function opening<S extends AnySocket>(socket: S): Promise<S> {
  await once(socket, 'open');
  return socket;
}

/** An open socket and the server's end of it. */
export async function pair(
  server: WsServer,
  options?: ClientOptions,
): Promise<[WebSocket, WsSocket]> {
  const connection = once(server.wss, 'connection') as Promise<[WsSocket]>;
  const socket = await opening(open(server.url, options));
  return [socket, (await connection)[0]];
}

/** The next message as [data, isBinary]. */
export async function message(socket: WebSocket): Promise<[data: Buffer, isBinary: boolean]> {
  return (await once(socket, 'message')) as [Buffer, boolean];
}

/** The code and the reason of the socket's end; an `error` before it is no failure. */
export function closed(
  socket: AnySocket,
): Promise<{ code: number; reason: string; errors: Error[] }> {
  const errors: Error[] = [];
  return new Promise((resolve) => {
    if (socket instanceof StandardWebSocket) {
      socket.addEventListener('error', ({ error }) => errors.push(error as Error));
      socket.addEventListener('close', ({ code, reason }) => resolve({ code, reason, errors }));
      return;
    }
    socket.on('error', (error) => errors.push(error));
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString(), errors }));
  });
}

/** The error that ends a socket; rejects if it closes without. */
export async function failure(socket: WebSocket): Promise<Error & { code?: string }> {
  const { errors, code } = await closed(socket);
  if (!errors[0]) throw new Error(`closed with ${code} and no error`);
  return errors[0];
}

/** Ends every socket of the test, and waits until they are gone. For `afterEach`. */
export async function endSockets(): Promise<void> {
  await Promise.all(
    opened.splice(0).map((socket) => {
      if (socket.readyState === WebSocket.CLOSED) return undefined;
      const end = closed(socket);
      socket.terminate();
      return end;
    }),
  );
}

/** Everything a socket emits, as it comes. */
export function record(socket: WebSocket, names: readonly string[]): string[] {
  const seen: string[] = [];
  for (const name of names) socket.on(name, () => seen.push(`${name} ${socket.readyState}`));
  return seen;
}

/** Resolves when the condition holds; looked at in each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

/** The next uncaught exception, kept from the test runner. */
export async function uncaught(): Promise<Error & { code?: string }> {
  const listeners = process.listeners('uncaughtException');
  process.removeAllListeners('uncaughtException');
  try {
    return await new Promise((resolve) => process.once('uncaughtException', resolve));
  } finally {
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
}
