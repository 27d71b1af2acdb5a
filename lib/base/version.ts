/** The version of the package, and where its documentation can be read. */

/** What package.json says. `npm version` writes both (scripts/version.js); a test holds them together. */
export const VERSION = '0.1.0';

/** Where a page of docs/ can be read, in the words of this version: they are in the published package. */
export function documentation(page: string): string {
  return `https://unpkg.com/verawebsockets@${VERSION}/docs/${page}`;
}
