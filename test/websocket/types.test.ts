/** The type tests of ws's code are code that `@types/ws` accepts. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root';

/** The name that the file imports from. */
const FILES = { 'ws-client-code.ts': 'verawebsockets', 'ws-module.ts': 'verawebsockets/ws' };

describe('WebSocket: types', () => {
  for (const [name, from] of Object.entries(FILES)) {
    it(`test/types/${name} compiles against ws`, () => compile(name, from)).timeout(60_000);
  }
});

function compile(name: string, from: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'vws-types-'));
  try {
    const source = readFileSync(join(root, 'test/types', name), 'utf8');
    writeFileSync(join(folder, 'code.mts'), source.replaceAll(`from '${from}'`, "from 'ws'"));
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
    const flags = [
      '--strict',
      '--noEmit',
      '--skipLibCheck',
      '--module',
      'node16',
      '--target',
      'es2022',
      '--types',
      'node',
    ];
    const tsc = require.resolve('typescript/bin/tsc', { paths: [root] });
    const { status, stdout } = spawnSync(process.execPath, [tsc, ...flags, 'code.mts'], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
