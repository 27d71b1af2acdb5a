'use strict';

// Builds and runs the native tests, test/native/*_test.cc, without Node: under ASan and UBSan, then
// under TSan.
//
//   node scripts/test-native.js [--only asan|tsan|plain] [--parts engine/base,engine/ws] [name]…
//
// A name picks one test ("frame_reader"); --parts narrows what the tests are linked with. Each
// program ends with a line "N passed, N failed"; the sum of them all is this script's last line.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { run, main, failure } = require('../deps/run');
const { prepare } = require('./prepare');
const { root } = require('./checkout');

const VARIANTS = {
  asan: { sanitize: 'address,undefined' },
  tsan: { sanitize: 'thread' },
  plain: { sanitize: '' },
};

const ENVIRONMENT = {
  ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

const TIME_LIMIT_MS = 300_000;

function buildVariant(name, { parts, only }) {
  const folder = path.join(root, 'build', 'native', name);
  const options = [
    '-DVWS_ADDON=OFF',
    '-DVWS_TESTS=ON',
    '-DVWS_WERROR=ON',
    '-DCMAKE_BUILD_TYPE=Release',
  ];
  options.push(`-DVWS_SANITIZE=${VARIANTS[name].sanitize}`, `-DVWS_PARTS=${parts.join(';')}`);
  run('cmake', ['-S', root, '-B', folder, ...options]);
  const targets = only.length > 0 ? ['--target', ...only] : [];
  run('cmake', ['--build', folder, '--parallel', String(os.availableParallelism()), ...targets]);
  return path.join(folder, 'tests');
}

function execute(program) {
  return new Promise((resolve) => {
    const child = spawn(program, [], {
      cwd: root,
      env: { ...ENVIRONMENT, ...process.env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIME_LIMIT_MS,
      killSignal: 'SIGABRT',
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('error', (error) => resolve({ output: error.message, code: 1 }));
    child.on('close', (code, signal) => resolve({ output, code: code ?? signal }));
  });
}

/** A program that dies before its count is one failure. */
function count({ output, code }) {
  const match = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1);
  if (!match) return { passed: 0, failed: 1 };
  const failed = Number(match[2]);
  return { passed: Number(match[1]), failed: code !== 0 && failed === 0 ? 1 : failed };
}

function parseArguments(args) {
  const options = { variants: ['asan', 'tsan'], parts: ['engine'], only: [] };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--only') options.variants = args[++i].split(',');
    else if (args[i] === '--parts') options.parts = args[++i].split(',');
    else options.only.push(args[i].endsWith('_test') ? args[i] : `${args[i]}_test`);
  }
  const unknown = options.variants.find((name) => !(name in VARIANTS));
  if (unknown) throw failure(`no variant ${unknown}: ${Object.keys(VARIANTS).join(', ')}`);
  return options;
}

async function testNative(options) {
  prepare(['build']);
  const sum = { passed: 0, failed: 0 };
  for (const variant of options.variants) {
    const folder = buildVariant(variant, options);
    const names = fs.existsSync(folder) ? fs.readdirSync(folder).sort() : [];
    const sources = names.filter((name) =>
      fs.existsSync(path.join(root, 'test', 'native', `${name}.cc`)),
    );
    for (const name of sources.filter(
      (test) => options.only.length === 0 || options.only.includes(test),
    )) {
      const result = await execute(path.join(folder, name));
      const { passed, failed } = count(result);
      sum.passed += passed;
      sum.failed += failed;
      process.stdout.write(`${variant} ${name}: ${passed} passed, ${failed} failed\n`);
      if (failed > 0) process.stdout.write(`${result.output}\n(ended with ${result.code})\n`);
    }
  }
  return sum;
}

if (require.main === module) {
  main(async () => {
    const { passed, failed } = await testNative(parseArguments(process.argv.slice(2)));
    if (process.env.VWS_SUMMARY)
      fs.writeFileSync(process.env.VWS_SUMMARY, JSON.stringify({ passed, failed }));
    process.stdout.write(`native: ${passed} passed, ${failed} failed\n`);
    if (failed > 0) process.exitCode = 1;
  });
}
