/**
 * Where we run. Bun and Deno load addons as Node.js does, and lack some of what is beside Node-API there; each of these
 * is refused at the call with ERR_FEATURE_UNAVAILABLE (docs/installing.md has the list).
 */

import { AsyncResource } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import * as timers from 'node:timers';
import type { TLSSocket } from 'node:tls';

/** "Node.js 24.1.0", "Bun 1.4.5", "Deno 2.9.6". */
export function runtimeName(): string {
  const { bun, deno, node } = process.versions as Record<string, string | undefined>;
  if (bun !== undefined) return `Bun ${bun}`;
  if (deno !== undefined) return `Deno ${deno}`;
  return `Node.js ${node}`;
}

/**
 * Whether what Node.js has beside Node-API can be had: libuv, and process._tickCallback(). Bun has both by name, but
 * most of libuv's functions end the process, and the other does nothing: looking for the names is not enough.
 */
export function isNode(): boolean {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  return bun === undefined && deno === undefined;
}

/** Why the engine cannot run on the event loop of where we are; undefined where it can. */
export function loopObstacle(): string | undefined {
  if (!isNode()) return `needs the event loop of Node.js, which ${runtimeName()} has not`;
  return undefined;
}

// What follows can be replaced by users: fake timers, as test runners install them, stop the clock of a program, but
// must not stop its sockets. So it is captured when the library is loaded, and used from here only.

export const { setImmediate, setTimeout, clearTimeout } = timers;

export const now: () => number = performance.now.bind(performance);

/** Gives a message its headers, as Node's parser does: names and values one after the other. */
export function fillHeaders(message: IncomingMessage, raw: string[]): void {
  // Undocumented, and there since Node 0.11: the parser calls it.
  const { _addHeaderLines: add } = message as {
    _addHeaderLines?: (raw: string[], n: number) => void;
  };
  if (isNode() && typeof add === 'function') {
    add.call(message, raw, raw.length);
    return;
  }
  // Before it has rawHeaders, of which Bun makes them when they are asked for first.
  const headers = message.headers as Record<string, string>;
  message.rawHeaders = raw;
  for (let i = 0; i < raw.length; i += 2) {
    const name = (raw[i] as string).toLowerCase();
    const value = raw[i + 1] as string;
    const before = Object.hasOwn(headers, name) ? headers[name] : undefined;
    headers[name] =
      before === undefined ? value : `${before}${name === 'cookie' ? '; ' : ', '}${value}`;
  }
}

/** Why no https server can be given connections that another one has accepted; undefined where it can. */
export function handingObstacle(): string | undefined {
  const { bun } = process.versions as Record<string, string | undefined>;
  return bun === undefined
    ? undefined
    : `needs https servers as Node.js has them, not ${runtimeName()}`;
}

/** The socket that TLS was put over, if there is one: Node's servers of TLS tell of theirs without it. */
export function wrappedSocket(socket: TLSSocket): Socket | undefined {
  // Undocumented, and there since Node 0.11.
  return (socket as TLSSocket & { _parent?: Socket })._parent;
}

/** Which test environments of a browser (jsdom) replace by theirs: Node's EventTarget dispatches none but Node's. */
export const NodeEvent: new (type: string) => InstanceType<typeof Event> = Event;

/** queueMicrotask() */
export const microtask: (callback: () => void) => void = globalThis.queueMicrotask;

/** Marks that the fake timers of sinon, jest and vitest leave on what they replace. */
function isFake(replaced: object): boolean {
  return 'clock' in replaced || '_isMockFunction' in replaced;
}

const settled = Promise.resolve();

/** Where process.nextTick() was replaced before the library was loaded: soon, too, and nobody replaces promises. */
function soon<A extends unknown[]>(callback: (...args: A) => void, ...args: A): void {
  settled
    .then(() => callback(...args))
    .catch((error: unknown) => {
      // An uncaught exception, as from process.nextTick(), and no rejection.
      setImmediate(() => {
        throw error;
      });
    });
}

/** process.nextTick() */
export const nextTick: <A extends unknown[]>(callback: (...args: A) => void, ...args: A) => void =
  isFake(process.nextTick) ? soon : process.nextTick.bind(process);

/** What a resource must have. */
const OWN_SYMBOLS: ReadonlySet<string | undefined> = new Set([
  'async_id_symbol',
  'trigger_async_id_symbol',
  'destroyed',
]);

/**
 * Takes from a resource the context that it was made in. The resource may outlive its socket: an Error that was made in
 * its scope holds it, as part of the stack, until the stack is read. Node.js has no function for it. What it puts into
 * a resource are symbols: `kResourceStore` for each store (before Node.js 24), `context_frame` for all of them (since).
 * Where there is neither, nothing happens.
 */
export function forgetContext(resource: AsyncResource): void {
  if (!isNode()) return;
  const members = resource as unknown as Record<symbol, unknown>;
  for (const symbol of Object.getOwnPropertySymbols(resource)) {
    if (!OWN_SYMBOLS.has(symbol.description)) members[symbol] = undefined;
  }
}

/** Calls a function without any context: what it makes to be called back holds none. */
export function withoutContext(run: () => void): void {
  const resource = new AsyncResource('WebSocketEngine');
  forgetContext(resource);
  resource.runInAsyncScope(run);
}
