/** The command line as a process: with pipes, or in a terminal. */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { root } from '../../support/root';
import { screenOf } from './screen';

const main = join(root, 'dist', 'cli', 'main.js');
const inTerminal = join(root, 'test', 'cli', 'support', 'in_terminal.py');
/** How long something may take to be shown, in ms: less than a test may take, so that it is told what was. */
const PATIENCE = 8000;

export interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

function environment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = { ...process.env, TERM: 'xterm', ...more };
  if (!('NO_COLOR' in more)) delete env.NO_COLOR;
  if (!('VERAWEBSOCKETS_HISTORY' in more)) delete env.VERAWEBSOCKETS_HISTORY;
  return env;
}

export class Program {
  stdout = '';
  stderr = '';
  readonly ended: Promise<Ended>;
  readonly child: ChildProcessWithoutNullStreams;
  private watchers: (() => void)[] = [];

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const child = spawn(command, args, { env: environment(env) });
    this.child = child;
    child.stdin.on('error', () => {});
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        this[name] += text;
        for (const watcher of [...this.watchers]) watcher();
      });
    }
    this.ended = new Promise((resolve) => {
      child.once('close', (code) => {
        const { stdout, stderr } = this;
        resolve({ code, stdout, stderr });
        for (const watcher of [...this.watchers]) watcher();
      });
    });
  }

  write(text: string): void {
    this.child.stdin.write(text);
  }

  /** Resolves when the condition holds, which is looked at whenever something was printed. */
  async until(condition: () => boolean): Promise<void> {
    const end = Date.now() + PATIENCE;
    while (!condition()) {
      const { exitCode } = this.child;
      const state = exitCode === null ? 'it goes on' : `it ended with ${exitCode}`;
      if (exitCode !== null) await this.ended;
      if (condition()) return;
      if (exitCode !== null || Date.now() > end)
        throw new Error(`${state}:\n${this.stdout}${this.stderr}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, end - Date.now());
        this.watchers = [resolve, () => clearTimeout(timer)];
      });
    }
  }

  kill(): void {
    this.child.kill('SIGKILL');
  }
}

/** With pipes, of which the input ends unless it is to stay open. */
export function start(
  args: readonly string[],
  { input, env = {} }: { input?: string | null; env?: NodeJS.ProcessEnv } = {},
): Program {
  const program = new Program(process.execPath, [main, ...args], env);
  if (input !== null) program.child.stdin.end(input ?? '');
  return program;
}

export function run(
  args: readonly string[],
  options: { input?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<Ended> {
  return start(args, options).ended;
}

/** In a terminal of 80 columns. */
export class TerminalProgram extends Program {
  constructor(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const { error, status } = spawnSync('python3', ['-c', 'import pty']);
    if (error || status !== 0)
      throw new Error('python3 is needed, with its module pty: apt-get install python3');
    super('python3', [inTerminal, '24', '80', process.execPath, main, ...args], env);
  }

  /** Its rows. */
  get screen(): string[] {
    return screenOf(this.stdout);
  }

  /** Resolves when the last rows of the screen are these. */
  async shows(...rows: (string | RegExp)[]): Promise<void> {
    const holds = (): boolean => {
      const last = this.screen.slice(-rows.length);
      return rows.every((row, i) => {
        const shown = last[i] ?? '';
        return typeof row === 'string' ? shown === row : row.test(shown);
      });
    };
    try {
      await this.until(holds);
    } catch (error) {
      throw new Error(`not shown: ${rows.join(' | ')}`, { cause: error });
    }
  }
}
