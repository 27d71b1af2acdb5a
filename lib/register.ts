/**
 * `verawebsockets/register`: puts `verawebsockets/ws` in the place of ws, in the whole process and for each copy of ws
 * that it has.
 *
 *   node --import verawebsockets/register app.js
 */
import Module from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { standInForFile, standInForUrl, type Resolved } from './drop-in/stand-in';
import { environment } from './addon/environment';

/** What the types do not have, or Node has not in every version. */
interface Loader {
  _resolveFilename(this: unknown, request: string, ...rest: unknown[]): string;
  /** Since Node 22.15: for `require` and `import`, in this thread. */
  registerHooks?(hooks: {
    resolve(
      specifier: string,
      context: unknown,
      nextResolve: (specifier: string, context: unknown) => Resolved,
    ): Resolved;
  }): void;
  /** Since Node 18.19: for `import`, in a thread of its own. */
  register?(url: URL): void;
}

function hasBinary(): boolean {
  try {
    environment();
    return true;
  } catch (error) {
    // A worker's parent has said it.
    if (isMainThread) {
      const { message, code } = error as NodeJS.ErrnoException;
      process.emitWarning(`ws is left in place: ${message}`, { code: code ?? '' });
    }
    return false;
  }
}

function register(): void {
  const loader = Module as unknown as Loader;
  if (loader.registerHooks) {
    loader.registerHooks({
      resolve: (specifier, context, nextResolve) => standInForUrl(nextResolve(specifier, context)),
    });
    return;
  }
  const original = loader._resolveFilename;
  loader._resolveFilename = function (request, ...rest) {
    return standInForFile(original.call(this, request, ...rest));
  };
  loader.register?.(pathToFileURL(join(__dirname, 'drop-in', 'hooks.mjs')));
}

if (hasBinary()) register();
