/** docs/errors.md has every code there is. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCUMENTED_REASONS, OTHER_CODES } from '../../lib/addon/reasons';
import { root } from '../support/root';

/** Of native code, and renamed by lib/addon/reasons.ts before anybody sees them. */
const INTERNAL = [
  /^ERR_WS_EXTENSION_/,
  /^ERR_EXTENSION_INVALID$/,
  /^ERR_PROTOCOL_(INVALID|MISSING)$/,
  /^ERR_INVALID_RESPONSE$/,
  /^ERR_REDIRECT$/,
  /^ERR_CLOSED_BEFORE_ESTABLISHED$/,
  // lib/ has refused the same before.
  /^ERR_TLS_(ALPN_INVALID|CONFLICT|FINGERPRINT_INVALID)$/,
  // Node's own, which is caught.
  /^ERR_(HTTP2_SOCKET_UNBOUND|UNKNOWN_BUILTIN_MODULE)$/,
  /^ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND$/,
];

function sources(folder: string, extension: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const name = join(folder, entry.name);
    if (entry.isDirectory()) return sources(name, extension);
    return name.endsWith(extension) ? [readFileSync(join(root, name), 'utf8')] : [];
  });
}

describe('docs/errors.md', () => {
  const text = readFileSync(join(root, 'docs', 'errors.md'), 'utf8');
  const documented = new Set(
    [...text.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map(([, code]) => code as string),
  );

  it('has every code in the sources', () => {
    const all = [
      ...sources('lib', '.ts'),
      ...sources('native/engine', '.cc'),
      ...sources('native/engine', '.h'),
      ...sources('native/binding', '.cc'),
    ].join('\n');
    // A quote behind the name: what goes on is put together at run time.
    const codes = new Set(
      [...all.matchAll(/['"]((?:WS_)?ERR_[A-Z0-9_]*[A-Z0-9])['"]/g)].map(
        ([, code]) => code as string,
      ),
    );
    const missing = [...codes].filter(
      (code) =>
        !documented.has(code) &&
        !code.startsWith('ERR_SSL_') &&
        !INTERNAL.some((name) => name.test(code)),
    );
    assert.deepEqual(missing, []);
  });

  it('has every code of the tables', () => {
    for (const { code } of DOCUMENTED_REASONS) assert.ok(documented.has(code), code);
    for (const code of Object.keys(OTHER_CODES)) assert.ok(documented.has(code), code);
  });

  it('has none that is not there any more', () => {
    const all = [
      ...sources('lib', '.ts'),
      ...sources('native', '.cc'),
      ...sources('native', '.h'),
    ].join('\n');
    const gone = [...documented].filter(
      (code) => /^(WS_)?ERR_/.test(code) && !/_$/.test(code) && !all.includes(code),
    );
    assert.deepEqual(gone, []);
  });
});
