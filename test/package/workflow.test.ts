/**
 * The workflow that builds and publishes: as far as it can be checked without its runners.
 */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

interface Job {
  needs?: string | string[];
  permissions?: Record<string, string>;
  strategy?: { matrix: Record<string, string[]> };
  steps: { uses?: string; run?: string }[];
}

// eslint-disable-next-line @typescript-eslint/no-require-imports
const { load } = require('js-yaml') as { load(text: string): { jobs: Record<string, Job> } };
// eslint-disable-next-line @typescript-eslint/no-require-imports
const { TARGETS } = require(join(root, 'scripts', 'targets')) as { TARGETS: { name: string }[] };

describe('.github/workflows/build.yml', () => {
  const { jobs } = load(readFileSync(join(root, '.github', 'workflows', 'build.yml'), 'utf8'));
  const steps = Object.values(jobs).flatMap((job) => job.steps);
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };

  it('pins every action by commit', () => {
    const uses = steps.flatMap((step) => step.uses ?? []);
    assert.ok(uses.length > 0);
    for (const action of uses) assert.match(action, /^[\w-]+\/[\w-]+@[0-9a-f]{40}$/);
  });

  it('runs only commands that there are', () => {
    const matrix = Object.values(jobs).flatMap((job) => job.strategy?.matrix['check'] ?? []);
    const named = steps.flatMap((step) => /^npm run ([\w:]+)/.exec(step.run ?? '')?.[1] ?? []);
    assert.ok(matrix.length > 0 && named.length > 0);
    for (const name of [...matrix, ...named]) assert.ok(name in scripts, name);
  });

  it('builds every target', () => {
    assert.deepEqual(
      jobs['prebuild']?.strategy?.matrix['target'],
      TARGETS.map(({ name }) => name),
    );
  });

  it('publishes with provenance what everything else has passed', () => {
    const publish = jobs['publish'] as Job;
    const needed = new Set<string>();
    const visit = (name: string) => {
      needed.add(name);
      for (const other of [jobs[name]?.needs ?? []].flat()) visit(other);
    };
    visit('publish');
    assert.deepEqual([...needed].sort(), Object.keys(jobs).sort());
    assert.equal(publish.permissions?.['id-token'], 'write');
    assert.ok(
      publish.steps.some((step) => step.run?.includes('npm run release:publish -- --provenance')),
    );
  });
});
