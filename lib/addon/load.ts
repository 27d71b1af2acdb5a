/**
 * Finds the addon's binary and loads it. In this order:
 *
 * 1. the file that VERAWEBSOCKETS_BINARY names, or else configure({ binary }), and no other
 * 2. build/Release, what a build from source leaves
 * 3. prebuilds/<platform>-<arch>/, for whoever puts one there, under prebuildify's names: of the tags between dots
 *    "glibc" or "musl" must be this process's, "armv6" or "armv7" at most this processor's
 * 4. the package for this platform (binaries.ts), an optional dependency of the published package
 * 5. in a bundle: the folder of 3 beside it, a file of such a name beside it, an asset of a single executable
 *    application, what the bundler put in the place of our literal paths (binaries.ts)
 */
import * as fs from 'node:fs';
import Module from 'node:module';
import * as os from 'node:os';
import * as path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runtimeName } from '../base/runtime';
import { documentation, VERSION } from '../base/version';
import { BINARIES, type Bundled } from './binaries';
import type { NativeAddon } from './contract';
import { currentLibc, glibcVersion, type Libc } from './libc';

const here = folderOfThisFile();
/** Of the package; in a bundle anything. */
const root = path.resolve(here, '..', '..');
const target = `${process.platform}-${process.arch}`;
const buildScript = path.join(root, 'scripts', 'build-addon.js');

let configured: string | undefined;

/** A bundler may have made an ES module of this, which has no __dirname: then the stack tells where it is. */
function folderOfThisFile(): string {
  if (typeof __dirname === 'string') return __dirname;
  const url = /file:\/\/[^\s)]+?(?=:\d+:\d+)/.exec(new Error().stack ?? '')?.[0];
  return path.dirname(url === undefined ? (process.argv[1] ?? '.') : fileURLToPath(url));
}

/** Names the binary to load; what VERAWEBSOCKETS_BINARY says goes first. */
export function configureBinary(file: string): void {
  configured = file;
}

/** Of the instruction set of a 32-bit ARM process; where it is not said, as in Debian's Node.js, the usual one. */
function armVersion(): number {
  const variables = process.config?.variables as { arm_version?: unknown } | undefined;
  const version = Number(variables?.arm_version);
  return version > 0 ? version : 7;
}

function fits(file: string, kind: Libc): boolean {
  const tags = path.basename(file).split('.').slice(0, -1);
  return tags.every((tag) => {
    // A bundler may have put a digest behind it.
    const libc = /^(glibc|musl)(?:-\w+)?$/.exec(tag)?.[1];
    if (libc !== undefined) return libc === kind;
    if (/^armv\d$/.test(tag)) return Number(tag.slice(4)) <= armVersion();
    return true;
  });
}

/** The binaries of a folder that fit. */
function filesIn(folder: string, kind: Libc, prefix = ''): string[] {
  let names: string[];
  try {
    names = fs.readdirSync(folder);
  } catch {
    return [];
  }
  const files = names.filter(
    (name) => name.startsWith(prefix) && name.endsWith('.node') && fits(name, kind),
  );
  // The most specific first: with more tags, and "armv7" before "armv6".
  const tags = (name: string): number => name.split('.').length;
  files.sort((a, b) => tags(b) - tags(a) || b.localeCompare(a));
  return files.map((name) => path.join(folder, name));
}

function load(file: string): unknown {
  // Not require(), whose cache outlives this copy of the package where test runners and bundlers load it several
  // times: each copy needs an instance of its own.
  const module: { exports: unknown } = { exports: {} };
  process.dlopen(module, file);
  return module.exports;
}

/** What a bundler left for us: the addon, whose `require` must not find it again for another copy, or a file's name. */
function loadBundled(left: unknown): unknown {
  if (left instanceof Error) throw left;
  const { default: inner } = Object(left) as { default?: unknown };
  if (inner !== undefined) return loadBundled(inner);
  if (typeof left === 'string')
    return load(left.startsWith('file:') ? fileURLToPath(left) : path.resolve(here, left));
  const { _cache: cache = {} } = Module as {
    _cache?: Record<string, { exports: unknown } | undefined>;
  };
  for (const [name, module] of Object.entries(cache)) {
    if (module?.exports === left) delete cache[name];
  }
  return left;
}

interface SingleExecutable {
  isSea(): boolean;
  getRawAsset(name: string): ArrayBuffer;
}

/** An asset has no file, which the system's loader wants: it gets one for a moment. */
function loadAsset(sea: SingleExecutable, name: string): unknown {
  const bytes = new Uint8Array(sea.getRawAsset(name));
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-'));
  const file = path.join(folder, name);
  try {
    fs.writeFileSync(file, bytes, { mode: 0o700 });
    return load(file);
  } finally {
    try {
      fs.rmSync(folder, { recursive: true });
    } catch {
      // Windows keeps a library that is loaded.
    }
  }
}

/** A place to load from: what messages call it, and how. */
interface Candidate {
  name: string;
  load(): unknown;
}

const fromFile = (file: string): Candidate => ({ name: file, load: () => load(file) });

/** Those for this process: none, or one. */
function known(kind: Libc): Bundled[] {
  return BINARIES.filter(({ file }) => file.startsWith(`${target}/`) && fits(file, kind));
}

/** Where an installed package has its binary; undefined if it is not installed. */
function installed({ package: name, file }: Bundled): string | undefined {
  try {
    // Not our own require(), in which bundlers would see this; and not a path, which Yarn's Plug'n'Play has none of.
    return Module.createRequire(path.join(here, 'load.js')).resolve(
      `${name}/${path.basename(file)}`,
    );
  } catch {
    return undefined;
  }
}

function fromPackages(kind: Libc): Candidate[] {
  return known(kind)
    .flatMap((binary) => installed(binary) ?? [])
    .map(fromFile);
}

function fromBundler(kind: Libc): Candidate[] {
  return known(kind).map((binary) => ({
    name: binary.file,
    load: () => loadBundled(binary.load()),
  }));
}

function fromAssets(kind: Libc): Candidate[] {
  const sea = process.getBuiltinModule?.('node:sea') as Partial<SingleExecutable> | undefined;
  if (!sea?.getRawAsset || !sea.isSea?.()) return [];
  const names = known(kind).map(({ file }) => path.basename(file));
  return [...names, 'verawebsockets.node'].map((name) => ({
    name,
    load: () => loadAsset(sea as SingleExecutable, name),
  }));
}

function* candidates(kind: Libc): Generator<Candidate> {
  const named = process.env.VERAWEBSOCKETS_BINARY || configured;
  if (named) {
    yield fromFile(path.resolve(named));
    return;
  }
  const built = path.join(root, 'build', 'Release', 'verawebsockets.node');
  if (fs.existsSync(built)) yield fromFile(built);
  yield* filesIn(path.join(root, 'prebuilds', target), kind).map(fromFile);
  yield* fromPackages(kind);
  yield* filesIn(path.join(here, 'prebuilds', target), kind).map(fromFile);
  yield* filesIn(here, kind, 'verawebsockets.').map(fromFile);
  // Before what asks for `require`, which such an application has for Node's own modules only, and warns of.
  yield* fromAssets(kind);
  yield* fromBundler(kind);
}

function checkVersion(addon: unknown): NativeAddon {
  const version = (addon as { version?: unknown } | undefined)?.version;
  if (version !== VERSION)
    throw new Error(`it is of version ${String(version)}, and the package of version ${VERSION}`);
  return addon as NativeAddon;
}

/** That there is none is the case for most of the places that are tried in a bundle, and worth no line. */
function isAbsence(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, name } = error as NodeJS.ErrnoException;
  if (code === 'MODULE_NOT_FOUND' || code === 'ERR_UNKNOWN_BUILTIN_MODULE') return true;
  if (code === 'ERR_SINGLE_EXECUTABLE_APPLICATION_ASSET_NOT_FOUND') return true;
  // "require is not defined", and what esbuild's stand-in for it says.
  return name === 'ReferenceError' || /^Dynamic require of/.test(error.message);
}

function describe(kind: Libc): string {
  const version = kind === 'glibc' ? glibcVersion() : undefined;
  const napi = `Node-API ${process.versions.napi}`;
  const details = [version ? `glibc ${version}` : kind, runtimeName(), napi];
  return `${target} (${details.filter(Boolean).join(', ')})`;
}

function fromSource(): string {
  const command = `node ${/\s/.test(buildScript) ? JSON.stringify(buildScript) : buildScript}`;
  const untested = process.platform === 'linux' ? '' : ' (never tried on this platform)';
  return `To build it from source${untested}: ${command}`;
}

/** "linux-x64 (glibc, musl), linux-arm (armv7 glibc), win32-x64" */
function offered(): string {
  const kinds = new Map<string, string[]>();
  for (const { file } of BINARIES) {
    const folder = path.dirname(file);
    const tags = path.basename(file).split('.').slice(1, -1).join(' ');
    kinds.set(folder, [...(kinds.get(folder) ?? []), tags]);
  }
  const named = [...kinds].map(([folder, tags]) => {
    const told = tags.filter(Boolean).join(', ');
    return told ? `${folder} (${told})` : folder;
  });
  return named.join(', ');
}

/** What to do about a package that is not installed: lines. */
function aboutPackage({ package: name }: Bundled): string[] {
  const others = BINARIES.filter((binary) => installed(binary) !== undefined);
  const names = others.map((binary) => binary.package).join(', ');
  const elsewhere = `node_modules is of another machine: it has ${names}`;
  const left = 'it was left out (npm --omit=optional), or the lock file is of another machine';
  return [
    `It comes with the optional dependency ${name}, which is not installed: ${others.length > 0 ? elsewhere : left}`,
    `To install it: npm install --save-optional ${name}@${VERSION}`,
  ];
}

function advice(kind: Libc, problems: string[]): string[] {
  if (!fs.existsSync(buildScript)) {
    const page = documentation('bundlers.md');
    return [`This copy is in a bundle, which has to bring the binary or name it: ${page}`];
  }
  if (problems.length > 0) return [fromSource()];
  const [wanted] = known(kind);
  const what = wanted ? aboutPackage(wanted) : [`There are binaries for ${offered()}`];
  return [...what, fromSource()];
}

function failure(kind: Libc, problems: string[], cause: unknown): Error {
  const why =
    problems.length > 0 ? `could not be loaded:\n  ${problems.join('\n  ')}` : 'is not there';
  const lines = [
    `verawebsockets: the binary for ${describe(kind)} ${why}`,
    ...advice(kind, problems),
  ];
  return Object.assign(new Error(lines.join('\n'), { cause }), { code: 'ERR_NO_BINARY' });
}

/**
 * An instance of the addon of its own for each call: whoever shared one would take the other's events.
 *
 * @throws Error with the code ERR_NO_BINARY when nothing fits.
 */
export function loadNative(): NativeAddon {
  const kind = currentLibc();
  const problems: string[] = [];
  let cause: unknown;
  for (const candidate of candidates(kind)) {
    try {
      return checkVersion(candidate.load());
    } catch (error) {
      if (isAbsence(error)) continue;
      cause = error;
      const [words = ''] = (error instanceof Error ? error.message : String(error)).split(
        /\r?\n/,
        1,
      );
      // The system's words begin with the file's name already, or have it behind them, on Windows, in a further line.
      problems.push(words.startsWith(candidate.name) ? words : `${candidate.name}: ${words}`);
    }
  }
  throw failure(kind, problems, cause);
}
