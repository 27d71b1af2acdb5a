/** Parts of libwebsockets that have had advisories, and that nothing here needs, are not in the engine. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../support/root';

/** A function of the part. */
const PARTS: Readonly<Record<string, RegExp>> = {
  'CVE-2025-11678, the resolver': /lws_async_dns_query/,
  'CVE-2025-11679 and CVE-2025-11680, the decoder of PNG': /lws_upng_/,
  'CVE-2026-10650, the ssh plugin': /lws_ssh_|_ssh_base/,
};

describe('libwebsockets as it is built', () => {
  const library = join(root, 'build', 'engine', 'current', 'lib', 'libwebsockets.a');
  const symbols = execFileSync('nm', ['--defined-only', library], {
    encoding: 'utf8',
    maxBuffer: 2 ** 26,
  });

  it('has what is looked for in the others: names of functions', () => {
    assert.match(symbols, / T lws_service_fd$/m);
  });

  for (const [part, name] of Object.entries(PARTS)) {
    it(`is without ${part}`, () => {
      assert.doesNotMatch(symbols, name);
    });
  }
});
