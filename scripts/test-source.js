'use strict';

// Builds the addon from the published package alone, in a project that has nothing else (no platform package either)
// and without a network, both ways: by node-gyp (the command that the loader names) and by cmake-js. Then runs the
// smoke suite on each.
//
//   npm run test:source
//
// As root each build runs in a network namespace of its own, without an interface that is up;
// otherwise that is said, and npm and apt are only kept from being needed. Its last line is the
// sum, "source: N passed, N failed".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { main, run, failure } = require('../deps/run');
const { buildTypeScript } = require('./build-ts');
const { Checks, count, execute } = require('./execute');
const { cleanEnvironment, install, pack } = require('./package');
const { nodeHeaderPrefix } = require('./node-headers');
const { Registry } = require('./registry');
const { root } = require('./checkout');

const ISOLATE = ['unshare', '--net', '--'];
const canIsolate = () =>
  spawnSync(ISOLATE[0], [...ISOLATE.slice(1), 'true'], { stdio: 'ignore' }).status === 0;

/** Two ways, and where each leaves the binary. The tools are the user's, here this checkout's. */
const WAYS = [
  {
    name: 'node-gyp',
    script: 'build-addon.js',
    file: path.join('build', 'Release', 'verawebsockets.node'),
    env: { npm_config_node_gyp: path.join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js') },
  },
  {
    name: 'cmake-js',
    script: 'build-cmake.js',
    file: path.join('build', 'cmake', 'Release', 'verawebsockets.node'),
    tools: ['cmake-js', 'node-api-headers'],
  },
];

/** A tool with all that it needs, as "npm install --save-dev" would have put it into the project. */
function linkTool(name, project) {
  const link = path.join(project, 'node_modules', name);
  fs.symlinkSync(path.join(root, 'node_modules', name), link, 'junction');
}

function buildIn(project, installed, way, isolated) {
  for (const tool of way.tools ?? []) linkTool(tool, project);
  const script = path.join(installed, 'scripts', way.script);
  const env = { ...cleanEnvironment(), ...way.env, LWS_SOURCE_DIR: undefined };
  const command = [...(isolated ? ISOLATE : []), process.execPath, script];
  const started = Date.now();
  run(command[0], command.slice(1), { cwd: project, env });
  if (!fs.existsSync(path.join(installed, way.file))) throw failure(`it left no ${way.file}`);
  return `${Math.round((Date.now() - started) / 1000)} s${isolated ? ', without a network' : ''}`;
}

async function smoke(project, installed, way, server) {
  fs.copyFileSync(path.join(root, 'test', 'smoke', 'smoke.js'), path.join(project, 'smoke.js'));
  const env = {
    ...cleanEnvironment(),
    ...server.environment,
    VERAWEBSOCKETS_BINARY: path.join(installed, way.file),
  };
  if (!fs.existsSync(env.VERAWEBSOCKETS_BINARY)) throw failure('there is nothing to run');
  const result = await execute(process.execPath, ['smoke.js'], { cwd: project, env });
  const { passed, failed } = count(result);
  if (failed > 0) throw failure(`ended with ${result.code}\n${result.output}`);
  return `${passed} cases`;
}

async function testSource() {
  buildTypeScript();
  const checks = new Checks();
  const isolated = canIsolate();
  if (!isolated) process.stdout.write('The network stays: unshare --net is not permitted here\n');
  // Without headers beside Node node-gyp fetches them, which is no matter of the tarball's.
  if (!nodeHeaderPrefix())
    throw failure("Node's headers are not installed beside it: set npm_config_nodedir");
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-source-'));
  const { startSmokeServer } = require('../test/smoke/server');
  const server = await startSmokeServer(folder);
  let registry;
  try {
    registry = await Registry.start();
    await registry.put(pack(folder).file);
    for (const way of WAYS) {
      const project = path.join(folder, way.name);
      const installed = install(registry, project);
      await checks.check(`${way.name}: builds`, () => buildIn(project, installed, way, isolated));
      await checks.check(`${way.name}: passes`, () => smoke(project, installed, way, server));
    }
  } finally {
    server.close();
    registry?.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return checks;
}

if (require.main === module) {
  main(async () => {
    const checks = await testSource();
    checks.report('source');
  });
}
