/** Which C library this process runs on: a binary of the package is made for one of them. */
import * as fs from 'node:fs';

/** '' off Linux. */
export type Libc = 'glibc' | 'musl' | '';

/** Of what is mapped into a process: the loader or the library itself, under every name it is installed by. */
const MUSL = /\/ld-musl-|\/libc\.musl-|\/libc\.so$/m;
const GLIBC = /\/libc\.so\.6|\/libc-2\.\d+\.so|\/ld-linux|\/ld-2\.\d+\.so|\/ld64?\.so\./;

function judge(names: string): Libc {
  // A program of glibc may run on musl, by gcompat: then both are there, and musl is the one that loads.
  if (MUSL.test(names)) return 'musl';
  return GLIBC.test(names) ? 'glibc' : '';
}

/** What is mapped is certain, the same in every runtime, and takes less than a millisecond. */
function fromMaps(): Libc {
  try {
    return judge(fs.readFileSync('/proc/self/maps', 'latin1'));
  } catch {
    // No /proc, or no permission to read it.
    return '';
  }
}

/** The loader that the program names in its head (ELF's PT_INTERP). */
function fromProgram(): Libc {
  let file: number | undefined;
  try {
    file = fs.openSync(process.execPath, 'r');
    const head = Buffer.alloc(4096);
    const length = fs.readSync(file, head, 0, head.length, 0);
    const names = head.toString('latin1', 0, length).split('\0');
    return judge(names.filter((name) => name.startsWith('/')).join('\n'));
  } catch {
    return '';
  } finally {
    if (file !== undefined) fs.closeSync(file);
  }
}

/** musl's loader is at a fixed place, on every distribution. */
function hasMuslLoader(): boolean {
  try {
    return fs.readdirSync('/lib').some((name) => name.startsWith('ld-musl-'));
  } catch {
    return false;
  }
}

/** The first of these that knows: what is mapped, the program's head, Node's report, which is slow, and /lib. */
export function currentLibc(): Libc {
  if (process.platform !== 'linux') return '';
  const known = fromMaps() || fromProgram();
  if (known) return known;
  return glibcVersion() === undefined && hasMuslLoader() ? 'musl' : 'glibc';
}

/** Undefined where there is no glibc, and in runtimes that do not say. */
export function glibcVersion(): string | undefined {
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
