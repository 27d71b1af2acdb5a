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
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
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
    mkdirSync(join(copy, 'scripts'), { recursive: true });
    const changed = version || Object.keys(binaries).some((name) => name.startsWith('dist/'));
    if (changed) cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true });
    else symlinkSync(join(root, 'dist'), join(copy, 'dist'));
    symlinkSync(join(root, 'scripts', 'build-addon.js'), join(copy, 'scripts', 'build-addon.js'));
    if (version) {
      const file = join(copy, 'dist', 'base', 'version.js');
      const text = readFileSync(file, 'utf8');
      writeFileSync(file, text.replace(/(VERSION = ')[^']*/, `$1${version}`));
    }
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

  /** Loads it in a process of its own, after what `before` does there, and `first` with the library. */
  function load(
    copy: string,
    {
      before = '',
      first = '',
      env = {},
    }: { before?: string; first?: string; env?: NodeJS.ProcessEnv } = {},
  ): Answer {
    const program = `
      'use strict';
      let file;
      const { dlopen } = process;
      process.dlopen = (module, name) => { dlopen(module, name); file = name; };
      ${before}
      try {
        const library = require(${JSON.stringify(join(copy, 'dist'))});
        ${first}
        library.versions();
        console.log(JSON.stringify({ file: require('node:path').relative(${JSON.stringify(copy)}, file) }));
      } catch ({ code, message }) {
        console.log(JSON.stringify({ code, message }));
      }
    `;
    const environment = { ...process.env, ...env };
    if (!('VERAWEBSOCKETS_BINARY' in env)) delete environment.VERAWEBSOCKETS_BINARY;
    const child = spawnSync(process.execPath, ['--preserve-symlinks', '-e', program], {
      encoding: 'utf8',
      cwd: tmpdir(),
      env: environment,
    });
    assert.equal(child.status, 0, child.stderr);
    return JSON.parse(child.stdout) as Answer;
  }

  const prebuild = (tags: string, where = target) =>
    `prebuilds/${where}/verawebsockets${tags}.node`;
  /** In a platform package, which lies in node_modules here. */
  const packaged = (tags: string, name = target) =>
    `node_modules/@verawebsockets/${name}/verawebsockets${tags}.node`;
  const built = 'build/Release/verawebsockets.node';

  it('takes the prebuilt binary of this libc', () => {
    const copy = makePackage({ [prebuild('.glibc')]: 'good', [prebuild('.musl')]: 'junk' });
    assert.deepEqual(load(copy), { file: prebuild('.glibc') });
  });

  it('takes one without tags where no other fits', () => {
    const copy = makePackage({ [prebuild('')]: 'good', [prebuild('.musl')]: 'junk' });
    assert.deepEqual(load(copy), { file: prebuild('') });
  });

  it('takes the package for this platform, of this libc', () => {
    const musl = packaged('.musl', `${target}-musl`);
    const copy = makePackage({ [packaged('.glibc')]: 'good', [musl]: 'junk' });
    assert.deepEqual(load(copy), { file: packaged('.glibc') });
  });

  it('prefers what was built from source to it, then what is in prebuilds/', () => {
    const all = { [prebuild('.glibc')]: 'good', [packaged('.glibc')]: 'good' } as const;
    assert.deepEqual(load(makePackage({ ...all, [built]: 'good' })), { file: built });
    assert.deepEqual(load(makePackage(all)), { file: prebuild('.glibc') });
    const broken = makePackage({ ...all, [built]: 'junk', [prebuild('.glibc')]: 'junk' });
    assert.deepEqual(load(broken), { file: packaged('.glibc') });
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

  it('takes what configure({ binary }) names, and nothing else', () => {
    const copy = makePackage({ [built]: 'junk', 'elsewhere.node': 'good', 'junk.node': 'junk' });
    const file = JSON.stringify(join(copy, 'elsewhere.node'));
    for (const named of [file, `require('node:url').pathToFileURL(${file})`]) {
      const first = `library.configure({ binary: ${named}, service: 'thread' });`;
      assert.deepEqual(load(copy, { first }), { file: 'elsewhere.node' });
    }
    const other = makePackage({ [built]: 'good' });
    const first = `library.configure({ binary: 'nowhere.node' });`;
    const wrong = load(other, { first });
    assert.equal(wrong.code, 'ERR_NO_BINARY');
    assert.ok(wrong.message?.includes(join(tmpdir(), 'nowhere.node')), wrong.message);
    // Whoever runs the program has the last word.
    const env = { VERAWEBSOCKETS_BINARY: join(copy, 'elsewhere.node') };
    const junk = `library.configure({ binary: ${JSON.stringify(join(copy, 'junk.node'))} });`;
    assert.deepEqual(load(copy, { first: junk, env }), { file: 'elsewhere.node' });
  });

  it('refuses configure({ binary }) once the addon has been loaded, and what names no file', () => {
    const copy = makePackage({ [built]: 'good' });
    const late = load(copy, { first: `library.versions(); library.configure({ binary: 'x' });` });
    assert.equal(late.code, 'ERR_ENGINE_STARTED');
    assert.match(late.message ?? '', /^configure\(\{ binary \}\) must come before everything else/);
    for (const [value, code] of [
      ['7', 'ERR_INVALID_ARG_TYPE'],
      [`''`, 'ERR_INVALID_ARG_VALUE'],
      [`new URL('http://h/x.node')`, 'ERR_INVALID_ARG_TYPE'],
    ])
      assert.equal(load(copy, { first: `library.configure({ binary: ${value} });` }).code, code);
  });

  it('in a bundle takes what lies beside it, and says what to do if there is nothing', () => {
    const copy = makePackage({});
    rmSync(join(copy, 'scripts'), { recursive: true });
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    assert.match(
      message.split('\n')[1] ?? '',
      /^This copy is in a bundle, .* https:\/\/\S+@\d+\.\d+\.\d+\S*\/docs\/bundlers\.md$/,
    );
    for (const file of ['verawebsockets.glibc.node', prebuild('.glibc')]) {
      const beside = makePackage({ [`dist/addon/${file}`]: 'good' });
      assert.deepEqual(load(beside), { file: `dist/addon/${file}` });
    }
  });

  it('in a bundle leaves what is for another C library, whatever digest its name has', () => {
    const others = { 'dist/addon/verawebsockets.musl-Q3ZT6ABC.node': 'junk' } as const;
    assert.match(load(makePackage(others)).message ?? '', /is not there/);
    const file = 'dist/addon/verawebsockets.glibc-M5WNXABC.node';
    assert.deepEqual(load(makePackage({ ...others, [file]: 'good' })), { file });
  });

  it('in a bundle gives each copy of it an instance of its own', () => {
    // As esbuild leaves it: a require() of a file beside it, which Node would answer with the same object again.
    const copy = makePackage({ 'dist/addon/copied.node': 'good' });
    rmSync(join(copy, 'scripts'), { recursive: true });
    const file = join(copy, 'dist', 'addon', 'binaries.js');
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.replace(/require\('[^']*\.node'\)/g, `require('./copied.node')`));
    const dist = JSON.stringify(join(copy, 'dist', 'addon', 'environment'));
    const first = `
      const instances = [1, 2].map(() => {
        for (const name of Object.keys(require.cache)) if (/\\.js$/.test(name)) delete require.cache[name];
        return require(${dist}).environment().addon;
      });
      if (instances[0] === instances[1]) throw new Error('both got the same');
    `;
    assert.deepEqual(load(copy, { first }), { file: 'dist/addon/copied.node' });
  });

  it('has a literal path to the binary of each platform package, and no other', () => {
    // eslint-disable-next-line @typescript-eslint/no-require-imports
    const { TARGETS } = require(join(root, 'scripts', 'targets')) as {
      TARGETS: { file: string; package: string; platform: string; arch: string }[];
    };
    // As bundlers see it.
    const source = readFileSync(join(root, 'dist', 'addon', 'binaries.js'), 'utf8');
    const entries = source.split(/\n {4}\{\n/).slice(1);
    assert.deepEqual(
      entries.map((entry) => /require\('(.*)'\)/.exec(entry)?.[1]),
      TARGETS.map((of) => `${of.package}/${basename(of.file)}`),
    );
    for (const [i, { file, platform, arch, package: name }] of TARGETS.entries()) {
      const entry = entries[i] as string;
      assert.ok(entry.includes(`file: '${file.replace(/^prebuilds\//, '')}'`), entry);
      assert.ok(entry.includes(`package: '${name}'`), entry);
      assert.ok(
        entry.includes(`process.platform === '${platform}' && process.arch === '${arch}'`),
        entry,
      );
    }
  });

  it('is of the version of package.json, compiled in', () => {
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      version: string;
    };
    const copy = makePackage({ [built]: 'good' }, version);
    assert.deepEqual(load(copy), { file: built });
    const source = readFileSync(join(root, 'lib', 'base', 'version.ts'), 'utf8');
    assert.ok(source.includes(`VERSION = '${version}'`), `${version}: node scripts/version.js`);
  });

  it('names platform, libc, Node.js, the package to install and the command that builds it', () => {
    const copy = makePackage({ [prebuild('.musl')]: 'good' });
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    const [first, second, third, fourth] = message.split('\n');
    assert.ok(
      first?.startsWith(`verawebsockets: the binary for ${target} (glibc `) &&
        first.endsWith(
          `, Node.js ${process.versions.node}, Node-API ${process.versions.napi}) is not there`,
        ),
      first,
    );
    const name = `@verawebsockets/${target}`;
    assert.equal(
      second,
      `It comes with the optional dependency ${name}, which is not installed: ` +
        'it was left out (npm --omit=optional), or the lock file is of another machine',
    );
    assert.match(
      third ?? '',
      /^To install it: npm install --save-optional @\S+\/\S+@\d+\.\d+\.\d+/,
    );
    assert.ok(third?.includes(` ${name}@`), third);
    const script = JSON.stringify(join(copy, 'scripts', 'build-addon.js'));
    assert.equal(fourth, `To build it from source: node ${script}`);
  });

  it('says so where the packages are those of another machine', () => {
    const musl = packaged('.musl', `${target}-musl`);
    const arm = packaged('.armv7.glibc', 'linux-arm');
    const { message = '' } = load(makePackage({ [musl]: 'good', [arm]: 'good' }));
    assert.ok(
      message.includes(
        `: node_modules is of another machine: it has @verawebsockets/${target}-musl, @verawebsockets/linux-arm\n`,
      ),
      message,
    );
  });

  it('names what there is on a platform that has no package', () => {
    const before = `Object.defineProperty(process, 'arch', { value: 'loong64' });`;
    const { code, message = '' } = load(makePackage({}), { before });
    assert.equal(code, 'ERR_NO_BINARY');
    assert.match(
      message.split('\n')[1] ?? '',
      /^There are binaries for linux-x64 \(glibc, musl\), .*linux-arm \(armv7 glibc\), .*, win32-x64, darwin-x64, darwin-arm64$/,
    );
    assert.match(message, /\nTo build it from source: node /);
  });

  for (const platform of ['freebsd', 'sunos', 'android']) {
    it(`names no C library, but what there is, on ${platform}`, () => {
      const before = `Object.defineProperty(process, 'platform', { value: '${platform}' });`;
      const copy = makePackage({ [packaged('.glibc')]: 'good', [prebuild('.glibc')]: 'good' });
      const { code, message = '' } = load(copy, { before });
      assert.equal(code, 'ERR_NO_BINARY');
      const [first = '', second = '', third = ''] = message.split('\n');
      const where = `${platform}-${process.arch} (Node.js ${process.versions.node}, `;
      assert.ok(first.startsWith(`verawebsockets: the binary for ${where}`), first);
      assert.match(second, /^There are binaries for linux-x64 \(glibc, musl\), /);
      assert.match(third, /^To build it from source \(never tried on this platform\): node /);
    });
  }

  it('says which file could not be loaded, and why', () => {
    const copy = makePackage({ [prebuild('.glibc')]: 'junk' });
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    assert.ok(
      message.includes(`could not be loaded:\n  ${join(copy, prebuild('.glibc'))}: `),
      message,
    );
  });

  it('says why in one line where the system, as Windows, takes another for the name', () => {
    const copy = makePackage({ [prebuild('.glibc')]: 'junk' });
    const words = "'Module not found.\\r\\n' + name";
    const before = `process.dlopen = (module, name) => { throw new Error(${words}); };`;
    const { message = '' } = load(copy, { before });
    const file = join(copy, prebuild('.glibc'));
    assert.equal(message.split('\n')[1], `  ${file}: Module not found.`);
    assert.match(message.split('\n')[2] ?? '', /^To build it from source: /);
  });

  it('refuses a binary of another version', () => {
    const copy = makePackage({ [built]: 'good' }, '99.0.0');
    const { code, message = '' } = load(copy);
    assert.equal(code, 'ERR_NO_BINARY');
    assert.match(message, /is of version \d+\.\d+\.\d+\S*, and the package of version 99\.0\.0/);
  });

  /** As if Node's process had this mapped; undefined: as if there were no /proc. */
  const mapped = (line: string | undefined): string => `
    const fs = require('node:fs');
    const { readFileSync } = fs;
    fs.readFileSync = (file, ...rest) => {
      if (file !== '/proc/self/maps') return readFileSync(file, ...rest);
      ${line === undefined ? `throw new Error('ENOENT');` : `return ${JSON.stringify(line)};`}
    };
  `;
  /** As if Node's program named this loader, or none. */
  const loader = (name: string): string => `
    require('node:fs').readSync = (file, buffer) => buffer.write('\\x7fELF\\0' + ${JSON.stringify(name)} + '\\0GNU');
  `;
  const maps = (file: string) => `7f00-7f01 r--p 00000000 08:01 1 ${file}\n7f02-7f03 rw-p 00 00 0`;

  describe('on musl', () => {
    for (const [where, file] of [
      ['Alpine', '/lib/ld-musl-x86_64.so.1'],
      ['Void, and as musl installs itself', '/usr/lib/libc.so'],
      ['Debian', '/usr/lib/x86_64-linux-musl/libc.so'],
      ['Alpine with gcompat', '/lib/ld-linux-x86-64.so.2\n7f /lib/ld-musl-x86_64.so.1'],
    ] as const) {
      it(`takes the binary of musl: ${where}`, () => {
        const copy = makePackage({ [prebuild('.glibc')]: 'junk', [prebuild('.musl')]: 'good' });
        assert.deepEqual(load(copy, { before: mapped(maps(file)) }), { file: prebuild('.musl') });
      });
    }

    it('without /proc goes by what the program is linked to', () => {
      const copy = makePackage({ [prebuild('.glibc')]: 'junk', [prebuild('.musl')]: 'good' });
      const before = mapped(undefined) + loader('/lib/ld-musl-aarch64.so.1');
      assert.deepEqual(load(copy, { before }), { file: prebuild('.musl') });
    });

    it('without either goes by the report, and by what is in /lib', () => {
      const copy = makePackage({ [prebuild('.glibc')]: 'junk', [prebuild('.musl')]: 'good' });
      const before = `${mapped(undefined)}${loader('')}
        process.report.getReport = () => ({ header: {} });
        fs.readdirSync = ((original) => (folder, ...rest) => folder === '/lib'
          ? ['apk', 'ld-musl-armhf.so.1'] : original(folder, ...rest))(fs.readdirSync);`;
      assert.deepEqual(load(copy, { before }), { file: prebuild('.musl') });
    });

    it('names it if there is none', () => {
      const before = mapped(maps('/lib/ld-musl-x86_64.so.1'));
      const { message = '' } = load(makePackage({ [prebuild('.glibc')]: 'good' }), { before });
      assert.ok(message.includes(`${target} (musl, `), message);
    });

    it('takes no package of glibc, and names the one of musl', () => {
      const before = mapped(maps('/lib/ld-musl-x86_64.so.1'));
      const { code, message = '' } = load(makePackage({ [packaged('.glibc')]: 'good' }), {
        before,
      });
      assert.equal(code, 'ERR_NO_BINARY');
      const [, second = '', third = ''] = message.split('\n');
      assert.equal(
        second,
        `It comes with the optional dependency @verawebsockets/${target}-musl, which is not installed: ` +
          `node_modules is of another machine: it has @verawebsockets/${target}`,
      );
      assert.match(third, / --save-optional @verawebsockets\/\S+-musl@\d+\.\d+\.\d+/);
    });
  });

  describe('on glibc', () => {
    for (const [where, file] of [
      ['Debian', '/usr/lib/x86_64-linux-gnu/libc.so.6'],
      ['before 2.34', '/lib/x86_64-linux-gnu/libc-2.28.so'],
      ['Nix', '/nix/store/0a-glibc-2.38-27/lib/ld-linux-x86-64.so.2'],
      ['Guix', '/gnu/store/0b-glibc-2.35/lib/libc.so.6'],
      ['MIPS', '/lib/mipsel-linux-gnu/ld-2.28.so'],
      ['s390x', '/lib/ld64.so.1'],
    ] as const) {
      it(`takes its binary: ${where}`, () => {
        const copy = makePackage({ [prebuild('.glibc')]: 'good', [prebuild('.musl')]: 'junk' });
        assert.deepEqual(load(copy, { before: mapped(maps(file)) }), { file: prebuild('.glibc') });
      });
    }

    it('without /proc goes by what the program is linked to, and by the report', () => {
      const copy = makePackage({ [prebuild('.glibc')]: 'good', [prebuild('.musl')]: 'junk' });
      for (const name of ['/lib64/ld-linux-x86-64.so.2', '/nowhere']) {
        const before = mapped(undefined) + loader(name);
        assert.deepEqual(load(copy, { before }), { file: prebuild('.glibc') });
      }
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
