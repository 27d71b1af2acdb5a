/**
 * Every documented error has a test of the public functions: its code stands in quotes in one, comments aside. Tests of
 * native code alone, and those with an addon that is none, do not count: what they get may be out of users' reach.
 * What cannot be had without breaking the machine is named here, with the reason.
 */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

const CANNOT_BE_MADE: Record<string, string> = {
  ERR_EXTENSION_DEFAULTS: 'documented as "never, so far"',
  ERR_EXTENSION_DEFAULTS_REFUSED: 'documented as "never, so far"',
  ERR_RESPONSE_DISALLOWED: 'documented as "never, so far"',
  ERR_ESTABLISHED_DISALLOWED: 'documented as "never, so far"',
  ERR_SOCKET_BUFFER: 'the engine sets no buffer size; documented as "never, so far"',
  ERR_OUT_OF_MEMORY: 'needs an allocation to fail in a process that goes on',
  ERR_TLS_OUT_OF_MEMORY: 'likewise',
};

/** Got by native tests, which make the system answer so. */
const NEEDS_A_NETWORK = 'needs a network, a machine or a server in that state';
const NATIVE_ONLY: Record<string, string> = {
  EAI_AGAIN: NEEDS_A_NETWORK,
  ETIMEDOUT: NEEDS_A_NETWORK,
  EHOSTUNREACH: NEEDS_A_NETWORK,
  ENETUNREACH: NEEDS_A_NETWORK,
  ENFILE: NEEDS_A_NETWORK,
  ERR_SOCKET_OPTIONS: NEEDS_A_NETWORK,
  ERR_CONNECTION_FAILED: 'where neither the engine nor the system says why',
  ERR_TLS_HANDSHAKE: 'where OpenSSL gives no reason',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'needs an authority below one that is not known',
  ERR_TLS_CLIENT_CERT_REFUSED: 'a server of Node.js hangs up instead of saying so',
  INVALID_CA: 'needs a certificate that another one than an authority has issued',
};

function files(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = join(folder, entry.name);
    if (entry.isDirectory()) return files(name);
    return /\.(ts|cc|h)$/.test(name) && !/errors-(doc|tested)\.test\.ts$/.test(name) ? [name] : [];
  });
}

/** Without what is only said, not done. */
function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
}

describe('docs/errors.md: tests', () => {
  const document = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  const documented = new Set(
    [...document.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code]) => code as string),
  );
  const quoted = new Set<string>();
  const quotedInNative = new Set<string>();
  for (const name of files('test')) {
    const source = withoutComments(readFileSync(join(root, name), 'utf8'));
    const isPublic = name.endsWith('.ts') && !/fake-addon|lib\/addon\/reasons'/.test(name + source);
    const codes = isPublic ? quoted : quotedInNative;
    if (name.endsWith('thrown-codes.test.ts')) {
      for (const [, key] of source.matchAll(/^ {2}(\w+): /gm)) codes.add(key as string);
      continue;
    }
    // In a text of its own, or at the beginning or the end of a word of a longer one.
    for (const [line] of source.matchAll(/(['"`])(?:\\.|(?!\1)[^\\\n])*\1/g)) {
      for (const [word] of line.matchAll(/[A-Z][A-Z0-9_]+/g)) codes.add(word);
    }
  }

  it('every code has one', () => {
    const missing = [...documented].filter(
      (code) =>
        !quoted.has(code) &&
        CANNOT_BE_MADE[code] === undefined &&
        NATIVE_ONLY[code] === undefined &&
        !code.endsWith('_'),
    );
    assert.deepEqual(missing, []);
  });

  it('what cannot be made is documented, and is not made in a test after all', () => {
    for (const code of Object.keys(CANNOT_BE_MADE)) {
      assert.ok(documented.has(code), code);
      assert.ok(!quoted.has(code) && !quotedInNative.has(code), code);
    }
  });

  it('what only native tests get is documented, has one, and no other', () => {
    for (const code of Object.keys(NATIVE_ONLY)) {
      assert.ok(documented.has(code), code);
      assert.ok(quotedInNative.has(code) && !quoted.has(code), code);
    }
  });

  it('notices a code without a test', () => {
    assert.ok(!quoted.has(['ERR', 'NOBODY', 'TESTS', 'THIS'].join('_')));
    assert.equal(withoutComments("// 'ERR_X'\n/* 'ERR_X' */ f();").trim(), 'f();');
  });
});
