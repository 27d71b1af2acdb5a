/**
 * The lint of GitHub's workflows (scripts/check-workflows.js): that it sees what would keep one from running.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { problemsOfWorkflow } = require(join(root, 'scripts', 'check-workflows')) as {
  problemsOfWorkflow(file: string, text: string): Promise<string[]>;
};

describe('scripts/check-workflows.js', () => {
  const file = join(root, '.github', 'workflows', 'build.yml');
  const text = readFileSync(file, 'utf8');

  it('finds nothing in the workflow that there is', async () => {
    assert.deepEqual(await problemsOfWorkflow(file, text), []);
  });

  const mistakes: [what: string, from: string | RegExp, to: string, problem: RegExp][] = [
    ['a value that no matrix has', 'matrix.target', 'matrix.targett', /invalid: targett/],
    ['a job that is not there', 'needs: prebuild', 'needs: prebuilt', /unknown job 'prebuilt'/],
    ['a key that GitHub does not know', 'fail-fast', 'failfast', /value 'failfast'/],
    ['a value of another type', /timeout-minutes: \d+/, 'timeout-minutes: long', /value 'long'/],
    ['an expression that does not end', 'matrix.target }}', 'format( }}', /end of expression/],
    ['a context that is not there', 'secrets.NPM', 'secret.NPM', /Unrecognized named-value/],
    ['a runner that is not there', 'ubuntu-24.04-arm', 'ubuntu-arm', /is called ubuntu-arm/],
    ['a script that Bash cannot read', 'run: bash .ci/run', 'run: if bash .ci/run', /syntax error/],
    ['text that is no YAML', 'jobs:', 'jobs: [', /./],
  ];
  for (const [what, from, to, problem] of mistakes) {
    it(`finds ${what}`, async () => {
      const wrong = text.replace(from, to);
      assert.notEqual(wrong, text);
      assert.match((await problemsOfWorkflow(file, wrong)).join('\n'), problem);
    });
  }
});
