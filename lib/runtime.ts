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
 * Whether libuv can be had. Bun has symbols of its name, most of which end the process when they are called, so
 * looking for them is not enough.
 */
export function hasLibuv(): boolean {
  const { bun, deno } = process.versions as Record<string, string | undefined>;
  return bun === undefined && deno === undefined;
}
