/** How the command line ends: docs/cli.md has the table. */

export const EXIT = {
  done: 0,
  /** The connection could not be made, or was lost; the port could not be had. */
  failed: 1,
  /** The command line cannot be used, or a file that it names. */
  usage: 2,
  /** The other side closed with a code that means an error. */
  closed: 3,
  /** Fewer messages came than --count asked for. */
  tooFew: 4,
  /** Ended by SIGINT, as shells count. */
  interrupted: 130,
} as const;

/** What is wrong with the command line, in one line. */
export class UsageError extends Error {}

/** Whether the package has no binary for this machine; its words are longer than a line. */
export function isBinaryMissing(error: unknown): error is Error {
  return error instanceof Error && (error as NodeJS.ErrnoException).code === 'ERR_NO_BINARY';
}

/** What is wrong with options, which came from the command line. */
export function asUsageError(error: unknown): Error {
  return isBinaryMissing(error) ? error : new UsageError(wordsOf(error));
}

/** The first line of an error's message, for people. */
export function wordsOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return (text.split('\n', 1)[0] as string).trim() || 'an error without a message';
}

/** Close codes that are no error: 1000, 1001 (going away), 1005 (none was given). */
export function isNormalClose(code: number): boolean {
  return code === 1000 || code === 1001 || code === 1005;
}
