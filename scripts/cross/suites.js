'use strict';

// The mocha suites (test/**/*.test.ts) under Wine: each file in a process of its own, so that one that dies, or hangs,
// is one failure and takes no other along. What cannot be run there is in unix-suites.js.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { failure, run } = require('../../deps/run');
const { execute } = require('../execute');
const { root } = require('../checkout');
const { UNIX_ONLY } = require('./unix-suites');

/** Every call of the system goes by Wine's server there. */
const SLOWNESS = 10;
/** Of a test, as scripts/test.js has it. */
const TEST_LIMIT_MS = 10_000;
const FILE_LIMIT_MS = 600_000;

const BUILT = path.join(root, 'build', 'test');

/** The tests' files, as "server/tls", that are run; those whose names contain one of `only`, if there are some. */
function filesOf(only) {
  const names = fs
    .readdirSync(BUILT, { recursive: true })
    .filter((name) => name.endsWith('.test.js'))
    .map((name) => name.slice(0, -'.test.js'.length).split(path.sep).join('/'))
    .filter((name) => !UNIX_ONLY.some(({ file, test }) => file === name && test === undefined))
    .filter((name) => only.length === 0 || only.some((part) => name.includes(part)));
  if (names.length === 0) throw failure(`no suite is called ${only.join(', ')}`);
  return names.sort();
}

const escaped = (text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** What every program is given there: without a home Wine ends with SIGSEGV. */
function environmentOf({ environment, binary }) {
  const { PATH } = process.env;
  return { PATH, HOME: os.homedir(), ...environment, VERAWEBSOCKETS_BINARY: binary };
}

/** Runs one file: { passed, failed, output, code }. */
async function runFile(name, { folder, ...there }) {
  const summary = path.join(folder, `${name.replaceAll('/', '-')}.json`);
  const not = UNIX_ONLY.filter(({ file }) => file === name).map(({ test }) => escaped(test));
  const options = [
    ['--reporter', path.join(root, 'scripts', 'mocha-reporter.js')],
    ['--timeout', String(TEST_LIMIT_MS), '--require', path.join(__dirname, 'slow-mocha.js')],
    ['--forbid-only', '--forbid-pending'],
    not.length > 0 ? ['--invert', `--grep=${not.join('|')}`] : [],
  ].flat();
  const env = {
    ...environmentOf(there),
    VWS_SUMMARY: summary,
    VWS_SLOWNESS: String(SLOWNESS),
  };
  // Not mocha's command, which starts another process.
  const mocha = require.resolve('mocha/lib/cli/cli.js', { paths: [root] });
  const [program, ...before] = there.command;
  const args = [...before, '--expose-gc', mocha, ...options, path.join(BUILT, `${name}.test.js`)];
  const result = await execute(program, args, { cwd: root, env, timeout: FILE_LIMIT_MS });
  const counts = fs.existsSync(summary)
    ? JSON.parse(fs.readFileSync(summary, 'utf8'))
    : { passed: 0, failed: 1 };
  // One that says nothing is wrong, and does not end as it should.
  if (counts.failed === 0 && result.code !== 0) counts.failed = 1;
  return { ...result, ...counts };
}

/** command: what runs a program there. only: parts of the suites' names. { passed, failed }. */
async function suites({ only = [], ...there }) {
  // There is no openssl(1) there: they are made here.
  require(path.join(BUILT, 'support', 'certificates.js')).certificates();
  const folder = fs.mkdtempSync(path.join(root, 'build', 'cross', 'suites-'));
  const waiting = filesOf(only);
  const sum = { passed: 0, failed: 0 };
  const worker = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const ran = await runFile(name, { ...there, folder });
      sum.passed += ran.passed;
      sum.failed += ran.failed;
      process.stdout.write(`${name}: ${ran.passed} passed, ${ran.failed} failed\n`);
      if (ran.failed > 0) process.stdout.write(`${ran.output}(ended with ${ran.code})\n`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  fs.rmSync(folder, { recursive: true });
  return sum;
}

/** Connections at once. Their other ends are this system's: Wine's server would have a descriptor for these as well. */
const COUNTS = [100, 1000, 4000, 10_000];

/** Ever more connections at once: { passed, failed, output, code }. */
async function many({ command, ...there }) {
  const sum = { passed: 0, failed: 0, output: '', code: 0 };
  const script = path.join(root, 'test', 'scale', 'many.js');
  // The clients have this system's own binary.
  run(process.execPath, [path.join(root, 'scripts', 'build.js'), '--quiet']);
  const { VERAWEBSOCKETS_BINARY, ...env } = environmentOf(there);
  const server = ['env', `VERAWEBSOCKETS_BINARY=${VERAWEBSOCKETS_BINARY}`, ...command];
  for (const connections of COUNTS) {
    const args = [script, String(connections), '0', '1', ...server];
    const result = await execute(process.execPath, args, {
      cwd: root,
      env,
      timeout: FILE_LIMIT_MS,
    });
    const ok = result.code === 0;
    sum.passed += ok ? 1 : 0;
    sum.failed += ok ? 0 : 1;
    sum.output += `${connections} connections: ${result.output}`;
    sum.code ||= result.code;
  }
  return sum;
}

module.exports = { environmentOf, many, suites };
