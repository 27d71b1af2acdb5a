'use strict';

// The package on every runtime of scripts/runtimes.js: packed, installed into an empty project
// without scripts, then the smoke suite, client and server, in each way that the engine can run, the README's first
// example (an ES module), and ends of the process at every stage.
//
//   npm run test:runtimes                  all
//   npm run test:runtimes -- node-18 bun   some
//
// Its last line is the sum, "runtimes: N passed, N failed".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { build } = require('./build');
const { count, execute } = require('./execute');
const { cleanEnvironment, install, readmeExample } = require('./package');
const { publishHere } = require('./registry');
const { RUNTIMES, installRuntime } = require('./runtimes');
const { writeSummary } = require('./summary-file');
const { root } = require('./checkout');

const STAGES = { connecting: 3, open: 3, sending: 3, receiving: 3, throws: 1, closing: 3 };

/** One project for all: npm put the same files there for each. */
async function makeProject(folder) {
  const project = path.join(folder, 'project');
  const registry = await publishHere(folder);
  install(registry, project);
  registry.close();
  for (const name of ['smoke.js', 'accept.js', 'exit.js'])
    fs.copyFileSync(path.join(root, 'test', 'smoke', name), path.join(project, name));
  fs.copyFileSync(path.join(root, 'examples', 'demo.js'), path.join(project, 'demo.js'));
  return project;
}

class Row {
  passed = 0;
  failed = 0;

  constructor(name) {
    this.name = name;
  }

  add({ passed, failed }, what, output) {
    this.passed += passed;
    this.failed += failed;
    if (failed > 0) process.stdout.write(`${this.name}, ${what}:\n${output}\n`);
  }

  /** A program that must end so, or with that output. */
  expect(what, { output, code }, { code: expected = 0, says }) {
    const ok = code === expected && (says === undefined || output.trim() === says);
    this.add({ passed: ok ? 1 : 0, failed: ok ? 0 : 1 }, what, `${output}(ended with ${code})`);
  }
}

/** Bundles the first example, takes what came out to an empty folder, and runs it there: { output, code }. */
async function testBuild(runtime, program, project, { args, program: built }) {
  const env = { ...cleanEnvironment(), NO_COLOR: '1' };
  const bundled = await execute(program, args, { cwd: project, env });
  if (bundled.code !== 0) return bundled;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-bundle-'));
  try {
    fs.renameSync(path.join(project, 'out'), path.join(folder, 'out'));
    const file = path.join(folder, built);
    const [command, rest] = path.extname(built)
      ? [program, [...runtime.command, file]]
      : [file, []];
    return await execute(command, rest, { cwd: folder, env });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

async function testRuntime(runtime, project, server) {
  const program = installRuntime(runtime);
  const start = (args, environment) =>
    execute(program, [...runtime.command, ...args], {
      cwd: project,
      env: { ...cleanEnvironment(), NO_COLOR: '1', ...server.environment, ...environment },
    });
  const { output: version } = await execute(program, ['--version']);
  const row = new Row(`${runtime.name} (${version.split('\n')[0].replace(/^deno |^v/, '')})`);
  const refuses = { SMOKE_REFUSES: runtime.refuses.join(',') };
  for (const service of runtime.services) {
    const own = service === 'adaptive' ? { SMOKE_DEMO: 'demo.js' } : { SMOKE_SERVICE: service };
    const more = { ...refuses, ...own };
    const result = await start(['smoke.js'], more);
    row.add(count(result), `service '${service}'`, `${result.output}(ended with ${result.code})`);
    const lacks = { SMOKE_LACKS: runtime.lacks.join(',') };
    const server = await start(['accept.js'], { ...more, ...lacks });
    row.add(
      count(server),
      `server, service '${service}'`,
      `${server.output}(ended with ${server.code})`,
    );
  }
  row.expect('the first example', await start(['example.mjs']), { says: 'hello\nclosed 1000' });
  for (const build of runtime.builds ?? [])
    row.expect(build.args.join(' '), await testBuild(runtime, program, project, build), {
      says: 'hello\nclosed 1000',
    });
  for (const [stage, code] of Object.entries(STAGES))
    row.expect(`ending at the stage: ${stage}`, await start(['exit.js', stage]), { code });
  process.stdout.write(`${row.name}: ${row.passed} passed, ${row.failed} failed\n`);
  return row;
}

function chosen(names) {
  const unknown = names.find((name) => !RUNTIMES.some((runtime) => runtime.name === name));
  if (unknown)
    throw failure(`no runtime ${unknown}: ${RUNTIMES.map(({ name }) => name).join(', ')}`);
  return RUNTIMES.filter(({ name }) => names.length === 0 || names.includes(name));
}

if (require.main === module) {
  main(async () => {
    const runtimes = chosen(process.argv.slice(2));
    build({ quiet: true });
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-runtimes-'));
    const { startSmokeServer } = require('../test/smoke/server');
    const server = await startSmokeServer(folder);
    const sum = { passed: 0, failed: 0 };
    try {
      const project = await makeProject(folder);
      const url = new URL('/once', server.environment.SMOKE_PLAIN).href;
      fs.writeFileSync(path.join(project, 'example.mjs'), readmeExample(url));
      for (const runtime of runtimes) {
        const { passed, failed } = await testRuntime(runtime, project, server);
        sum.passed += passed;
        sum.failed += failed;
      }
    } finally {
      server.close();
      fs.rmSync(folder, { recursive: true, force: true });
    }
    process.stdout.write(`runtimes: ${sum.passed} passed, ${sum.failed} failed\n`);
    writeSummary(sum);
    if (sum.failed > 0) process.exitCode = 1;
  });
}
