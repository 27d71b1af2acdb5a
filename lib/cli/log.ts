/** --log: the engine's log, above the line that is being typed. */
import { environment } from '../addon/environment';
import { LOG_LEVELS, setLogLevel } from '../functions/log';
import { UsageError } from './exit';

type Name = keyof typeof LOG_LEVELS;

/** @throws UsageError */
function levelsOf(text: string): number {
  if (/^\d+$/.test(text) && Number(text) <= LOG_LEVELS.ALL) return Number(text);
  return text.split(',').reduce((sum, word) => {
    const name = word.trim().toUpperCase();
    if (!Object.hasOwn(LOG_LEVELS, name)) {
      const names = Object.keys(LOG_LEVELS).join(', ').toLowerCase();
      throw new UsageError(`--log ${text}: needs some of ${names}, or a number up to 2047`);
    }
    return sum | LOG_LEVELS[name as Name];
  }, 0);
}

function nameOf(level: number): string {
  const found = Object.entries(LOG_LEVELS).find(([, bit]) => bit === level);
  return (found?.[0] ?? String(level)).toLowerCase();
}

/** @param say gets a line of the log, with its level in front. */
export function startLog(text: string, say: (line: string) => void): void {
  setLogLevel(environment().dispatcher, levelsOf(text), (level: number, line: string) =>
    say(`${nameOf(level)}: ${line}`),
  );
}
