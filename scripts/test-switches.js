'use strict';

// Runs the tests with each fast path switched off in turn, and with all of them off: the whole mocha
// suite, and the native tests of what the switches choose between. The switches are the names that
// VERAWEBSOCKETS_DISABLE takes (native/engine/ws/tuning.h).
//
//   node scripts/test-switches.js [--native] [switch…|all] [-- mocha's arguments]
//
// Names pick; --native leaves mocha out. Each run ends with a line of its own, the sum of all of them
// is the last one.

const fs = require('node:fs');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { build } = require('./build');
const { mocha } = require('./test');
const { testNative } = require('./test-native');
const { root } = require('./checkout');

const NATIVE_TESTS = [
  'engine',
  'event_loop',
  'frame_reader',
  'frame_writer',
  'mask',
  'tls_io',
  'utf8',
];

function switches() {
  const file = path.join(root, 'native', 'engine', 'ws', 'tuning.cc');
  const names = [...fs.readFileSync(file, 'utf8').matchAll(/\{"(\w+)", &Tuning::/g)];
  return names.map((match) => match[1]);
}

function parseArguments(args) {
  const known = switches();
  const cut = args.includes('--') ? args.indexOf('--') : args.length;
  const chosen = args.slice(0, cut).filter((name) => name !== '--native');
  for (const name of chosen)
    if (name !== 'all' && !known.includes(name))
      throw failure(`no switch ${name}: ${known.join(', ')}, all`);
  const runs = chosen.length > 0 ? chosen : [...known, 'all'];
  return {
    runs: runs.map((name) => ({ name, off: name === 'all' ? known.join(',') : name })),
    onlyNative: args.slice(0, cut).includes('--native'),
    mochaArguments: args.slice(cut + 1),
  };
}

function runMocha(args, env) {
  const file = path.join(root, 'build', 'summary-switch.json');
  fs.rmSync(file, { force: true });
  const status = mocha(args, { ...env, VWS_SUMMARY: file });
  if (!fs.existsSync(file)) return { passed: 0, failed: 1 };
  const { passed, failed } = JSON.parse(fs.readFileSync(file, 'utf8'));
  return { passed, failed: failed === 0 && status !== 0 ? 1 : failed };
}

async function runNative(off) {
  process.env.VERAWEBSOCKETS_DISABLE = off;
  try {
    const only = NATIVE_TESTS.map((name) => `${name}_test`);
    return await testNative({ variants: ['plain'], parts: ['engine'], only });
  } finally {
    delete process.env.VERAWEBSOCKETS_DISABLE;
  }
}

async function testSwitches({ runs, onlyNative, mochaArguments }) {
  build({ tests: true, quiet: true });
  const sum = { passed: 0, failed: 0 };
  const add = (name, { passed, failed }) => {
    sum.passed += passed;
    sum.failed += failed;
    process.stdout.write(`without ${name}: ${passed} passed, ${failed} failed\n`);
  };
  for (const { name, off } of runs) {
    if (mochaArguments.length === 0) add(`${name} (native)`, await runNative(off));
    const env = { ...process.env, VERAWEBSOCKETS_DISABLE: off };
    if (!onlyNative) add(name, runMocha(mochaArguments, env));
  }
  return sum;
}

if (require.main === module) {
  main(async () => {
    const { passed, failed } = await testSwitches(parseArguments(process.argv.slice(2)));
    process.stdout.write(`${passed} passed, ${failed} failed\n`);
    if (failed > 0) process.exitCode = 1;
  });
}
