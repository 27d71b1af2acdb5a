/** Errors that calls throw. */
import { strict as assert } from 'node:assert';

export interface Coded extends Error {
  code: string;
  field?: string;
}

/** Checks that a call throws this kind of error, and that its text contains what is given. */
export function throws(call: () => unknown, kind: string, code: string, ...texts: string[]): void {
  assert.throws(call, (error: Coded) => {
    assert.equal(error.name, kind, error.stack);
    assert.equal(error.code, code, error.stack);
    for (const text of texts)
      assert.ok(error.message.includes(text), `"${text}" in: ${error.message}`);
    return true;
  });
}
