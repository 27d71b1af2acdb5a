/** docs/cli.md has every option and every command, and no other. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONS } from '../../lib/cli/arguments';
import { EXIT } from '../../lib/cli/exit';
import { root } from '../support/root';

describe('docs/cli.md', () => {
  const text = readFileSync(join(root, 'docs', 'cli.md'), 'utf8');

  it('has every option', () => {
    const missing = OPTIONS.filter(
      ({ name, short }) => !text.includes(`--${name}`) || (short && !text.includes(`-${short}`)),
    );
    assert.deepEqual(missing, []);
  });

  it('has no other', () => {
    const known = [...OPTIONS.map(({ name }) => name), 'version', 'global'];
    const named = [...text.matchAll(/(?<![\w-])--([a-z][a-z-]*)/g)].map(([, name]) => name);
    assert.deepEqual(
      named.filter((name) => !known.includes(String(name))),
      [],
    );
  });

  it('has every exit code', () => {
    const rows = [...text.matchAll(/^\| (\d+) \|/gm)].map(([, code]) => Number(code));
    assert.deepEqual(rows, Object.values(EXIT));
  });
});
