/** Which files of which copies of ws the drop-in stands for, and saying so. */
import { readFileSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { debuglog } from 'node:util';

/** Major versions of ws that the drop-in stands for. */
const MAJORS = [7, 8];
/** What ws's `require` and `import` end at. */
const ENTRY = /[\\/]ws[\\/](?:index\.js|wrapper\.mjs)$/;

const debug = debuglog('verawebsockets');
/** By folder: whether this copy of ws is replaced. */
const copies = new Map<string, boolean>();

/** To stderr at once, since the thread of the import hooks may end before a stream is written. */
function say(text: string): void {
  if (!debug.enabled) return;
  try {
    writeSync(2, `VERAWEBSOCKETS ${process.pid}: ${text}\n`);
  } catch {
    // Nobody reads it.
  }
}

function examine(folder: string): boolean {
  let manifest: { name?: unknown; version?: unknown };
  try {
    manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as typeof manifest;
  } catch {
    return false;
  }
  if (manifest.name !== 'ws') return false;
  const version = String(manifest.version);
  const replaced = MAJORS.includes(Number.parseInt(version, 10));
  say(`ws ${version} in ${folder} is ${replaced ? 'replaced' : 'left alone'}`);
  return replaced;
}

/** What stands in for a file: itself, or a file of ours if it is where ws begins. */
export function standInForFile(file: string): string {
  if (!ENTRY.test(file)) return file;
  const folder = dirname(file);
  let replaced = copies.get(folder);
  if (replaced === undefined) {
    replaced = examine(folder);
    copies.set(folder, replaced);
  }
  if (!replaced) return file;
  return join(__dirname, '..', file.endsWith('.mjs') ? 'ws.mjs' : 'ws.js');
}

/** What the hooks of `import` answer. */
export interface Resolved {
  url: string;
  format?: string | null | undefined;
}

/** The same for a URL, in the form of a resolve hook's answer. */
export function standInForUrl<R extends Resolved>(resolved: R): R {
  if (!resolved.url.startsWith('file:') || !ENTRY.test(resolved.url)) return resolved;
  const file = fileURLToPath(resolved.url);
  const ours = standInForFile(file);
  if (ours === file) return resolved;
  const format = ours.endsWith('.mjs') ? 'module' : 'commonjs';
  return { ...resolved, url: pathToFileURL(ours).href, format, shortCircuit: true };
}
