'use strict';

// Runs every binary in prebuilds/ on its own architecture, emulated by qemu where that is not this
// machine's: the smoke suite (test/smoke/), client, server, and ends of the process, with the documentation's example,
// against a server on this machine; the conformance suite (test/conformance/) besides, where bytes lie the other way
// round.
//
//   npm run test:cross                              all targets
//   npm run test:cross -- --target linux-x64-musl   one of them
//   npm run test:cross -- --here                    this machine's own, on this Node.js, with each 'service'
//   npm run test:cross -- --here build/Release/verawebsockets.node      the same with another binary
//   npm run test:cross -- --target win32-x64 --runtime node-22 --suites mocha
//                                                   one of a target's runtimes; of Windows, these as well, if named:
//     mocha             test/**/*.test.ts, but for what scripts/cross/unix-suites.js has
//     mocha:server/tls  those of them whose names have that in them
//     many              100, 1,000, 4,000 and 10,000 connections at once (test/scale/many.js)
//     roots             trust in Windows' certificate store (test/smoke/roots.js)
//
// Of the binaries for macOS, which nothing here can run, it says what their files show (check-binary.js). Only --here,
// on a Mac, runs them.
//
// Binaries that are not there are built first (npm run prebuild), roots that are not there are made
// (scripts/cross/root.js). Its last line is the sum, "cross: N passed, N failed".

const fs = require('node:fs');
const path = require('node:path');
const { main, run, failure } = require('../deps/run');
const { buildTypeScript } = require('./build-ts');
const { problemsOf } = require('./check-binary');
const { conformance } = require('./cross/conformance');
const { roots } = require('./cross/roots');
const { many, suites } = require('./cross/suites');
const { runtimesOf } = require('./cross/root');
const { count, execute } = require('./execute');
const { writePlatformPackage } = require('./platform-packages');
const { prepare } = require('./prepare');
const { TARGETS, hostTarget, targetsOf } = require('./targets');
const { root } = require('./checkout');

/** Nothing runs macOS's programs here. */
const isOnlyChecked = ({ platform }) => platform === 'darwin';

/** Of this process: several may run side by side. */
const APP = path.join(root, 'build', 'cross', `app-${process.pid}`);

const TIME_LIMIT_MS = 900_000;
/** Of test/smoke/exit.js, with the code that each ends with. */
const STAGES = { connecting: 3, open: 3, sending: 3, receiving: 3, throws: 1, closing: 3 };
/** Emulated processors are some twenty times slower. */
const CASE_LIMIT_MS = 120_000;

/** A project with the package installed, as far as it is needed at run time. */
function makeApp() {
  process.once('exit', () => fs.rmSync(APP, { recursive: true, force: true }));
  const installed = (name) => path.join(APP, 'node_modules', name);
  for (const name of ['package.json', 'dist'])
    fs.cpSync(path.join(root, name), path.join(installed('verawebsockets'), name), {
      recursive: true,
    });
  // All of them, so that it is the loader which picks.
  for (const target of TARGETS.filter(({ file }) => fs.existsSync(path.join(root, file))))
    writePlatformPackage(target, installed(target.package));
  fs.cpSync(path.join(root, 'examples'), path.join(APP, 'examples'), { recursive: true });
  fs.writeFileSync(path.join(APP, 'where.js'), WHERE);
  for (const name of ['smoke.js', 'accept.js', 'exit.js'])
    fs.copyFileSync(path.join(root, 'test', 'smoke', name), path.join(APP, name));
}

function inApp([command, ...args], environment) {
  const env = { PATH: process.env.PATH, HOME: APP, ...environment };
  return execute(command, args, { cwd: APP, env, timeout: TIME_LIMIT_MS });
}

/** What it runs on, in one line; the C library as the loader of binaries tells it. */
const WHERE = `
const { currentLibc, glibcVersion } = require('./node_modules/verawebsockets/dist/addon/libc.js');
const { versions, arch } = process;
const runtime = versions.bun ? 'Bun ' + versions.bun : 'Node.js ' + versions.node;
const libc = [currentLibc(), glibcVersion()];
console.log([runtime, arch, ...libc].join(' ').trim());
`;

/** What is run unless --suites names others; conformance where bytes lie the other way round. */
const USUAL = ['client', 'server', 'ends', 'conformance'];
/** What is run where it is named. */
const SUITES = [...USUAL, 'mocha', 'many', 'roots'];

/** Sums up, and shows what there is to see of failures. */
class Row {
  passed = Object.fromEntries(SUITES.map((suite) => [suite, 0]));
  failed = 0;

  constructor(target, { how }, where) {
    Object.assign(this, { target: target.name, where, how });
  }

  add(suite, { passed, failed }, { output, code }) {
    this.passed[suite] += passed;
    this.failed += failed;
    if (suite === 'ends' && failed === 0) return;
    process.stdout.write(`== ${this.target}, ${this.where}: ${suite}\n${output}`);
    if (failed > 0 && code !== undefined) process.stdout.write(`(ended with ${code})\n`);
  }
}

async function testOn(target, runtime, server, wanted) {
  const {
    how,
    command,
    programs = [],
    refuses = [],
    lacks = [],
    service = '',
    libc = '',
    environment: own = {},
  } = runtime;
  const start = (args, environment) => inApp([...command, ...args], { ...own, ...environment });
  const { output } = await start([...programs, 'where.js'], {});
  // A runtime may complain behind it: Bun does of Wine's folders.
  const [where = ''] = output.trim().split('\n', 1);
  const row = new Row(target, { how }, [where, libc].join(' ').trim());
  const started = Date.now();
  const environment = {
    ...server,
    SMOKE_TIMEOUT: String(CASE_LIMIT_MS),
    SMOKE_REFUSES: refuses.join(','),
    SMOKE_LACKS: lacks.join(','),
    SMOKE_SERVICE: service,
  };
  const demo = path.join(APP, 'examples', 'demo.js');
  const isWanted = (suite) => wanted.some((name) => name.split(':', 1)[0] === suite);
  for (const [suite, program, more] of [
    ['client', 'smoke.js', { SMOKE_DEMO: demo }],
    ['server', 'accept.js', {}],
  ]) {
    if (!isWanted(suite)) continue;
    const result = await start([...programs, program], { ...environment, ...more });
    row.add(suite, count(result), result);
  }
  for (const [stage, expected] of isWanted('ends') ? Object.entries(STAGES) : []) {
    const result = await start([...programs, 'exit.js', stage], environment);
    const passed = result.code === expected ? 1 : 0;
    row.add('ends', { passed, failed: 1 - passed }, result);
  }
  const binary = path.join(root, target.file);
  if (target.bigEndian && isWanted('conformance')) {
    const result = await conformance({ command, binary });
    row.add('conformance', result, result);
  }
  const there = { command, environment: own, binary };
  if (isWanted('mocha')) {
    const only = wanted.filter((name) => name.startsWith('mocha:')).map((name) => name.slice(6));
    const result = await suites({ ...there, only });
    row.add('mocha', result, { output: '' });
  }
  for (const [suite, runIt] of Object.entries({ many, roots })) {
    if (!isWanted(suite)) continue;
    const result = await runIt(there);
    row.add(suite, result, result);
  }
  row.seconds = Math.round((Date.now() - started) / 1000);
  return row;
}

function table(rows) {
  const shown = SUITES.filter((suite) => rows.some(({ passed }) => passed[suite] > 0));
  const head = ['target', 'runtime, architecture, C library', 'how', ...shown, 'failed', 'seconds'];
  const cells = rows.map(({ target, where, how, passed, failed, seconds }) => {
    const counts = shown.map((suite) => passed[suite] || '');
    return [target, where, how, ...counts, failed, seconds];
  });
  const lines = [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

/** Takes an option with a list, and leaves the other arguments: undefined if it is not there. */
function takeList(args, name) {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1]?.split(',');
}

/** What is to be run, and where: pairs of target and runtime. */
function emulated(args, runtimes) {
  const targets = targetsOf(args);
  prepare(['build', 'test', 'cross']);
  for (const target of targets) {
    if (!fs.existsSync(path.join(root, target.file)))
      run(process.execPath, [path.join(__dirname, 'prebuild.js'), '--target', target.name]);
  }
  const pairs = targets.flatMap((target) =>
    runtimesOf(target).map((make) => [target, make(target)]),
  );
  const chosen = pairs.filter(([, { name }]) => runtimes?.includes(name) ?? true);
  if (runtimes && chosen.length === 0) throw failure(`there is no runtime ${runtimes}`);
  return chosen;
}

/** Of what nothing here runs: what the file itself shows. */
function checkedRow(target) {
  const row = new Row(target, { how: 'not executed: its symbols were checked' }, 'none');
  const problems = problemsOf(path.join(root, target.file), target);
  for (const problem of problems) process.stdout.write(`${target.file} ${problem}\n`);
  row.failed = problems.length;
  row.seconds = 0;
  return row;
}

function here(binary) {
  const target = hostTarget();
  if (!target) throw failure('no target is for this machine');
  const file = binary ?? target.file;
  if (!fs.existsSync(path.join(root, file))) throw failure(`${file} is not there`);
  const environment = binary ? { VERAWEBSOCKETS_BINARY: path.join(root, binary) } : {};
  const services = ['adaptive', 'thread', 'loop'];
  return services.map((service) => [
    target,
    { how: `here, '${service}'`, command: [process.execPath], service, environment },
  ]);
}

if (require.main === module) {
  main(async () => {
    const args = process.argv.slice(2);
    const wanted = takeList(args, '--suites') ?? USUAL;
    const unknown = wanted.find((name) => !SUITES.includes(name.split(':', 1)[0]));
    if (unknown !== undefined) throw failure(`no suite ${unknown}: ${SUITES.join(', ')}`);
    const runtimes = takeList(args, '--runtime');
    const isHere = args[0] === '--here';
    const pairs = isHere ? here(args[1]) : emulated(args, runtimes);
    const rest = isHere ? [] : targetsOf(args).filter(isOnlyChecked);
    if (
      wanted.some((name) => !USUAL.includes(name)) &&
      pairs.some(([{ platform }]) => platform !== 'win32')
    )
      throw failure(`${wanted.join(', ')}: only for Windows`);
    const tests = wanted !== USUAL || pairs.some(([target]) => target.bigEndian);
    buildTypeScript({ tests });
    makeApp();
    const { startSmokeServer } = require('../test/smoke/server');
    const server = await startSmokeServer(path.join(APP, 'certificates'));
    const rows = [];
    for (const [target, runtime] of pairs)
      rows.push(await testOn(target, runtime, server.environment, wanted));
    server.close();
    rows.push(...rest.map(checkedRow));
    const add = (numbers) => numbers.reduce((total, number) => total + number, 0);
    const passed = add(rows.flatMap((row) => Object.values(row.passed)));
    const failed = add(rows.map((row) => row.failed));
    if (passed + failed === 0 && pairs.length > 0) throw failure('nothing was run');
    process.stdout.write(`\n${table(rows)}\n`);
    process.stdout.write(`cross: ${passed} passed, ${failed} failed\n`);
    if (failed > 0) process.exitCode = 1;
  });
}
