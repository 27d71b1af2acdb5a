/** Resolving names by a function of the user's (the option `lookup`). */
import { isIP } from 'node:net';
import type { LookupFunction } from './connection-types';
import type { ConnectionFailure, ConnectOptions } from './contract';
import { nextTick } from '../base/runtime';

/** Whether the name is to be resolved on this machine at all: a proxy may do so, and addresses need not be. */
export function resolvesHere({ host, socketPath, proxy }: ConnectOptions): boolean {
  return (
    socketPath === undefined &&
    isIP(host) === 0 &&
    (proxy === undefined || proxy.resolveLocally === true)
  );
}

/** Numeric addresses of the family wanted, out of what the function has answered. */
function usableAddresses(answer: unknown, wanted: number): string[] {
  const entries = Array.isArray(answer) ? (answer as unknown[]) : [{ address: answer }];
  return entries
    .map((one) => (one as { address?: unknown } | null)?.address)
    .filter(
      (one): one is string =>
        typeof one === 'string' && isIP(one) !== 0 && (wanted === 0 || wanted === isIP(one)),
    );
}

function failureOf(
  error: NodeJS.ErrnoException,
  { host, family }: ConnectOptions,
): ConnectionFailure {
  return {
    code: error.code ?? 'ENOTFOUND',
    reason: family === 6 ? 'getaddrinfo (ipv6) failed' : 'getaddrinfo (ipv4) failed',
    detail: error.message,
    address: host,
    ...(error.code !== undefined && { errno: error.code }),
  };
}

/** Calls the function, and `done` once: later, even if the function calls back at once, answers twice or throws. */
export function lookUp(
  lookup: LookupFunction,
  options: ConnectOptions,
  done: (result: string[] | ConnectionFailure) => void,
): void {
  let answered = false;
  const finish = (error: NodeJS.ErrnoException | null, answer?: unknown): void => {
    if (answered) return;
    answered = true;
    const addresses = error ? [] : usableAddresses(answer, options.family);
    const failure =
      addresses.length > 0
        ? undefined
        : failureOf(
            error ?? new Error(`lookup of ${options.host} answered no usable address`),
            options,
          );
    nextTick(done, failure ?? addresses);
  };
  try {
    lookup(options.host, { all: true, family: options.family, hints: 0 }, finish);
  } catch (error) {
    finish(error instanceof Error ? error : new Error(String(error)));
  }
}
