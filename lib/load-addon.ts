/**
 * Finds the addon's binary and loads it. In this order:
 *
 * 1. the file that VERAWEBSOCKETS_BINARY names, and no other
 * 2. build/Release, what a build from source leaves
 * 3. prebuilds/<platform>-<arch>/, what the published package carries; a name may hold "glibc" or
 *    "musl", and for arm "armv6" or "armv7"
 */
import * as fs from 'node:fs';
import * as path from 'node:path';

const root = path.resolve(__dirname, '..');
const target = `${process.platform}-${process.arch}`;

/** "glibc", "musl", or '' off Linux. */
function libc(): string {
  if (process.platform !== 'linux') return '';
  if (glibcVersion()) return 'glibc';
  // A process of musl's has musl's loader mapped; one of glibc's never has.
  try {
    return /\/(?:ld-musl-|libc\.musl-)/.test(fs.readFileSync('/proc/self/maps', 'latin1'))
      ? 'musl'
      : 'glibc';
  } catch {
    return fs.existsSync('/etc/alpine-release') ? 'musl' : 'glibc';
  }
}

/** Undefined where there is no glibc, and in runtimes that do not say. */
function glibcVersion(): string | undefined {
  const report = process.report as
    (NodeJS.ProcessReport & { excludeNetwork?: boolean }) | undefined;
  if (typeof report?.getReport !== 'function') return undefined;
  // Without this the report looks up the name of every peer there is a socket to.
  const before = report.excludeNetwork;
  report.excludeNetwork = true;
  try {
    const { header } = report.getReport() as { header?: { glibcVersionRuntime?: string } };
    return header?.glibcVersionRuntime;
  } catch {
    return undefined;
  } finally {
    report.excludeNetwork = before ?? false;
  }
}

function fits(file: string, kind: string): boolean {
  const tags = file.split('.').slice(0, -1);
  const armVersion = String(
    (process.config?.variables as { arm_version?: unknown })?.arm_version ?? '7',
  );
  return tags.every((tag) => {
    if (tag === 'glibc' || tag === 'musl') return tag === kind;
    if (/^armv\d$/.test(tag)) return Number(tag.slice(4)) <= Number(armVersion);
    return true;
  });
}

function candidates(kind: string): string[] {
  const named = process.env.VERAWEBSOCKETS_BINARY;
  if (named) return [path.resolve(named)];
  const built = path.join(root, 'build', 'Release', 'verawebsockets.node');
  if (fs.existsSync(built)) return [built];
  const folder = path.join(root, 'prebuilds', target);
  if (!fs.existsSync(folder)) return [];
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.node') && fits(file, kind));
  // The most specific first: "armv7" before "armv6" before neither.
  return files.sort((a, b) => b.localeCompare(a)).map((file) => path.join(folder, file));
}

function describe(kind: string): string {
  const details = [
    kind,
    glibcVersion(),
    `Node ${process.versions.node}`,
    `Node-API ${process.versions.napi}`,
  ];
  return `${target} (${details
    .filter(Boolean)
    .join(', ')
    .replace(/^glibc, (?=\d)/, 'glibc ')})`;
}

/** Loads the addon; throws an Error with the code ERR_NO_BINARY when nothing fits. */
export function loadAddon(): unknown {
  const kind = libc();
  const problems: string[] = [];
  let cause: unknown;
  for (const file of candidates(kind)) {
    try {
      // Not require(), whose cache outlives this copy of the package where test runners and bundlers load it several
      // times: each copy needs an instance of its own.
      const module: { exports: unknown } = { exports: {} };
      process.dlopen(module, file);
      return module.exports;
    } catch (error) {
      cause = error;
      problems.push(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const why =
    problems.length > 0 ? `could not be loaded:\n  ${problems.join('\n  ')}` : 'is not there';
  const command = `node ${path.join(root, 'scripts', 'build-addon.js')}`;
  const message = `verawebsockets: the binary for ${describe(kind)} ${why}\nTo build it from source: ${command}`;
  throw Object.assign(new Error(message, { cause }), { code: 'ERR_NO_BINARY' });
}
