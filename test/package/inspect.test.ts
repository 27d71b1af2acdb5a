/**
 * The addon of this checkout as a binary, and the readers that hold the shipped ones to their promises.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

interface InspectBinary {
  inspect(file: string, target: object, version: string): string[];
  overFloor(file: string, floor: string): string[];
  wrongDependencies(file: string): string[];
  wrongExports(file: string): string[];
}

interface InspectPackage {
  inspectFiles(files: string[], binaries: string[]): string[];
  inspectManifest(manifest: object): string[];
  inspectNotices(notices: string): string[];
}

const script = (name: string): unknown =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require(join(root, 'scripts', name));

const addon =
  process.env.VERAWEBSOCKETS_BINARY ?? join(root, 'build', 'Release', 'verawebsockets.node');

describe('the binary', () => {
  const binary = script('inspect-binary') as InspectBinary;

  it('shows Node-API’s entry points and nothing else', () => {
    assert.deepEqual(binary.wrongExports(addon), []);
  });

  it('needs glibc and Node-API, and nothing else', () => {
    assert.deepEqual(binary.wrongDependencies(addon), []);
  });

  it('what another binary shows and needs is found', () => {
    // OpenSSL's own: of the packages that the build needs.
    const file = execFileSync('g++', ['-print-file-name=libssl.so'], { encoding: 'utf8' }).trim();
    const problems = [...binary.wrongExports(file), ...binary.wrongDependencies(file)];
    assert.ok(problems.includes('it shows SSL_new'), problems.slice(0, 5).join());
    assert.ok(problems.includes('it does not show napi_register_module_v1'));
    assert.ok(problems.some((problem) => problem.startsWith('it needs libcrypto.so')));
  });

  it('the newest glibc it needs is found', () => {
    assert.deepEqual(binary.overFloor(addon, '99.0'), []);
    assert.ok(binary.overFloor(addon, '2.0').length > 0);
  });

  it('a target’s processor, ceiling, floor and version are held', () => {
    const target = { machine: 'no such machine', glibcFloor: '2.0', ceilingBytes: 1000 };
    const problems = binary.inspect(addon, target, '99.0.0').join('\n');
    for (const words of [
      /^it is for .*/m,
      /^it has \d+ bytes, and the ceiling is 1000$/m,
      /^it needs GLIBC_[\d.]+, and the floor is glibc 2\.0$/m,
      /^it is not of version 99\.0\.0$/m,
    ])
      assert.match(problems, words);
  });

  it('its version is found', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    const target = { machine: 'x', glibcFloor: '99.0', ceilingBytes: Infinity };
    const problems = binary.inspect(addon, target, version);
    assert.ok(!problems.some((problem) => problem.includes('version')), problems.join());
  });
});

describe('what the package holds', () => {
  const inspect = script('inspect-package') as InspectPackage;
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object;

  it('files that are not meant to be in it are found, and those that lack', () => {
    const problems = inspect.inspectFiles(
      [
        'test/smoke/smoke.js',
        'build/Release/x.node',
        'prebuilds/linux-x64/verawebsockets.old.node',
        'README.md',
      ],
      ['prebuilds/linux-x64/verawebsockets.glibc.node'],
    );
    for (const problem of [
      'with test/smoke/smoke.js',
      'with build/Release/x.node',
      'with prebuilds/linux-x64/verawebsockets.old.node',
      'without prebuilds/linux-x64/verawebsockets.glibc.node',
      'without dist/index.js',
    ])
      assert.ok(problems.includes(problem), problem);
    assert.ok(!problems.some((problem) => problem.includes('README.md')));
  });

  it('it runs no script at installation and brings no dependency', () => {
    assert.deepEqual(inspect.inspectManifest(manifest), []);
  });

  it('scripts and dependencies are found', () => {
    const changed = {
      ...manifest,
      gypfile: undefined,
      scripts: { install: 'x' },
      dependencies: { 'left-pad': '1' },
    };
    assert.equal(inspect.inspectManifest(changed).length, 3);
  });

  it('has a notice of everything that is linked in', () => {
    const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES'), 'utf8');
    assert.deepEqual(inspect.inspectNotices(notices), []);
    assert.deepEqual(inspect.inspectNotices(notices.replace(/OpenSSL/g, '')), [
      'no notice of OpenSSL',
    ]);
  });
});
