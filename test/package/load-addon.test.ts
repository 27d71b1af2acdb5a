/**
 * Which binary a package loads, and what it says if none fits: on copies of the package with other binaries in them.
 */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { root } from '../support/root';

const good =
  process.env.VERAWEBSOCKETS_BINARY ?? join(root, 'build', 'Release', 'verawebsockets.node');
const target = `${process.platform}-${process.arch}`;

describe('loading the addon', () => {
  let folder: string;
  let count = 0;

  // Beside the checkout's own build, so that binaries can be hard links.
  before(() => {
    folder = mkdtempSync(join(dirname(good), 'packages-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** A package with these binaries below its root: the real one, or a file that is none. */
  function makePackage(binaries: Record<string, 'good' | 'junk'>, version?: string): string {
    const copy = join(folder, `package ${++count}`);
    cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as object;
    writeFileSync(
      join(copy, 'package.json'),
      JSON.stringify({ ...manifest, ...(version ? { version } : {}) }),
    );
    for (const [name, kind] of Object.entries(binaries)) {
      const file = join(copy, name);
      mkdirSync(dirname(file), { recursive: true });
      if (kind === 'good') linkSync(good, file);
      else writeFileSync(file, 'no binary');
    }
    return copy;
  }

  interface Answer {
    /** The file that was loaded, below the package's root. */
    file?: string;
    code?: string;
    message?: string;
  }

  /** Loads it in a process of its own, after what `before` does there. */
  function load(
    copy: string,
    { before = '', env = {} }: { before?: string; env?: NodeJS.ProcessEnv } = {},
  ): Answer {
    const program = `
      'use strict';
      let file;
      const { dlopen } = process;
      process.dlopen = (module, name) => { dlopen(module, name); file = name; };
      ${before}
      try {
        require(${JSON.stringify(join(copy, 'dist'))}).versions();
        console.log(JSON.stringify({ file: require('node:path').relative(${JSON.stringify(copy)}, file) }));
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }
    `;
    const environment = { ...process.env, ...env };
    if (!('VERAWEBSOCKETS_BINARY' in env)) delete environment.VERAWEBSOCKETS_BINARY;
    const child = spawnSync(process.execPath, ['-e', program], {
      encoding: 'utf8',
      cwd: tmpdir(),
      env: environment,
    });
    assert.equal(child.status, 0, child.stderr);
    return JSON.parse(child.stdout) as Answer;
  }

  const prebuild = (tags: string, where = target) =>
    `prebuilds/${where}/verawebsockets${tags}.node`;
  const built = 'build/Release/verawebsockets.node';

  it('takes the prebuilt binary of this libc', () => {
    const copy = makePackage({ [prebuild('.glibc')]: 'good', [prebuild('.musl')]: 'junk' });
    assert.deepEqual(load(copy), { file: prebuild('.glibc') });
  });

  it('takes one without tags where no other fits', () => {
    const copy = makePackage({ [prebuild('')]: 'good', [prebuild('.musl')]: 'junk' });
    assert.deepEqual(load(copy), { file: prebuild('') });
  });

  it('prefers what was built from source', () => {
    const copy = makePackage({ [built]: 'good', [prebuild('.glibc')]: 'junk' });
    assert.deepEqual(load(copy), { file: built });
  });

  it('falls back on the prebuilt one if what was built from source belongs elsewhere', () => {
    const copy = makePackage({ [built]: 'junk', [prebuild('.glibc')]: 'good' });
    assert.deepEqual(load(copy), { file: prebuild('.glibc') });
  });

  it('takes what VERAWEBSOCKETS_BINARY names, and nothing else', () => {
    const copy = makePackage({ [built]: 'junk', 'elsewhere.node': 'good' });
    const env = { VERAWEBSOCKETS_BINARY: join(copy, 'elsewhere.node') };
    assert.deepEqual(load(copy, { env }), { file: 'elsewhere.node' });
    const other = makePackage({ [built]: 'good' });
    const wrong = load(other, { env: { VERAWEBSOCKETS_BINARY: join(other, 'nowhere.node') } });
    assert.equal(wrong.code, 'ERR_NO_BINARY');
    assert.match(wrong.message ?? '', /nowhere\.node/);
  });

  it('names platform, libc, Node.js and the command that builds it if there is none', () => {
    const copy = makePackage({ [prebuild('.musl')]: 'good' });
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    const [first, second] = message.split('\n');
    assert.ok(
      first?.startsWith(`verawebsockets: the binary for ${target} (glibc `) &&
        first.endsWith(
          `, Node.js ${process.versions.node}, Node-API ${process.versions.napi}) is not there`,
        ),
      first,
    );
    const script = JSON.stringify(join(copy, 'scripts', 'build-addon.js'));
    assert.equal(second, `To build it from source: node ${script}`);
  });

  it('says which file could not be loaded, and why', () => {
    const copy = makePackage({ [prebuild('.glibc')]: 'junk' });
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    assert.ok(
      message.includes(`could not be loaded:\n  ${join(copy, prebuild('.glibc'))}: `),
      message,
    );
  });

  it('refuses a binary of another version', () => {
    const copy = makePackage({ [built]: 'good' }, '99.0.0');
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    assert.match(message, /is of version \d+\.\d+\.\d+\S*, and the package of version 99\.0\.0/);
  });

  describe('on musl', () => {
    const before = `
      const fs = require('node:fs');
      const { readFileSync } = fs;
      fs.readFileSync = (file, ...rest) => file === '/proc/self/maps'
        ? '7f00-7f01 r--p 00000000 08:01 1 /lib/ld-musl-x86_64.so.1' : readFileSync(file, ...rest);
    `;

    it('takes the binary of musl', () => {
      const copy = makePackage({ [prebuild('.glibc')]: 'junk', [prebuild('.musl')]: 'good' });
      assert.deepEqual(load(copy, { before }), { file: prebuild('.musl') });
    });

    it('names it if there is none', () => {
      const { message = '' } = load(makePackage({ [prebuild('.glibc')]: 'good' }), { before });
      assert.ok(message.includes(`${target} (musl, `), message);
    });
  });

  describe('on 32-bit ARM', () => {
    const onArm = (version: string) => `
      Object.defineProperty(process, 'arch', { value: 'arm' });
      Object.defineProperty(process, 'config', { value: { variables: { arm_version: '${version}' } } });
    `;
    const where = `${process.platform}-arm`;

    it('leaves ARMv7 to ARMv7', () => {
      const six = prebuild('.armv6.glibc', where);
      const copy = makePackage({ [prebuild('.armv7.glibc', where)]: 'junk', [six]: 'good' });
      assert.deepEqual(load(copy, { before: onArm('6') }), { file: six });
    });

    for (const version of ['7', 'default']) {
      it(`prefers ARMv7 where the processor's version is "${version}"`, () => {
        const seven = prebuild('.armv7.glibc', where);
        const copy = makePackage({ [seven]: 'good', [prebuild('.armv6.glibc', where)]: 'junk' });
        assert.deepEqual(load(copy, { before: onArm(version) }), { file: seven });
      });
    }
  });
});
