'use strict';

// One way to start a program: its output is kept and shown only when it fails (or with VWS_VERBOSE=1).

const { spawnSync } = require('node:child_process');

class CommandError extends Error {}

function run(command, args, options = {}) {
  const verbose = process.env.VWS_VERBOSE === '1';
  const result = spawnSync(command, args, {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}`;
  if (verbose) process.stderr.write(`$ ${command} ${args.join(' ')}\n${output}`);
  if (result.error) {
    throw new CommandError(`cannot run ${command}: ${result.error.message}`);
  }
  if (result.status !== 0) {
    if (!verbose) process.stderr.write(output);
    const end = result.signal ? `was ended by ${result.signal}` : `exited with ${result.status}`;
    throw new CommandError(`${command} ${args.join(' ')} ${end}`);
  }
  return result.stdout ?? '';
}

/** Standard output, trimmed, or undefined if the program is missing or fails. */
function probe(command, args) {
  const result = spawnSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** Runs a script's main function; a failure is one line on stderr and exit code 1. */
function main(body) {
  Promise.resolve()
    .then(body)
    .catch((error) => {
      const expected = error instanceof CommandError || error.expected === true;
      process.stderr.write(`${expected ? error.message : error.stack}\n`);
      process.exitCode = 1;
    });
}

/** An error that is the user's to mend: shown without a stack. */
function failure(message) {
  return Object.assign(new Error(message), { expected: true });
}

module.exports = { run, probe, main, failure };
