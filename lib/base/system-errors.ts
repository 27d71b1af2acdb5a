/** Errors of the system, by their names. */
import { getSystemErrorMap } from 'node:util';

/** "connect ECONNREFUSED 127.0.0.1:1": what failed, and how. */
export const SYSTEM_CALL = /^([a-z]+) (E[A-Z0-9_]+)/;

/** libuv's number of an error; what the system's resolver says of a name that is none has another name in Node. */
export function errnoOf(name: string): number | undefined {
  const wanted = name === 'ENOTFOUND' ? 'EAI_NONAME' : name;
  for (const [number, [known]] of getSystemErrorMap()) if (known === wanted) return number;
  return undefined;
}
