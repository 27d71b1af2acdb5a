/** docs/reasons.md is true: the list, its order, and the codes. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTED_REASONS } from '../../lib';
import { root } from '../support/root';
import { rows } from './cases';
import { documentedReasons } from './documented';

interface Line {
  number: number;
  reason: string;
  provoked: string;
  codes: string[];
}

function lines(): Line[] {
  const text = readFileSync(join(root, 'docs', 'reasons.md'), 'utf8');
  return [...text.matchAll(/^\| (\d+) \| (.*) \|$/gm)].map(([, number, rest]) => {
    const [reason = '', provoked = '', codes = ''] = (rest as string).split(' | ');
    return {
      number: Number(number),
      reason,
      provoked,
      codes: [...codes.matchAll(/`(\w+)`/g)].map(([, code]) => code as string),
    };
  });
}

describe('docs/reasons.md', () => {
  const all = lines();

  it('has the 35 reasons, in the order of the documentation', () => {
    assert.deepEqual(
      all.map(({ reason }) => reason),
      documentedReasons,
    );
    assert.deepEqual(
      all.map(({ number }) => number),
      documentedReasons.map((_, index) => index + 1),
    );
    assert.deepEqual(
      DOCUMENTED_REASONS.map(({ reason }) => reason),
      documentedReasons,
    );
  });

  it('has the codes that are seen', () => {
    for (const { reason, code } of rows()) {
      const codes = all.filter((line) => line.reason === reason).flatMap((line) => line.codes);
      const isNamed =
        typeof code === 'string' ? codes.includes(code) : codes.some((one) => code.test(one));
      // OpenSSL's own are named by example.
      assert.ok(
        isNamed || String(code).startsWith('ERR_SSL_'),
        `${reason}: ${String(code)} is not among ${codes.join()}`,
      );
    }
  });

  it('says of the rest that they cannot be provoked from outside', () => {
    const provoked = new Set(rows().map(({ reason }) => reason)).add('insert wsi failed');
    for (const { reason, provoked: how } of all) {
      if (!provoked.has(reason)) assert.match(how, /^not (from outside|at all)/, reason);
    }
  });
});
