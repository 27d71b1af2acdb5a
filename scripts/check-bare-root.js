'use strict';

// The README's two commands on a machine that has nothing: an unpacked minimal Debian with only Node
// added. Needs root, debootstrap and mount; takes minutes, so that CI does not run it.
//
//   node scripts/check-bare-root.js [--suite bookworm] [--from FOLDER] [--folder build/bare-root] [--keep]
//
// --from: a copy of what debootstrap has unpacked there before.
// The mirror, the registry and what makes them reachable are this machine's own: taken from apt's and
// npm's configuration. What is checked: without root both commands stop with the one line that names
// the packages; as root each brings them, and works. Prints the tests' own count last.

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { run, main, failure, locate, probe } = require('../deps/run');
const { configuredEntries } = require('../deps/apt');
const { root } = require('./checkout');

/** Somebody who is not root; any number will do. */
const NOBODY = '65534';
const MOUNTS = [
  ['-t', 'proc', 'proc', 'proc'],
  ['--rbind', '/dev', 'dev'],
];

function parseArguments(args) {
  const options = { suite: 'bookworm', folder: path.join(root, 'build', 'bare-root'), keep: false };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--keep') options.keep = true;
    else if (args[i] === '--suite') options.suite = args[++i];
    else if (args[i] === '--from') options.from = path.resolve(args[++i]);
    else if (args[i] === '--folder') options.folder = path.resolve(args[++i]);
    else throw failure(`unknown argument ${args[i]}`);
  }
  return options;
}

function requireTools() {
  if (process.getuid() !== 0) throw failure('needs root: it unpacks a system and changes into it');
  const missing = ['debootstrap', 'mount', 'chroot', 'git'].filter((name) => !locate(name));
  if (missing.length > 0) throw failure(`missing: ${missing.join(' ')}`);
}

/** Copies a file or folder to the same place below the new root, where links lead. */
function copyIn(folder, file) {
  if (!fs.existsSync(file)) return;
  const target = path.join(folder, file);
  fs.mkdirSync(path.dirname(target), { recursive: true });
  fs.cpSync(fs.realpathSync(file), target, { recursive: true, force: true });
}

function unpack(folder, suite, from) {
  const entry = configuredEntries().find(
    ({ suites, components }) => suites.includes(suite) && components.includes('main'),
  );
  if (!entry) throw failure(`apt has no source for ${suite} here`);
  if (from) run('cp', ['-a', from, folder]);
  else run('debootstrap', ['--variant=minbase', suite, folder, entry.uri]);
  for (const name of ['sources.list.d', 'apt.conf.d', 'auth.conf.d', 'trusted.gpg.d', 'keyrings'])
    copyIn(folder, path.join('/etc/apt', name));
  // A check of the sources: updates as well, where they are configured.
  if (fs.existsSync('/etc/apt/sources.list')) copyIn(folder, '/etc/apt/sources.list');
  else fs.rmSync(path.join(folder, 'etc/apt/sources.list'), { force: true });
  copyIn(folder, '/etc/resolv.conf');
  copyIn(folder, '/etc/hosts');
}

/** Node alone: its binary, npm, and its headers if they came with it. */
function addNode(folder) {
  const prefix = path.dirname(path.dirname(fs.realpathSync(process.execPath)));
  const target = path.join(folder, 'usr/local');
  const copy = (from) =>
    fs.cpSync(path.join(prefix, from), path.join(target, from), { recursive: true });
  copy('bin/node');
  copy('lib/node_modules/npm');
  if (fs.existsSync(path.join(prefix, 'include/node'))) copy('include/node');
  for (const name of ['npm', 'npx']) {
    const link = path.join(target, 'bin', name);
    fs.rmSync(link, { force: true });
    fs.symlinkSync(`../lib/node_modules/npm/bin/${name}-cli.js`, link);
  }
}

/** npm as it is set up here, with copies of the certificates it trusts. */
function npmEnvironment(folder) {
  const env = {};
  const cafile = probe('npm', ['config', 'get', 'cafile']);
  if (cafile && cafile !== 'null' && fs.existsSync(cafile)) {
    fs.copyFileSync(cafile, path.join(folder, 'etc/npm-ca.pem'));
    env.npm_config_cafile = '/etc/npm-ca.pem';
    env.NODE_EXTRA_CA_CERTS = '/etc/npm-ca.pem';
  }
  const registry = probe('npm', ['config', 'get', 'registry']);
  if (registry) env.npm_config_registry = registry;
  for (const name of ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy'])
    if (process.env[name]) env[name] = process.env[name];
  return env;
}

function checkOut(folder, name) {
  const target = path.join(folder, name);
  run('git', ['clone', '--quiet', '--no-local', root, target]);
  return `/${name}`;
}

/** Runs a shell line below the new root; what it prints is shown, and returned. */
function inside(folder, env, line, user = '0') {
  process.stdout.write(`$ ${line}${user === '0' ? '' : `   (as user ${user})`}\n`);
  const home = user === '0' ? '/root' : '/home/nobody';
  const result = spawnSync(
    'chroot',
    [`--userspec=${user}:${user}`, folder, '/bin/sh', '-c', line],
    {
      env: { PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin', HOME: home, ...env },
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      maxBuffer: 256 * 1024 * 1024,
    },
  );
  const output = `${result.stdout}${result.stderr}`;
  process.stdout.write(output);
  return { status: result.status, output };
}

function expect(condition, what) {
  process.stdout.write(`${condition ? 'as it should' : 'NOT as it should'}: ${what}\n`);
  if (!condition) throw failure(what);
}

function check(folder, env) {
  const home = path.join(folder, 'home/nobody');
  fs.mkdirSync(home, { recursive: true });
  const own = checkOut(folder, 'home/nobody/checkout');
  run('chown', ['-R', `${NOBODY}:${NOBODY}`, home]);
  for (const command of ['npm run demo', 'npm test']) {
    const { status, output } = inside(folder, env, `cd ${own} && npm ci && ${command}`, NOBODY);
    const lines = output.match(/^ +sudo apt-get install -y .*$/gm) ?? [];
    expect(status !== 0 && lines.length === 1, `without root, ${command} names the packages`);
  }

  const demo = inside(folder, env, `cd ${checkOut(folder, 'checkout')} && npm ci && npm run demo`);
  expect(demo.output.includes('Installing system packages: '), 'it says which packages it brings');
  expect(
    demo.status === 0 && /Hello again!/.test(demo.output) && /closed/i.test(demo.output),
    'npm run demo prints the conversation',
  );
  const tests = inside(folder, env, 'cd /checkout && npm ci && npm test');
  expect(tests.status === 0, 'npm test passes');
}

if (require.main === module) {
  main(() => {
    const { suite, from, folder, keep } = parseArguments(process.argv.slice(2));
    requireTools();
    if (fs.existsSync(folder)) throw failure(`${folder} is there already`);
    const mounted = [];
    try {
      unpack(folder, suite, from);
      addNode(folder);
      const env = npmEnvironment(folder);
      for (const mount of MOUNTS) {
        const point = path.join(folder, mount.at(-1));
        run('mount', [...mount.slice(0, -1), point]);
        run('mount', ['--make-rslave', point]);
        mounted.unshift(point);
      }
      check(folder, env);
    } finally {
      for (const point of mounted) run('umount', ['--recursive', '--lazy', point]);
      if (!keep) fs.rmSync(folder, { recursive: true, force: true });
    }
  });
}
