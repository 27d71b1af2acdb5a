/**
 * What is read of binaries for macOS, and what is found wrong with them: on files made here, since nothing here runs
 * them.
 */
import { strict as assert } from 'node:assert';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from '../support/root';

interface Found {
  machine: string;
  kind: string;
  oldest: string;
  needed: string[];
  isSigned: boolean;
  exported: string[];
  wanted: { name: string; anywhere: boolean }[];
  hasSymbols: boolean;
}

interface Symbols {
  system: Set<string>;
  node: Set<string>;
}

const script = (name: string): unknown =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require(join(root, 'scripts', name));

const { describe: read, listed } = script('macho') as {
  describe(file: string): Partial<Found>;
  listed(file: string, machine: string): string[];
};
const { problemsOfBundle } = script('check-binary') as {
  problemsOfBundle(found: Partial<Found>, target: object, symbols: Symbols): string[];
};

const words = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(4 * values.length);
  values.forEach((value, index) => bytes.writeUInt32LE(value, 4 * index));
  return bytes;
};

/** A load command: its number, and what is behind its length. */
const command = (number: number, body: Buffer): Buffer =>
  Buffer.concat([words(number, 8 + body.length), body]);

const library = (name: string): Buffer => {
  const bytes = Buffer.alloc((name.length + 8) & ~7);
  bytes.write(name);
  return command(0xc, Buffer.concat([words(24, 0, 0, 0), bytes]));
};

const DEFINED = 0x0f;
const PRIVATE = 0x1f;
const LOCAL = 0x0e;
const UNDEFINED = 0x01;
const FOR_DEBUGGERS = 0x64;

/** A bundle for arm64 with these symbols: name, kind, number of its library. */
function bundle(symbols: [string, number, number?][], ...commands: Buffer[]): Buffer {
  const header = 32;
  const commandBytes = commands.reduce((sum, { length }) => sum + length, 0) + 24;
  const table = header + commandBytes;
  const names = table + 16 * symbols.length;
  let strings = '\0';
  const entries = symbols.map(([name, type, number = 0]) => {
    const entry = Buffer.alloc(16);
    entry.writeUInt32LE(strings.length, 0);
    entry[4] = type;
    entry.writeUInt16LE(number << 8, 6);
    strings += `${name}\0`;
    return entry;
  });
  return Buffer.concat([
    words(0xfeedfacf, 0x0100000c, 0, 8, commands.length + 1, commandBytes, 0, 0),
    ...commands,
    command(0x2, words(table, symbols.length, names, strings.length)),
    ...entries,
    Buffer.from(strings),
  ]);
}

const forMacOS11 = command(0x32, words(1, 0x000b0000, 0x000e0000, 0));

/** The file with a signature behind it, as the linker makes one: of the digests of its pages. */
function signed(...parts: Parameters<typeof bundle>): Buffer {
  const length = bundle(...parts).length + 16;
  const bytes = bundle(...parts, command(0x1d, words(length, 0)));
  const pages = Array.from({ length: Math.ceil(length / 16) }, (_, page) =>
    createHash('sha256')
      .update(bytes.subarray(16 * page, 16 * page + 16))
      .digest(),
  );
  const head = Buffer.alloc(20 + 44);
  [0xfade0cc0, 0, 1, 0, 20, 0xfade0c02, 0, 0x20400, 2, 44, 0, 0, pages.length, length].forEach(
    (value, index) => head.writeUInt32BE(value, 4 * index),
  );
  head.set([32, 2, 0, 4], 20 + 36);
  return Buffer.concat([bytes, head, ...pages]);
}

describe('binaries for macOS', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'verawebsockets-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  function write(content: Buffer | string): string {
    const file = join(folder, 'file');
    writeFileSync(file, content);
    return file;
  }

  it('tell processor, macOS, libraries, signature and symbols', () => {
    const bytes = signed(
      [
        ['_shown', DEFINED],
        ['_inner', PRIVATE],
        ['_napi_throw', UNDEFINED, 0xfe],
        ['_malloc', UNDEFINED, 1],
      ],
      library('/usr/lib/libSystem.B.dylib'),
      library('/usr/lib/libz.1.dylib'),
      forMacOS11,
    );
    assert.deepEqual(read(write(bytes)), {
      machine: 'arm64',
      kind: 'bundle',
      oldest: '11.0',
      needed: ['/usr/lib/libSystem.B.dylib', '/usr/lib/libz.1.dylib'],
      isSigned: true,
      exported: ['shown'],
      wanted: [
        { name: 'napi_throw', anywhere: true },
        { name: 'malloc', anywhere: false },
      ],
      hasSymbols: true,
    });
  });

  it('are signed if nothing was changed later', () => {
    const bytes = signed([['_shown', DEFINED]], forMacOS11);
    assert.equal(read(write(bytes)).isSigned, true);
    bytes.writeUInt8(bytes.readUInt8(0x28) ^ 1, 0x28);
    assert.equal(read(write(bytes)).isSigned, false);
    assert.equal(read(write(bundle([['_shown', DEFINED]]))).isSigned, false);
  });

  it('have symbols left if any is for the linker or a debugger only', () => {
    const has = (type: number) => read(write(bundle([['_x', type]]))).hasSymbols;
    assert.deepEqual([DEFINED, UNDEFINED].map(has), [false, false]);
    assert.deepEqual([LOCAL, PRIVATE, FOR_DEBUGGERS].map(has), [true, true, true]);
  });

  it('are told from other files', () => {
    assert.equal(read(write('#!/bin/sh\n')).machine, 'none');
    assert.equal(read(write(Buffer.alloc(64))).machine, 'none');
  });

  const target = { macho: 'arm64', macosFloor: '11.0' };
  const symbols = {
    system: new Set(['malloc', 'napi_system']),
    node: new Set(['napi_throw', 'uv_now', 'SSL_new']),
  };
  const good: Found = {
    machine: 'arm64',
    kind: 'bundle',
    oldest: '11.0',
    needed: ['/usr/lib/libSystem.B.dylib'],
    isSigned: true,
    exported: ['napi_register_module_v1', 'node_api_module_get_api_version_v1'],
    wanted: [
      { name: 'malloc', anywhere: false },
      { name: 'napi_throw', anywhere: true },
    ],
    hasSymbols: false,
  };
  const problems = (change: Partial<Found>): string[] =>
    problemsOfBundle({ ...good, ...change }, target, symbols);

  it('are accepted as they are meant to be, and for nothing else', () => {
    assert.deepEqual(problems({}), []);
    assert.match(problems({ machine: 'x86_64' })[0] ?? '', /^is a bundle for x86_64, not a bundle/);
    assert.match(problems({ kind: 'library' })[0] ?? '', /^is a library for arm64/);
    assert.deepEqual(problems({ oldest: '14.0' }), ['is for macOS 14.0, not for 11.0']);
    assert.deepEqual(problems({ isSigned: false }), ['has no signature, or one of another file']);
    assert.deepEqual(problems({ hasSymbols: true }), ['has symbols for debuggers']);
    assert.deepEqual(problems({ exported: ['SSL_new'] }), ['exports SSL_new']);
    assert.deepEqual(problems({ needed: ['/opt/lib/libssl.dylib'] }), [
      'needs /opt/lib/libssl.dylib',
    ]);
  });

  it('may call what the oldest macOS has, and of Node.js only Node-API', () => {
    const why = ', which Node.js or macOS 11.0 may not have';
    for (const [name, anywhere] of [
      ['os_sync_wait_on_address', false],
      // Not where it is looked for.
      ['malloc', true],
      ['napi_throw', false],
      ['napi_system', true],
      // Not of every program that loads it, and of versions that we know nothing of.
      ['uv_now', true],
      ['SSL_new', true],
    ] as const)
      assert.deepEqual(problems({ wanted: [{ name, anywhere }] }), [`needs ${name}${why}`]);
  });

  it("a library's list is read with all its parts, of one processor", () => {
    const text = `--- !tapi-tbd
tbd-version:     4
targets:         [ x86_64-macos, arm64e-macos ]
install-name:    '/usr/lib/libSystem.B.dylib'
exports:
  - targets:         [ x86_64-macos ]
    symbols:         [ '_stat$INODE64', _old ]
  - targets:         [ x86_64-macos, x86_64-maccatalyst, arm64e-macos ]
    symbols:         [ _malloc, 
                       _free ]
    weak-symbols:    [ __Znwm ]
--- !tapi-tbd
tbd-version:     4
targets:         [ arm64e-macos ]
exports:
  - targets:         [ arm64e-macos ]
    symbols:         [ _inner ]
  - targets:         [ arm64-maccatalyst ]
    symbols:         [ _elsewhere ]
...
`;
    assert.deepEqual(listed(write(text), 'arm64'), ['malloc', 'free', '_Znwm', 'inner']);
    assert.deepEqual(listed(write(text), 'x86_64'), [
      'stat$INODE64',
      'old',
      'malloc',
      'free',
      '_Znwm',
    ]);
  });
});
