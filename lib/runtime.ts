/**
 * Where we run. Bun and Deno load addons as Node.js does, and lack some of what is beside Node-API there; each of these
 * is refused at the call with ERR_FEATURE_UNAVAILABLE (docs/installing.md has the list).
 */

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
