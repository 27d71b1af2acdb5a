'use strict';

// Runs programs that are tests, and counts what they say.

const { spawn } = require('node:child_process');

/** Runs it to its end: { output, code }, code being the signal's name if one ended it. */
function execute(command, args, { env, cwd, timeout = 120_000, killSignal = 'SIGKILL' } = {}) {
  return new Promise((resolve) => {
    const stdio = ['ignore', 'pipe', 'pipe'];
    const child = spawn(command, args, { cwd, env, stdio, timeout, killSignal });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => resolve({ output: error.message, code: 1 }));
    child.on('close', (code, signal) => resolve({ output, code: code ?? signal }));
  });
}

/** The sum in its last lines; a program that dies before it is one failure. */
function count({ output, code }) {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  if (!match) return { passed: 0, failed: 1 };
  const failed = Number(match[2]);
  return { passed: Number(match[1]), failed: code !== 0 && failed === 0 ? 1 : failed };
}

/** Counts checks as they are made, and says what each found. */
class Checks {
  passed = 0;
  failed = 0;

  /** A check: holds if its function (which may be async) throws nothing; what it returns is a note. */
  async check(name, test) {
    try {
      const note = await test();
      this.passed++;
      process.stdout.write(`ok      ${name}${note ? ` (${note})` : ''}\n`);
    } catch (error) {
      this.failed++;
      process.stdout.write(`FAILED  ${name}: ${error?.message ?? error}\n`);
    }
  }

  /** Ends with the sum. */
  report(name) {
    process.stdout.write(`${name}: ${this.passed} passed, ${this.failed} failed\n`);
    if (this.failed > 0) process.exitCode = 1;
  }
}

module.exports = { Checks, count, execute };
