/**
 * Where lines come from and where they go: a terminal, on which what arrives is printed above the line that is being
 * typed, or pipes, where the standard output has what was received and nothing else.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import {
  createInterface,
  cursorTo,
  clearScreenDown,
  moveCursor,
  type Interface,
} from 'node:readline';

const COLOURS = { received: 34, control: 32, error: 33 } as const;
type Kind = keyof typeof COLOURS;

/** Lines of history that are kept. */
const HISTORY = 1000;

/** What a server sends must not steer the terminal: control characters but line ends and tabs are spelt out. */
function harmless(text: string): string {
  return text.replace(/\p{Cc}/gu, (character) => {
    if (character === '\n' || character === '\t') return character;
    return `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

export class Terminal {
  private readonly toTerminal = process.stdout.isTTY === true;
  private readonly colours: boolean;
  private reader: Interface | undefined;
  private passed: (() => void)[] = [];

  /** @param asks whether lines are typed, if there is a terminal. */
  constructor({ color, asks }: { color: boolean; asks: boolean }) {
    const { NO_COLOR, TERM } = process.env;
    this.colours = color && !NO_COLOR && TERM !== 'dumb' && this.toTerminal;
    this.interactive = asks && this.toTerminal && process.stdin.isTTY === true;
    // Who reads us has had enough, as in "| head -1".
    process.stdout.on('error', () => process.exit());
    process.stdout.on('drain', () => {
      for (const callback of this.passed.splice(0)) callback();
    });
  }

  /** Whether somebody types, and reads what we print. */
  readonly interactive: boolean;

  /** Begins to read lines; what is typed is edited, and has a history. */
  read(on: { line(text: string): void; end(): void; interrupt(): void }): void {
    const reader = createInterface({
      input: process.stdin,
      ...(this.interactive
        ? { output: process.stdout, historySize: HISTORY, history: readHistory() }
        : { crlfDelay: Infinity }),
      prompt: this.paint('control', '> '),
      terminal: this.interactive,
    });
    this.reader = reader;
    reader.on('line', (line) => {
      if (this.interactive && line !== '') keepHistory(line);
      on.line(line);
      this.prompt();
    });
    reader.on('close', () => {
      this.reader = undefined;
      on.end();
    });
    reader.on('SIGINT', () => on.interrupt());
    this.prompt();
  }

  /** No lines for the time being. */
  pause(): void {
    this.reader?.pause();
  }

  resume(): void {
    this.reader?.resume();
  }

  close(): void {
    const { reader } = this;
    if (!reader) return;
    this.reader = undefined;
    reader.removeAllListeners('close');
    if (this.interactive) this.clear();
    reader.close();
  }

  /** A message that arrived. The callback is called when there is room for more, at once if there is. */
  received(text: string, from: string, room: () => void): boolean {
    const shown = this.toTerminal ? harmless(text) : text;
    const mark = this.toTerminal ? `${from}< ` : from;
    return this.print('received', mark + shown, room);
  }

  /** What happens: for people only. */
  control(text: string): void {
    if (this.toTerminal) this.print('control', harmless(text));
  }

  /** What somebody asked for, and what went wrong: not into the standard output, which has messages. */
  note(text: string, kind: Kind = 'control'): void {
    if (this.toTerminal) this.print(kind, harmless(text));
    else process.stderr.write(`${text}\n`);
  }

  error(text: string): void {
    this.note(`error: ${text}`, 'error');
  }

  private print(kind: Kind, text: string, room?: () => void): boolean {
    if (this.reader && this.interactive) this.clear();
    const more = process.stdout.write(`${this.paint(kind, text)}\n`);
    if (!more && room) this.passed.push(room);
    this.prompt();
    return more;
  }

  private prompt(): void {
    if (this.interactive) this.reader?.prompt(true);
  }

  /** Takes the line that is being typed off the screen, which may be several rows. */
  private clear(): void {
    const rows = this.reader?.getCursorPos().rows ?? 0;
    moveCursor(process.stdout, 0, -rows);
    cursorTo(process.stdout, 0);
    clearScreenDown(process.stdout);
  }

  private paint(kind: Kind, text: string): string {
    return this.colours ? `\x1b[${COLOURS[kind]}m${text}\x1b[39m` : text;
  }
}

/** Lines of earlier days, the newest first: only where a file is named, since messages may hold secrets. */
function readHistory(): string[] {
  const file = process.env.VERAWEBSOCKETS_HISTORY;
  if (!file) return [];
  try {
    const lines = readFileSync(file, 'utf8').split('\n').filter(Boolean);
    return lines.slice(-HISTORY).reverse();
  } catch {
    return [];
  }
}

function keepHistory(line: string): void {
  const file = process.env.VERAWEBSOCKETS_HISTORY;
  if (!file) return;
  try {
    appendFileSync(file, `${line}\n`, { mode: 0o600 });
  } catch {
    // It is not worth a word on each line.
  }
}

/** Asks for what is not to be seen. */
export async function askSecret(question: string): Promise<string> {
  if (!process.stdin.isTTY) return '';
  return await new Promise((resolve) => {
    // It shows nothing where there is no output; the question comes when it is ready.
    const reader = createInterface({ input: process.stdin, terminal: true });
    process.stderr.write(question);
    reader.on('line', (line) => {
      reader.close();
      process.stderr.write('\n');
      resolve(line);
    });
    reader.on('SIGINT', () => process.exit(130));
  });
}
