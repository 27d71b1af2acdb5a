'use strict';

// What npm installs of the package and its platform packages, and what the package says where the right one is missing:
// a part of scripts/test-package.js, on this machine's kind.

const fs = require('node:fs');
const path = require('node:path');
const { failure, run } = require('../deps/run');
const { execute } = require('./execute');
const { inspectFiles } = require('./inspect-package');
const { cleanEnvironment, install, npmProgram } = require('./package');
const { installManagers, managers } = require('./package-managers');
const { Registry } = require('./registry');
const { publish } = require('./release-publish');
const { TARGETS, hostTarget } = require('./targets');

const SCOPE = '@verawebsockets';

/** The platform packages in a project. */
function platformPackages(project) {
  const folder = path.join(project, 'node_modules', SCOPE);
  return fs.existsSync(folder) ? fs.readdirSync(folder).map((name) => `${SCOPE}/${name}`) : [];
}

function expectPackages(project, expected) {
  const found = platformPackages(project).join(', ');
  if (found !== expected.join(', ')) throw failure(`there is ${found || 'none'}`);
}

async function testInstalls(checks, { registry, folder, example, env }) {
  const own = hostTarget();
  const npm = (project, ...args) =>
    run(process.execPath, [npmProgram(), ...args, '--no-audit', '--no-fund', '--ignore-scripts'], {
      cwd: project,
      env: { ...env, ...registry.environment, npm_config_cache: path.join(folder, '.npm') },
    });
  const project = (name, args) => {
    const made = path.join(folder, name);
    install(registry, made, { env, args });
    fs.writeFileSync(path.join(made, 'example.mjs'), example);
    return made;
  };
  const runExample = (made) => execute(process.execPath, ['example.mjs'], { cwd: made, env });
  const expectExample = async (made) => {
    const { output, code } = await runExample(made);
    if (code !== 0 || output.trim() !== 'hello\nclosed 1000') throw failure(output);
  };
  /** The lines of the error, which the example ends with. */
  const complaint = async (made) => {
    const { output, code } = await runExample(made);
    const said = output.replace(/\\n/g, '\n');
    if (code !== 1 || !said.includes('ERR_NO_BINARY')) throw failure(output);
    return said;
  };
  const expectLine = (said, pattern) => {
    const match = pattern.exec(said);
    if (!match) throw failure(`no line ${pattern} in\n${said}`);
    return match[1];
  };

  await checks.check(
    'publication: the platform package first, and what is there is passed over',
    async () => {
      const other = await Registry.start();
      try {
        const [platform, main] = registry.packages;
        const environment = { ...cleanEnvironment(), ...other.environment };
        publish([platform], [], { env: environment });
        publish([platform, main], [], { env: environment });
        const names = (await other.names()).join(', ');
        if (names !== `${own.package}, verawebsockets`) throw failure(`published: ${names}`);
      } finally {
        other.close();
      }
    },
  );

  await checks.check('what is in the package, and the one for this platform beside it', () => {
    const made = project('plain');
    expectPackages(made, [own.package]);
    const installed = path.join(made, 'node_modules', 'verawebsockets');
    const files = fs
      .readdirSync(installed, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(installed, path.join(entry.parentPath, entry.name)));
    const problems = inspectFiles(files.map((name) => name.split(path.sep).join('/')));
    if (problems.length > 0) throw failure(problems.join('\n'));
    return own.package;
  });

  await checks.check('npm ci, from the lock file of another platform', async () => {
    const made = project('locked', ['--os=linux', '--cpu=riscv64', '--libc=glibc']);
    if (platformPackages(made).includes(own.package)) throw failure(`there is ${own.package}`);
    npm(made, 'ci');
    expectPackages(made, [own.package]);
    await expectExample(made);
  });

  await checks.check('with --omit=optional the error names the command that helps', async () => {
    const made = project('omitted', ['--omit=optional']);
    expectPackages(made, []);
    const said = await complaint(made);
    expectLine(
      said,
      /^It comes with the optional dependency \S+, which is not installed: it was left out .*$/m,
    );
    const script = expectLine(said, /^To build it from source: node (\S+)$/m);
    if (!fs.existsSync(script)) throw failure(`${script} is not there`);
    const command = expectLine(said, /^To install it: npm (.*)$/m);
    npm(made, ...command.split(' '));
    expectPackages(made, [own.package]);
    await expectExample(made);
    // And it stays optional, so that the project still installs on other platforms.
    const { optionalDependencies } = JSON.parse(
      fs.readFileSync(path.join(made, 'package.json'), 'utf8'),
    );
    if (!optionalDependencies?.[own.package]) throw failure('it is no optional dependency');
  });

  await checks.check('node_modules of another C library: the error says so', async () => {
    const made = project('foreign', ['--libc=musl']);
    const musl = `${own.package}-musl`;
    expectPackages(made, [musl]);
    expectLine(
      await complaint(made),
      new RegExp(`node_modules is of another machine: it has ${musl}$`, 'm'),
    );
  });

  await checks.check('the packages of two C libraries side by side', async () => {
    // As npm before 10.4 and Yarn 1 leave it, which do not ask for the C library.
    const made = project('both');
    const scope = (name) => path.join(folder, name, 'node_modules', SCOPE);
    fs.cpSync(scope('foreign'), scope('both'), { recursive: true });
    expectPackages(made, [own.package, `${own.package}-musl`]);
    await expectExample(made);
  });
}

/** Each of the others, with scripts as it has them by default. */
async function testManagers(checks, { registry, folder, example, env }) {
  const own = hostTarget();
  let all = [];
  await checks.check('the package managers', () => {
    installManagers();
    all = managers();
    return all.map(({ name }) => name).join('; ');
  });
  for (const [i, manager] of all.entries()) {
    await checks.check(`installed by ${manager.name}`, async () => {
      const made = path.join(folder, `manager-${i}`);
      fs.mkdirSync(made);
      const files = {
        'package.json': '{ "name": "project", "private": true }\n',
        ...manager.files,
      };
      for (const [name, text] of Object.entries({ ...files, 'example.mjs': example }))
        fs.writeFileSync(path.join(made, name), text);
      const [command, ...first] = manager.command;
      const environment = { ...env, HOME: made, ...registry.environment, ...manager.env };
      const result = await execute(command, [...first, ...manager.args], {
        cwd: made,
        env: environment,
      });
      if (result.code !== 0 || /node-gyp|build scripts/i.test(result.output))
        throw failure(result.output);
      const unasked = TARGETS.filter(
        ({ platform, arch, libc }) =>
          platform === own.platform && arch === own.arch && libc !== own.libc,
      );
      const others = manager.asksForLibc ? [] : unasked.map((target) => target.package);
      if (fs.existsSync(path.join(made, 'node_modules', SCOPE)))
        expectPackages(made, [own.package, ...others].sort());
      const node = manager.runsNode
        ? await execute(command, [...first, 'node', 'example.mjs'], { cwd: made, env: environment })
        : await execute(process.execPath, ['example.mjs'], { cwd: made, env });
      if (node.code !== 0 || node.output.trim() !== 'hello\nclosed 1000')
        throw failure(node.output);
    });
  }
}

module.exports = { testInstalls, testManagers };
