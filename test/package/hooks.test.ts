/**
 * The check that libwebsockets calls our hooks, which fails the build (deps/hooks.js).
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root';

interface Hooks {
  hookProblems(symbols: string): string[];
}

describe('the hooks in libwebsockets', () => {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  const { hookProblems } = require(join(root, 'deps', 'hooks.js')) as Hooks;
  const definitions = [
    'lws_realloc',
    'lws_zalloc',
    'lws_ssl_capable_read',
    'lws_ssl_capable_write',
    'lws_ssl_client_bio_create',
  ];
  const defined = definitions.map((name) => `0000000000000000 T vws_original_${name}\n`).join('');
  const calling = (name: string): string => `${defined}                 U ${name}\n`;

  it('are in the library that was built', () => {
    const library = join(root, 'build', 'engine', 'current', 'lib', 'libwebsockets.a');
    const symbols = execFileSync('nm', [library], { encoding: 'utf8', maxBuffer: 2 ** 26 });
    assert.deepEqual(hookProblems(symbols), []);
    assert.match(symbols, /U vws_hook_connect$/m);
  });

  it('are missed when a call has kept its name, or one that the compiler has for it', () => {
    assert.deepEqual(hookProblems(calling('vws_hook_open')), []);
    for (const name of ['connect', 'SSL_connect', 'open64', '__open_2', '_open$NOCANCEL'])
      assert.deepEqual(hookProblems(calling(name)), [`calls ${name}, past its hook`]);
    for (const name of ['openlog', 'lws_ssl_client_connect1', 'SSL_get_error_state'])
      assert.deepEqual(hookProblems(calling(name)), []);
  });

  it('are missed when a function of the library has its own name still', () => {
    const symbols = defined.replace('vws_original_lws_zalloc', 'lws_zalloc');
    assert.deepEqual(hookProblems(symbols), ['has no vws_original_lws_zalloc']);
    assert.deepEqual(
      hookProblems(''),
      definitions.map((name) => `has no vws_original_${name}`),
    );
  });

  it('are missed in what a compiler makes without the header', () => {
    const folder = mkdtempSync(join(tmpdir(), 'verawebsockets-'));
    try {
      const file = join(folder, 'calls.c');
      writeFileSync(file, '#include <stdlib.h>\nchar *f(void) { return getenv("http_proxy"); }\n');
      const header = join(root, 'native', 'engine', 'os', 'lws_calls.h');
      const symbolsWith = (...options: string[]): string => {
        execFileSync('cc', ['-c', '-O2', ...options, file, '-o', `${file}.o`]);
        return defined + execFileSync('nm', [`${file}.o`], { encoding: 'utf8' });
      };
      assert.deepEqual(hookProblems(symbolsWith()), ['calls getenv, past its hook']);
      assert.deepEqual(hookProblems(symbolsWith('-include', header)), []);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
