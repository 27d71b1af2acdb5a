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
const { BundlerProject, recipes } = require('./bundlers');
const { Checks, count, execute } = require('./execute');
const { ReadmeRun } = require('./readme');
const { publishHere } = require('./registry');
const { testInstalls, testManagers } = require('./test-installs');
const { writeSummary } = require('./summary-file');
const { root } = require('./checkout');
const { cleanEnvironment, install, pathWithoutCompiler, readmeExample } = require('./package');

/** From the tarball to the end of the README's first example, in ms. */
const INSTALL_AND_RUN_MS = 5000;
/** From "npm init" to the first message, by the README alone, in ms. */
const FIRST_MESSAGE_MS = 60_000;

function expectExample({ output, code }) {
  if (code !== 0 || output.trim() !== 'hello\nclosed 1000')
    throw failure(`it ended with ${code} and said:\n${output}`);
}

function expectSuite(result) {
  const { passed, failed } = count(result);
  if (failed > 0 || passed === 0) throw failure(`ended with ${result.code}\n${result.output}`);
  return `${passed} cases`;
}

/** Every bundler that docs/bundlers.md has. */
const KINDS = ['esbuild', 'webpack', 'Rollup', 'ncc', 'nft', 'Single executable applications'];

async function testBundles(checks, registry, example) {
  const found = recipes();
  let project;
  try {
    await checks.check('the bundlers, and a recipe for each', () => {
      const missing = KINDS.filter((kind) => !found.some(({ name }) => name === kind));
      if (missing.length > 0) throw failure(`docs/bundlers.md: nothing for ${missing.join(', ')}`);
      project = new BundlerProject(registry, example);
      return `${found.length} recipes`;
    });
    if (!project) return;
    for (const recipe of found) {
      await checks.check(`bundled as docs/bundlers.md says: ${recipe.name}`, async () =>
        expectExample(await project.run(recipe)),
      );
    }
    await checks.check('a bundle without its binary says so, and names the page', async () => {
      const commands =
        'esbuild app.mjs --bundle --platform=node --external:*.node --outfile=out/app.js';
      const { output, code } = await project.run({ files: {}, commands });
      const said = /\nThis copy is in a bundle, .*: https:\/\/\S+\/docs\/bundlers\.md\n/.test(
        output,
      );
      if (code !== 1 || !said || !output.includes('ERR_NO_BINARY')) throw failure(output);
    });
  } finally {
    project?.remove();
  }
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
  let registry;
  try {
    registry = await publishHere(folder);

    await checks.check('install without scripts and compiler, run the first example', async () => {
      const started = Date.now();
      install(registry, project, { env });
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
      const installed = install(registry, other, { env, scripts: true });
      if (fs.existsSync(path.join(installed, 'build')))
        throw failure(`${installed}/build was made`);
    });

    await testInstalls(checks, { registry, folder, example, env });
    await testManagers(checks, { registry, folder, example, env });
    await checks.check('what the README prints, as it is printed', async () => {
      const empty = path.join(folder, 'readme');
      fs.mkdirSync(empty);
      const started = Date.now();
      let first;
      const outputs = await new ReadmeRun(empty, registry).run(
        () => (first ??= Date.now() - started),
      );
      if (outputs < 3) throw failure(`only ${outputs} outputs are printed`);
      if (first > FIRST_MESSAGE_MS) throw failure(`the first message took ${first} ms`);
      return `${outputs} outputs, the first message ${first} ms after "npm init"`;
    });
    await checks.check('the examples, from the package', async () => {
      const installed = path.join(folder, 'readme', 'node_modules', 'verawebsockets');
      const names = fs.readdirSync(path.join(installed, 'examples'));
      // Some show how a framework of others is served beside: test/programs/ has those.
      const frameworks = /require\('(?:express|fastify)'\)/;
      const programs = names.filter(
        (name) =>
          name.endsWith('.js') &&
          !frameworks.test(fs.readFileSync(path.join(installed, 'examples', name), 'utf8')),
      );
      for (const program of programs) {
        const { output, code } = await execute(process.execPath, [`examples/${program}`], {
          cwd: installed,
          env,
        });
        if (code !== 0) throw failure(`${program}: ended with ${code}\n${output}`);
      }
      return `${programs.length} programs`;
    });
    await testBundles(checks, registry, example);
  } finally {
    server.close();
    registry?.close();
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
