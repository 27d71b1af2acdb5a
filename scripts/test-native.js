'use strict';

// Builds and runs the native tests, test/native/*_test.cc, without Node: under ASan and UBSan, then
// under TSan.
//
//   node scripts/test-native.js [--only asan|tsan|plain] [--parts engine/base,engine/ws] [name]…
//   node scripts/test-native.js --target linux-mipsel [name]…
//
// A name picks one test ("frame_reader"); --parts narrows what the tests are linked with; --target
// builds for one of scripts/targets.js and runs there, emulated, without sanitizers: for Windows all but those of
// scripts/cross/unix-suites.js, under Wine. Each program
// ends with a line "N passed, N failed"; the sum of them all is this script's last line.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, main, failure } = require('../deps/run');
const { programIn } = require('./cross/root');
const { sysroot } = require('./cross/sysroot');
const { UNIX_ONLY_NATIVE } = require('./cross/unix-suites');
const { count, execute } = require('./execute');
const { prepare } = require('./prepare');
const { ENGINE_TARGETS, targetsOf } = require('./targets');
const { root } = require('./checkout');

const VARIANTS = {
  asan: { sanitize: 'address,undefined' },
  tsan: { sanitize: 'thread' },
  plain: { sanitize: '' },
};

/** The protocol's modules know no threads: under TSan they would only take minutes. */
const ONE_THREAD = /^(?:close_codes|deflate|extension|frame_\w+|mask|utf8)_test$/;

const ENVIRONMENT = {
  ASAN_OPTIONS: 'detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1',
  UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  TSAN_OPTIONS: 'halt_on_error=1:second_deadlock_stack=1',
};

const TIME_LIMIT_MS = 300_000;

function testsOf(variant, only, target) {
  const files = fs.readdirSync(path.join(root, 'test', 'native'));
  const left =
    target?.platform === 'win32' ? Object.keys(UNIX_ONLY_NATIVE).map((name) => `${name}_test`) : [];
  const names = files
    .filter((file) => file.endsWith('_test.cc'))
    .map((file) => file.slice(0, -3))
    .filter((name) => !left.includes(name));
  if (only.length > 0) return names.filter((name) => only.includes(name));
  return variant === 'tsan' ? names.filter((name) => !ONE_THREAD.test(name)) : names;
}

function buildVariant(variant, names, parts, target) {
  const kind = target ? `${variant}-${target.name}` : variant;
  const folder = path.join(root, 'build', 'native', kind);
  const options = ['-DVWS_ADDON=OFF', '-DVWS_TESTS=ON', '-DVWS_WERROR=ON'];
  options.push('-DCMAKE_BUILD_TYPE=Release');
  options.push(`-DVWS_SANITIZE=${VARIANTS[variant].sanitize}`, `-DVWS_PARTS=${parts.join(';')}`);
  if (target) {
    process.env.VWS_SYSROOT = sysroot(target);
    options.push(`-DCMAKE_TOOLCHAIN_FILE=${target.toolchain}`);
  }
  run('cmake', ['-S', root, '-B', folder, ...options]);
  const jobs = String(os.availableParallelism());
  run('cmake', ['--build', folder, '--parallel', jobs, '--target', ...names]);
  return path.join(folder, 'tests');
}

function parseArguments(args) {
  const options = { variants: ['asan', 'tsan'], parts: ['engine'], only: [] };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--only') options.variants = args[++i].split(',');
    else if (args[i] === '--target') {
      const name = args[++i];
      const engineOnly = ENGINE_TARGETS.find((target) => target.name === name);
      options.target = engineOnly ?? targetsOf(['--target', name])[0];
      options.variants = ['plain'];
    } else if (args[i] === '--parts') options.parts = args[++i].split(',');
    else options.only.push(args[i].endsWith('_test') ? args[i] : `${args[i]}_test`);
  }
  const unknown = options.variants.find((name) => !(name in VARIANTS));
  if (unknown) throw failure(`no variant ${unknown}: ${Object.keys(VARIANTS).join(', ')}`);
  return options;
}

/** Runs the programs of a variant, as many at once as there are processors. */
async function runAll(variant, folder, names, target) {
  const suffix = target?.platform === 'win32' ? '.exe' : '';
  const wrap = (file) =>
    target ? programIn(target, file + suffix) : { command: [file], environment: {} };
  const sum = { passed: 0, failed: 0 };
  const waiting = [...names];
  const worker = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const { command: words, environment } = wrap(path.join(folder, name));
      const [command, ...args] = words;
      const result = await execute(command, args, {
        cwd: root,
        env: { ...ENVIRONMENT, ...process.env, ...environment },
        timeout: TIME_LIMIT_MS,
        killSignal: 'SIGABRT',
      });
      const { passed, failed } = count(result);
      sum.passed += passed;
      sum.failed += failed;
      process.stdout.write(`${variant} ${name}: ${passed} passed, ${failed} failed\n`);
      if (failed > 0) process.stdout.write(`${result.output}\n(ended with ${result.code})\n`);
    }
  };
  await Promise.all(Array.from({ length: os.availableParallelism() }, worker));
  return sum;
}

async function testNative({ variants, parts, only, target }) {
  prepare(target ? ['build', 'cross'] : ['build']);
  const sum = { passed: 0, failed: 0 };
  for (const variant of variants) {
    const names = testsOf(variant, only, target);
    if (names.length === 0) continue;
    const { passed, failed } = await runAll(
      variant,
      buildVariant(variant, names, parts, target),
      names,
      target,
    );
    sum.passed += passed;
    sum.failed += failed;
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

module.exports = { testNative };
