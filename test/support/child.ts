/**
 * Runs a snippet in a process of its own, and says how it ended. A snippet that hangs fails the test.
 */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { libraryPath, root } from './root';
import { slowness } from './slowness';

export interface ChildOptions {
  /** ms, 15,000 unless set, times `slowness`; past it the child is killed and the promise rejects. */
  timeout?: number;
  /** For `args` in the snippet; anything that JSON can carry. */
  args?: unknown;
  /** For node itself: --expose-gc and the like. */
  nodeOptions?: string[];
  env?: NodeJS.ProcessEnv;
  /** A shell command line that limits the child, such as "ulimit -n 64". */
  limit?: string;
  stdin?: string;
}

export interface ChildResult {
  /** Exit code, or null if a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/**
 * In scope of a snippet: `lib` (the library), `libraryPath`, `args`, `require`.
 */
export type Snippet = string;

/** The program a snippet becomes. */
export function program(snippet: Snippet, args: unknown = {}): string {
  return (
    `'use strict';\n` +
    `const libraryPath = ${JSON.stringify(libraryPath)};\n` +
    `const args = ${JSON.stringify(args)};\n` +
    `const lib = require(libraryPath);\n${snippet}\n`
  );
}

/** A child that is talked with while it runs. */
export class Child {
  /** How it ended; rejects if that took longer than the timeout. */
  readonly ended: Promise<ChildResult>;
  private readonly process: ChildProcessWithoutNullStreams;
  private stdout = '';
  private stderr = '';
  private linesTaken = 0;
  private over = false;
  private watchers: (() => void)[] = [];

  constructor(snippet: Snippet, options: ChildOptions = {}) {
    const { nodeOptions = [], limit } = options;
    const timeout = (options.timeout ?? 15_000) * slowness;
    const nodeArguments = [...nodeOptions, '-e', program(snippet, options.args)];
    const [command, childArguments] = limit
      ? ['/bin/sh', ['-c', `${limit} && exec "$@"`, 'sh', process.execPath, ...nodeArguments]]
      : [process.execPath, nodeArguments];
    const child = spawn(command, childArguments, {
      cwd: root,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.process = child;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      this.wake();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.stderr += text));
    child.stdin.on('error', () => {});
    this.ended = new Promise((resolve, reject) => {
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill('SIGKILL');
      }, timeout);
      child.once('error', reject);
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        this.over = true;
        this.wake();
        const { stdout, stderr } = this;
        const output = `stdout: ${stdout}\nstderr: ${stderr}`;
        if (late) reject(new Error(`The child did not end within ${timeout} ms\n${output}`));
        else resolve({ code, signal, stdout, stderr });
      });
    });
    this.ended.catch(() => {});
  }

  private wake(): void {
    const { watchers } = this;
    this.watchers = [];
    for (const watcher of watchers) watcher();
  }

  /** The next line it prints; rejects if it ends before. */
  async line(): Promise<string> {
    for (;;) {
      const lines = this.stdout.split('\n');
      if (lines.length - 1 > this.linesTaken) return lines[this.linesTaken++] as string;
      if (this.over)
        throw new Error(`The child ended\nstdout: ${this.stdout}\nstderr: ${this.stderr}`);
      await new Promise<void>((resolve) => this.watchers.push(resolve));
    }
  }

  write(text: string): void {
    this.process.stdin.write(text);
  }

  endInput(): void {
    this.process.stdin.end();
  }

  kill(): void {
    this.process.kill('SIGKILL');
  }
}

/** Runs a snippet of JavaScript. */
export function runChild(snippet: Snippet, options: ChildOptions = {}): Promise<ChildResult> {
  const child = new Child(snippet, options);
  if (options.stdin) child.write(options.stdin);
  child.endInput();
  return child.ended;
}

/** Runs a snippet that must end by itself with this code; returns what it printed. */
export async function expectExit(
  snippet: Snippet,
  options: ChildOptions & { code?: number } = {},
): Promise<ChildResult> {
  const result = await runChild(snippet, options);
  const expected = options.code ?? 0;
  if (result.signal !== null || result.code !== expected) {
    throw new Error(
      `The child ended with code ${result.code}, signal ${result.signal}; expected code ${expected}\n` +
        `stdout: ${result.stdout}\nstderr: ${result.stderr}`,
    );
  }
  return result;
}
