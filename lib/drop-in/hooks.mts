/** The hook of `import` for Node versions that run hooks in a thread of their own. */
import { standInForUrl, type Resolved } from './stand-in.js';

export async function resolve(
  specifier: string,
  context: unknown,
  nextResolve: (specifier: string, context: unknown) => Promise<Resolved>,
): Promise<Resolved> {
  return standInForUrl(await nextResolve(specifier, context));
}
