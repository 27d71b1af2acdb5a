/** What is left out on Windows (scripts/cross/unix-suites.js) is still there, by that name. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

interface LeftOut {
  file: string;
  test?: string;
  because: string;
}

interface Report {
  tests: { fullTitle: string; file: string }[];
}

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { UNIX_ONLY, UNIX_ONLY_NATIVE } = require(join(root, 'scripts/cross/unix-suites.js')) as {
  UNIX_ONLY: LeftOut[];
  UNIX_ONLY_NATIVE: Record<string, string>;
};

const built = (name: string): string => join(root, 'build', 'test', `${name}.test.js`);

describe('what is left out on Windows', () => {
  it('names native tests that there are', () => {
    const names = Object.keys(UNIX_ONLY_NATIVE);
    const missing = names.filter(
      (name) => !existsSync(join(root, 'test', 'native', `${name}_test.cc`)),
    );
    assert.deepEqual(missing, []);
  });

  it('names suites that there are, and titles in them', () => {
    const files = [...new Set(UNIX_ONLY.map(({ file }) => built(file)))];
    const mocha = require.resolve('mocha/bin/mocha.js', { paths: [root] });
    const args = [mocha, '--dry-run', '--reporter', 'json', ...files];
    const output = execFileSync(process.execPath, args, {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const { tests } = JSON.parse(output) as Report;
    const missing = UNIX_ONLY.filter(
      ({ file, test = '' }) =>
        !tests.some((one) => one.file === built(file) && one.fullTitle.includes(test)),
    );
    assert.deepEqual(missing, []);
  });
});
