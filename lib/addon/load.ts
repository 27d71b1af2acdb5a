/**
 * Finds the addon's binary and loads it. In this order:
 *
 * 1. the file that VERAWEBSOCKETS_BINARY names, and no other
 * 2. build/Release, what a build from source leaves
 * 3. prebuilds/<platform>-<arch>/, what the published package carries, under prebuildify's names: of the tags between
 *    dots "glibc" or "musl" must be this process's, "armv6" or "armv7" at most this processor's
 */
import * as fs from 'node:fs';
import * as path from 'node:path';
import { runtimeName } from '../base/runtime';
import type { NativeAddon } from './contract';

type Libc = 'glibc' | 'musl' | '';

const root = path.resolve(__dirname, '..', '..');
const target = `${process.platform}-${process.arch}`;

/** '' off Linux. */
function libc(): Libc {
  if (process.platform !== 'linux') return '';
  // What is mapped into the process is certain, and the same in every runtime. Its own report is neither, and slow.
  try {
    const maps = fs.readFileSync('/proc/self/maps', 'latin1');
    if (/\/(?:ld-musl-|libc\.musl-)/.test(maps)) return 'musl';
    if (/\/libc[.-][\d.]*so|\/ld-linux/.test(maps)) return 'glibc';
  } catch {
    // No /proc, or no permission to read it.
  }
  return glibcVersion() === undefined && fs.existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
}

/** Undefined where there is no glibc, and in runtimes that do not say. */
function glibcVersion(): string | undefined {
  const report = process.report as
    (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined;
  if (typeof report?.getReport !== 'function') return undefined;
  // Without this the report looks up the name of every peer there is a socket to.
  const before = report.excludeNetwork;
  try {
    report.excludeNetwork = true;
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime;
  } catch {
    return undefined;
  } finally {
    report.excludeNetwork = before ?? false;
  }
}

/** Of the instruction set of a 32-bit ARM process; where it is not said, as in Debian's Node.js, the usual one. */
function armVersion(): number {
  const variables = process.config?.variables as { arm_version?: unknown } | undefined;
  const version = Number(variables?.arm_version);
  return version > 0 ? version : 7;
}

function fits(file: string, kind: Libc): boolean {
  const tags = file.split('.').slice(0, -1);
  return tags.every((tag) => {
    if (tag === 'glibc' || tag === 'musl') return tag === kind;
    if (/^armv\d$/.test(tag)) return Number(tag.slice(4)) <= armVersion();
    return true;
  });
}

function prebuilt(kind: Libc): string[] {
  const folder = path.join(root, 'prebuilds', target);
  if (!fs.existsSync(folder)) return [];
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.node') && fits(file, kind));
  // The most specific first: with more tags, and "armv7" before "armv6".
  const tags = (file: string): number => file.split('.').length;
  files.sort((a, b) => tags(b) - tags(a) || b.localeCompare(a));
  return files.map((file) => path.join(folder, file));
}

function candidates(kind: Libc): string[] {
  const named = process.env.VERAWEBSOCKETS_BINARY;
  if (named) return [path.resolve(named)];
  const built = path.join(root, 'build', 'Release', 'verawebsockets.node');
  return [...(fs.existsSync(built) ? [built] : []), ...prebuilt(kind)];
}

function packageVersion(): string {
  const file = path.join(root, 'package.json');
  return (JSON.parse(fs.readFileSync(file, 'utf8')) as { version: string }).version;
}

function load(file: string): unknown {
  // Not require(), whose cache outlives this copy of the package where test runners and bundlers load it several
  // times: each copy needs an instance of its own.
  const module: { exports: { version?: unknown } } = { exports: {} };
  process.dlopen(module, file);
  const { version } = module.exports;
  const expected = packageVersion();
  if (version !== expected)
    throw new Error(`it is of version ${String(version)}, and the package of version ${expected}`);
  return module.exports;
}

function describe(kind: Libc): string {
  const version = kind === 'glibc' ? glibcVersion() : undefined;
  const napi = `Node-API ${process.versions.napi}`;
  const details = [version ? `glibc ${version}` : kind, runtimeName(), napi];
  return `${target} (${details.filter(Boolean).join(', ')})`;
}

function failure(kind: Libc, problems: string[], cause: unknown): Error {
  const why =
    problems.length > 0 ? `could not be loaded:\n  ${problems.join('\n  ')}` : 'is not there';
  const script = path.join(root, 'scripts', 'build-addon.js');
  const command = `node ${/\s/.test(script) ? JSON.stringify(script) : script}`;
  const untested = process.platform === 'linux' ? '' : ' (never tried on this platform)';
  return Object.assign(
    new Error(
      `verawebsockets: the binary for ${describe(kind)} ${why}\nTo build it from source${untested}: ${command}`,
      { cause },
    ),
    { code: 'ERR_NO_BINARY' },
  );
}

/**
 * An instance of the addon of its own for each call: whoever shared one would take the other's events.
 *
 * @throws Error with the code ERR_NO_BINARY when nothing fits.
 */
export function loadNative(): NativeAddon {
  const kind = libc();
  const problems: string[] = [];
  let cause: unknown;
  for (const file of candidates(kind)) {
    try {
      return load(file) as NativeAddon;
    } catch (error) {
      cause = error;
      const words = error instanceof Error ? error.message : String(error);
      // The system's words begin with the file's name already.
      problems.push(words.startsWith(file) ? words : `${file}: ${words}`);
    }
  }
  throw failure(kind, problems, cause);
}
