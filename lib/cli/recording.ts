/**
 * A recording: what was said on connections, one JSON object a line.
 *
 *   {"time":0.012,"peer":1,"direction":"sent","type":"text","data":"hello"}
 *
 * `time` is in seconds since the recording began. Bytes are in base64. docs/cli.md describes it.
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import { now } from '../base/runtime';
import { UsageError, wordsOf } from './exit';
import { readFile } from './settings';

export type Direction = 'sent' | 'received';

export interface Recorded {
  time: number;
  direction: Direction;
  type: 'text' | 'binary';
  data: string;
}

export class Recorder {
  private readonly file: number;
  private readonly start = now();

  /** @throws UsageError if the file cannot be written. */
  constructor(name: string) {
    try {
      this.file = openSync(name, 'w', 0o600);
    } catch (error) {
      throw new UsageError(`--record: ${wordsOf(error)}`);
    }
  }

  message(peer: number, direction: Direction, data: string | Buffer): void {
    const [type, content] =
      typeof data === 'string' ? ['text', data] : ['binary', data.toString('base64')];
    this.write({ peer, direction, type, data: content });
  }

  event(peer: number, event: 'open' | 'close', more: object = {}): void {
    this.write({ peer, event, ...more });
  }

  close(): void {
    closeSync(this.file);
  }

  private write(entry: object): void {
    const time = Number(((now() - this.start) / 1000).toFixed(6));
    writeSync(this.file, `${JSON.stringify({ time, ...entry })}\n`);
  }
}

function entryOf(line: string): Partial<Recorded> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? (entry as Partial<Recorded>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The messages that a recording has sent, each with its time in seconds from the first event of the file.
 *
 * @throws UsageError naming the line that cannot be used.
 */
export function readRecording(name: string): { time: number; data: string | Buffer }[] {
  const lines = readFile('replay', name).toString('utf8').split('\n');
  let begin: number | undefined;
  return lines.flatMap((line, i) => {
    if (line.trim() === '') return [];
    const entry = entryOf(line);
    const { time, direction, type, data } = entry ?? {};
    const isMessage = direction !== undefined;
    const known = (type === 'text' || type === 'binary') && typeof data === 'string';
    if (entry === undefined || typeof time !== 'number' || (isMessage && !known))
      throw new UsageError(`--replay ${name}: line ${i + 1} is none of a recording`);
    begin ??= time;
    if (direction !== 'sent' || data === undefined) return [];
    return [{ time: time - begin, data: type === 'text' ? data : Buffer.from(data, 'base64') }];
  });
}
