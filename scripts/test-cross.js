'use strict';

// Runs every binary in prebuilds/ on its own architecture, emulated by qemu where that is not this
// machine's: the smoke suite (test/smoke/) and the documentation's example, against a server on this
// machine.
//
//   npm run test:cross                      all targets
//   npm run test:cross -- --arch mipsel     one of them
//
// Binaries that are not there are built first (npm run prebuild), roots that are not there are made
// (scripts/cross/root.js). Its last line is the sum, "cross: N passed, N failed".

const fs = require('node:fs');
const path = require('node:path');
const { main, run } = require('../deps/run');
const { buildTypeScript } = require('./build-ts');
const { NODE_ROOT, OLD_ROOT, nodeIn } = require('./cross/root');
const { count, execute } = require('./execute');
const { prepare } = require('./prepare');
const { targetsOf } = require('./targets');
const { root } = require('./checkout');

const APP = path.join(root, 'build', 'cross', 'app');

const TIME_LIMIT_MS = 900_000;
/** Emulated processors are some twenty times slower. */
const CASE_LIMIT_MS = 120_000;

/** Where each target is run. Only the 64-bit ones promise an older glibc, see docs/cross-builds.md. */
function rootsOf(target) {
  return ['x64', 'arm64'].includes(target.arch) ? [NODE_ROOT, OLD_ROOT] : [NODE_ROOT];
}

/** A project with the package installed, as far as it is needed at run time. */
function makeApp() {
  fs.rmSync(APP, { recursive: true, force: true });
  const installed = path.join(APP, 'node_modules', 'verawebsockets');
  for (const name of ['package.json', 'dist', 'prebuilds'])
    fs.cpSync(path.join(root, name), path.join(installed, name), { recursive: true });
  fs.cpSync(path.join(root, 'examples'), path.join(APP, 'examples'), { recursive: true });
  fs.copyFileSync(path.join(root, 'test', 'smoke', 'smoke.js'), path.join(APP, 'smoke.js'));
}

function inApp([command, ...args], environment) {
  const env = { PATH: process.env.PATH, HOME: APP, ...environment };
  return execute(command, args, { cwd: APP, env, timeout: TIME_LIMIT_MS });
}

const WHERE = `const header = process.report.getReport().header;
console.log(process.version, process.arch, 'glibc ' + header.glibcVersionRuntime)`;

async function smoke(target, kind, environment) {
  const node = nodeIn(target, kind);
  const where = await inApp([...node, '-e', WHERE], {});
  const started = Date.now();
  const result = await inApp([...node, 'smoke.js'], environment);
  const row = {
    target: target.name,
    where: where.output.trim().replace(/\s+/g, ' '),
    ...count(result),
    seconds: Math.round((Date.now() - started) / 1000),
  };
  process.stdout.write(`== ${row.target}, ${row.where}\n${result.output}`);
  if (result.code !== 0) process.stdout.write(`(ended with ${result.code})\n`);
  return row;
}

function table(rows) {
  const head = ['target', 'Node.js, architecture, C library', 'passed', 'failed', 'seconds'];
  const cells = rows.map((row) => [row.target, row.where, row.passed, row.failed, row.seconds]);
  const lines = [head, head.map(() => '---'), ...cells].map((row) => `| ${row.join(' | ')} |`);
  return `${lines.join('\n')}\n`;
}

if (require.main === module) {
  main(async () => {
    const targets = targetsOf(process.argv.slice(2));
    prepare(['build', 'test', 'cross']);
    for (const target of targets) {
      if (!fs.existsSync(path.join(root, target.file)))
        run(process.execPath, [path.join(__dirname, 'prebuild.js'), '--arch', target.arch]);
    }
    buildTypeScript();
    makeApp();
    const { startSmokeServer } = require('../test/smoke/server');
    const server = await startSmokeServer(path.join(APP, 'certificates'));
    const environment = {
      ...server.environment,
      SMOKE_DEMO: path.join(APP, 'examples', 'demo.js'),
      SMOKE_TIMEOUT: String(CASE_LIMIT_MS),
    };
    const rows = [];
    for (const target of targets) {
      for (const kind of rootsOf(target)) rows.push(await smoke(target, kind, environment));
    }
    server.close();
    const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
    process.stdout.write(`\n${table(rows)}\n`);
    process.stdout.write(`cross: ${sum('passed')} passed, ${sum('failed')} failed\n`);
    if (sum('failed') > 0) process.exitCode = 1;
  });
}
