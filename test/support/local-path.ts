/**
 * Servers that only this machine can reach: Unix sockets, or what Windows has instead.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface LocalPath {
  /** A Unix socket's, in a folder of its own; a named pipe's on Windows. Nobody listens there yet. */
  readonly path: string;
  /** Removes the folder. */
  remove(): void;
}

let made = 0;

export function makeLocalPath(): LocalPath {
  if (process.platform === 'win32')
    return { path: `\\\\.\\pipe\\vws-${process.pid}-${++made}`, remove: () => {} };
  const folder = mkdtempSync(join(tmpdir(), 'vws-'));
  return {
    path: join(folder, 's'),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
