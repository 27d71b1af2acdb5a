'use strict';

// One way to start a program: its output is kept and shown only when it fails (or with
// VWS_VERBOSE=1).

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const path = require('node:path');

class CommandError extends Error {}

/** Debian's packages of the programs that are run. */
const PACKAGES = { cmake: 'cmake', cc: 'g++', 'dpkg-source': 'dpkg-dev', 'apt-get': 'apt' };

function explain(command, error) {
  if (error.code !== 'ENOENT') return error.message;
  const hint = PACKAGES[command] ? ` (sudo apt-get install -y ${PACKAGES[command]})` : '';
  return `it is not installed${hint}`;
}

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
    throw new CommandError(`cannot run ${command}: ${explain(command, result.error)}`);
  }
  if (result.status !== 0) {
    if (!verbose) process.stderr.write(output);
    const end = result.signal ? `was ended by ${result.signal}` : `exited with ${result.status}`;
    throw new CommandError(`${command} ${args.join(' ')} ${end}`);
  }
  return result.stdout ?? '';
}

/** Standard output, trimmed, or undefined if the program is missing or fails. */
function probe(command, args, options = {}) {
  const result = spawnSync(command, args, {
    ...options,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return result.status === 0 ? result.stdout.trim() : undefined;
}

/** The file that a command name stands for, links followed; undefined if there is none. */
function locate(command) {
  const folders = path.isAbsolute(command) ? [''] : (process.env.PATH ?? '').split(path.delimiter);
  for (const folder of folders) {
    const file = folder ? path.join(folder, command) : command;
    try {
      fs.accessSync(file, fs.constants.X_OK);
      if (fs.statSync(file).isFile()) return fs.realpathSync(file);
    } catch {
      // not in this folder
    }
  }
  return undefined;
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

module.exports = { run, probe, locate, main, failure };
