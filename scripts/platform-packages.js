'use strict';

// A package for each binary, an optional dependency of the main one: "os", "cpu" and "libc" tell npm, pnpm, Yarn and
// Bun which of them a machine gets. No script runs for it.

const fs = require('node:fs');
const path = require('node:path');
const { failure } = require('../deps/run');
const { TARGETS } = require('./targets');
const { root } = require('./checkout');

/** What is linked into each binary has notices, which go where it goes. */
const NOTICES = ['LICENSE', 'LICENSES', 'THIRD-PARTY-NOTICES'];

function manifestOf(folder = root) {
  return JSON.parse(fs.readFileSync(path.join(folder, 'package.json'), 'utf8'));
}

function describe({ platform, arch, libc }) {
  return [platform, arch, libc].filter(Boolean).join(', ');
}

function platformManifest(target, main = manifestOf()) {
  const { version, license, author, repository, homepage, bugs, engines } = main;
  const binary = path.basename(target.file);
  return {
    name: target.package,
    version,
    description: `The binary of verawebsockets for ${describe(target)}`,
    license,
    author,
    repository,
    homepage,
    bugs,
    main: binary,
    files: [binary, ...NOTICES.filter((name) => name !== 'LICENSE')],
    os: [target.platform],
    cpu: [target.arch],
    ...(target.libc ? { libc: [target.libc] } : {}),
    engines,
    // Yarn keeps packages in archives, out of which the system loads no library.
    preferUnplugged: true,
    publishConfig: { access: 'public' },
  };
}

const readme = (target) => `# ${target.package}

The binary of [verawebsockets](https://www.npmjs.com/package/verawebsockets) for ${describe(target)}. That package has this one as an
optional dependency, and finds it by itself: there is nothing to install or to import here.
`;

/** Writes the package for the target to folder, with this file as its binary. */
function writePlatformPackage(target, folder, file = path.join(root, target.file)) {
  if (!fs.existsSync(file))
    throw failure(`${target.file} is not there (npm run prebuild -- --target ${target.name})`);
  fs.mkdirSync(folder, { recursive: true });
  const manifest = `${JSON.stringify(platformManifest(target), null, 2)}\n`;
  fs.writeFileSync(path.join(folder, 'package.json'), manifest);
  fs.writeFileSync(path.join(folder, 'README.md'), readme(target));
  for (const name of NOTICES)
    fs.cpSync(path.join(root, name), path.join(folder, name), { recursive: true });
  const binary = path.join(folder, path.basename(target.file));
  fs.copyFileSync(file, binary);
  fs.chmodSync(binary, 0o755);
}

/**
 * The main package's manifest as it is published. Not so in the checkout, whose lock file would have to name packages
 * that are published later than it.
 */
function withPlatformPackages(main) {
  const optionalDependencies = Object.fromEntries(
    TARGETS.map((target) => [target.package, main.version]),
  );
  return {
    ...main,
    optionalDependencies: { ...main.optionalDependencies, ...optionalDependencies },
  };
}

module.exports = { manifestOf, platformManifest, withPlatformPackages, writePlatformPackage };
