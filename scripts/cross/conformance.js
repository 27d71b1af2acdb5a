'use strict';

// The conformance suite (test/conformance/) on a target's own Node.js: where bytes lie the other way round than on the
// machines that everything else is tested on, whatever reads or writes frames may be wrong.

const fs = require('node:fs');
const path = require('node:path');
const { execute } = require('../execute');
const { root } = require('../checkout');

/** How many times slower than this machine's own an emulated processor is: all limits of time are multiplied by it. */
const SLOWNESS = 20;
/** Of a test, as scripts/test.js has it. */
const TEST_LIMIT_MS = 10_000;
const TIME_LIMIT_MS = 7_200_000;

/** command: what runs a program there. { passed, failed }, and what it said. */
async function conformance({ command, binary }) {
  const folder = path.join(root, 'build', 'test', 'conformance');
  const files = fs.readdirSync(folder).filter((name) => name.endsWith('.test.js'));
  const summary = path.join(root, 'build', 'cross', 'conformance.json');
  fs.rmSync(summary, { force: true });
  // Not mocha's command, which starts another process by a path that means nothing outside of the emulator.
  const mocha = require.resolve('mocha/lib/cli/cli.js', { paths: [root] });
  const options = ['--reporter', path.join(root, 'scripts', 'mocha-reporter.js')].concat([
    '--timeout',
    String(SLOWNESS * TEST_LIMIT_MS),
    '--forbid-only',
    '--forbid-pending',
  ]);
  const args = [...options, ...files.map((name) => path.join(folder, name))];
  const env = {
    ...process.env,
    VERAWEBSOCKETS_BINARY: binary,
    VWS_SUMMARY: summary,
    VWS_SLOWNESS: String(SLOWNESS),
  };
  const [program, ...before] = command;
  const result = await execute(program, [...before, mocha, ...args], {
    cwd: root,
    env,
    timeout: TIME_LIMIT_MS,
  });
  const counts = fs.existsSync(summary)
    ? JSON.parse(fs.readFileSync(summary, 'utf8'))
    : { passed: 0, failed: 1 };
  return { ...result, ...counts };
}

module.exports = { conformance };
