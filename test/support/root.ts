/**
 * Where things are, whether the tests run from their sources or compiled.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

function findRoot(): string {
  let folder = __dirname;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error(`No package.json above ${__dirname}`);
    folder = parent;
  }
  return folder;
}

/** The repository's root folder. */
export const root = findRoot();

/** What child processes and workers must require to get the library under test. */
export const libraryPath = require.resolve('../../lib');
