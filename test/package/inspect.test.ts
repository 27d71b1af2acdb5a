/**
 * The readers that hold a release to its promises.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { root } from '../support/root';

type Inspect = (file: string, target: object, version: string) => string[];

interface Target {
  file: string;
  package: string;
  platform: string;
  arch: string;
  libc?: string;
}

interface InspectPackage {
  inspectFiles(files: string[]): string[];
  inspectManifest(manifest: object, targets: Target[]): string[];
  inspectNotices(notices: string): string[];
  inspectPlatformFiles(files: string[], target: Target): string[];
  inspectPlatformManifest(manifest: object, target: Target, version: string): string[];
}

interface PlatformPackages {
  platformManifest(target: Target): object;
  withPlatformPackages(manifest: object): { optionalDependencies: object };
}

const script = (name: string): unknown =>
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  require(join(root, 'scripts', name));

const addon =
  process.env.VERAWEBSOCKETS_BINARY ?? join(root, 'build', 'Release', 'verawebsockets.node');

describe('the binary as it is shipped', () => {
  const { inspect } = script('inspect-binary') as { inspect: Inspect };
  const target = {
    platform: 'linux',
    elfMachine: 'x',
    libc: 'glibc',
    glibcFloor: '99.0',
    ceilingBytes: Infinity,
  };
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
  };

  it('has its entry points, and its version inside', () => {
    const problems = inspect(addon, target, version).join('\n');
    assert.doesNotMatch(problems, /does not export|version/);
    assert.match(inspect(addon, target, '99.0.0').join('\n'), /^is not of version 99\.0\.0$/m);
  });

  it('what another one shows, lacks and needs is found', () => {
    // OpenSSL's own: of the packages that the build needs.
    const file = execFileSync('g++', ['-print-file-name=libssl.so'], { encoding: 'utf8' }).trim();
    const problems = inspect(file, target, version).join('\n');
    assert.match(problems, /^exports .*\bSSL_new\b/m);
    assert.match(problems, /^does not export napi_register_module_v1 /m);
    assert.match(problems, /^needs libcrypto\.so/m);
    assert.match(problems, /^is not of version /m);
  });

  it('symbols that were not stripped are found', () => {
    // As the compiler leaves it.
    const folder = mkdtempSync(join(tmpdir(), 'vws-'));
    try {
      const file = join(folder, 'plain.so');
      execFileSync('cc', ['-shared', '-x', 'c', '-o', file, '/dev/null']);
      assert.match(inspect(file, target, version).join('\n'), /^is not stripped$/m);
      execFileSync('strip', [file]);
      assert.doesNotMatch(inspect(file, target, version).join('\n'), /stripped/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('what the packages hold', () => {
  const inspect = script('inspect-package') as InspectPackage;
  const { platformManifest, withPlatformPackages } = script(
    'platform-packages',
  ) as PlatformPackages;
  const { TARGETS } = script('targets') as { TARGETS: Target[] };
  const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    files: string[];
  };

  it('files that are not meant to be in it are found, and those that lack', () => {
    const problems = inspect.inspectFiles([
      'test/smoke/smoke.js',
      'build/Release/x.node',
      'prebuilds/linux-x64/verawebsockets.glibc.node',
      'binding.gyp',
      'README.md',
    ]);
    for (const problem of [
      'with test/smoke/smoke.js',
      'with build/Release/x.node',
      'with prebuilds/linux-x64/verawebsockets.glibc.node',
      'with binding.gyp',
      'without native/binding.gyp',
      'without dist/index.js',
    ])
      assert.ok(problems.includes(problem), problem);
    assert.ok(!problems.some((problem) => problem.includes('README.md')));
  });

  it('each file of the checkout that is packed is meant to be', () => {
    const folders = ['LICENSES', 'cmake', 'docs', 'examples', 'native'];
    for (const folder of folders) assert.ok(manifest.files.includes(folder), folder);
    const files = folders.flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(root, join(entry.parentPath, entry.name))),
    );
    assert.ok(files.length > 100);
    const problems = inspect.inspectFiles(files).filter((problem) => problem.startsWith('with '));
    assert.deepEqual(problems, []);
  });

  it('it runs no script at installation and brings nothing but the platform packages', () => {
    assert.deepEqual(inspect.inspectManifest(withPlatformPackages(manifest), TARGETS), []);
  });

  it('scripts and dependencies are found, and platform packages that lack', () => {
    const complete = withPlatformPackages(manifest);
    const [first] = TARGETS as [Target];
    const changed = {
      ...complete,
      gypfile: undefined,
      scripts: { install: 'x' },
      dependencies: { 'left-pad': '1' },
      optionalDependencies: { ...complete.optionalDependencies, [first.package]: '^0.1.0' },
    };
    assert.equal(inspect.inspectManifest(changed, TARGETS).length, 4);
  });

  it('a platform package says for which machines it is', () => {
    for (const target of TARGETS) {
      const made = platformManifest(target);
      assert.deepEqual(inspect.inspectPlatformManifest(made, target, manifest.version), []);
    }
    const target = TARGETS.find(({ libc }) => libc === 'musl') as Target;
    const wrong = { ...platformManifest(target), libc: ['glibc'], scripts: {}, version: '0.0.9' };
    assert.deepEqual(inspect.inspectPlatformManifest(wrong, target, manifest.version), [
      `"version" is "0.0.9", not "${manifest.version}"`,
      '"libc" is ["glibc"], not ["musl"]',
      'has "scripts"',
    ]);
  });

  it('a platform package has its binary, and the notices of what is in it', () => {
    const [target] = TARGETS as [Target];
    const files = ['package.json', 'README.md', 'LICENSE', 'LICENSES/Apache-2.0.txt'];
    assert.deepEqual(inspect.inspectPlatformFiles([...files, 'other.node'], target), [
      'without THIRD-PARTY-NOTICES',
      'without verawebsockets.glibc.node',
      'with other.node',
    ]);
  });

  it('has a notice of everything that is linked in', () => {
    const notices = readFileSync(join(root, 'THIRD-PARTY-NOTICES'), 'utf8');
    assert.deepEqual(inspect.inspectNotices(notices), []);
    assert.deepEqual(inspect.inspectNotices(notices.replace(/OpenSSL/g, '')), [
      'no notice of OpenSSL',
    ]);
  });
});
