'use strict';

// The package from a user's side: packed, installed into empty projects without scripts, without a
// compiler and without a network, and run.
//
//   npm run test:package
//
// Its last line is the sum, "package: N passed, N failed".

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { build } = require('./build');
const { Checks, count, execute } = require('./execute');
const { writeSummary } = require('./summary-file');
const { root } = require('./checkout');
const {
  cleanEnvironment,
  install,
  packWithHostBinary,
  pathWithoutCompiler,
  readmeExample,
} = require('./package');

/** From the tarball to the end of the README's first example, in ms. */
const INSTALL_AND_RUN_MS = 5000;

function expectExample({ output, code }) {
  if (code !== 0 || output.trim() !== 'hello\nclosed 1000')
    throw failure(`it ended with ${code} and said:\n${output}`);
}

function expectSuite(result) {
  const { passed, failed } = count(result);
  if (failed > 0 || passed === 0) throw failure(`ended with ${result.code}\n${result.output}`);
  return `${passed} cases`;
}

async function testPackage() {
  build({ quiet: true });
  const checks = new Checks();
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-package-'));
  const { startSmokeServer } = require('../test/smoke/server');
  const server = await startSmokeServer(folder);
  const example = readmeExample(new URL('/once', server.environment.SMOKE_PLAIN).href);
  const env = { ...cleanEnvironment(), PATH: pathWithoutCompiler(path.join(folder, 'path')) };
  const project = path.join(folder, 'project');
  try {
    const packed = packWithHostBinary(folder);

    await checks.check('install without scripts and compiler, run the first example', async () => {
      const started = Date.now();
      install(packed.file, project, { env });
      fs.writeFileSync(path.join(project, 'example.mjs'), example);
      const installed = Date.now();
      expectExample(await execute(process.execPath, ['example.mjs'], { cwd: project, env }));
      const [whole, part] = [Date.now() - started, installed - started];
      if (whole > INSTALL_AND_RUN_MS) throw failure(`it took ${whole} ms`);
      return `${whole} ms, ${part} of them the installation`;
    });

    await checks.check('the smoke suite, on the installed package', async () => {
      fs.copyFileSync(path.join(root, 'test/smoke/smoke.js'), path.join(project, 'smoke.js'));
      const environment = { ...env, ...server.environment };
      return expectSuite(
        await execute(process.execPath, ['smoke.js'], { cwd: project, env: environment }),
      );
    });

    await checks.check('nothing is built where scripts are allowed', async () => {
      const other = path.join(folder, 'with-scripts');
      const installed = install(packed.file, other, { env, scripts: true });
      if (fs.existsSync(path.join(installed, 'build')))
        throw failure(`${installed}/build was made`);
    });

    await checks.check(
      'without its binary the error names the command that builds it',
      async () => {
        const installed = path.join(project, 'node_modules', 'verawebsockets');
        fs.rmSync(path.join(installed, 'prebuilds'), { recursive: true });
        const { output, code } = await execute(process.execPath, ['example.mjs'], {
          cwd: project,
          env,
        });
        const command = /^To build it from source: node (\S+)$/m.exec(output.replace(/\\n/g, '\n'));
        if (code !== 1 || !command || !fs.existsSync(command[1])) throw failure(output);
      },
    );
  } finally {
    server.close();
    fs.rmSync(folder, { recursive: true, force: true });
  }
  return checks;
}

if (require.main === module) {
  main(async () => {
    const checks = await testPackage();
    checks.report('package');
    writeSummary(checks);
  });
}
