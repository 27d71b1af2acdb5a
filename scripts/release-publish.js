'use strict';

// Checks the release (npm run release:check), and publishes what was checked: the platform packages first, so that
// nobody gets a main package whose binary is not there yet. What follows "--" goes to npm publish.
//
//   npm run release:publish -- --provenance
//
// What the registry has already, byte for byte, is passed over: a publication that was interrupted goes on where it
// was.

const path = require('node:path');
const { main, probe, run, failure } = require('../deps/run');
const { npmProgram } = require('./package');
const { releaseCheck } = require('./release-check');

const npm = (...args) => [process.execPath, [npmProgram(), ...args]];

/** What the registry says of this very version; '' if it has none. */
function published({ name, version }, env) {
  return probe(...npm('view', `${name}@${version}`, 'dist.integrity'), { env }) ?? '';
}

/** packages: as packRelease() returns them. */
function publish(packages, args, { env = process.env } = {}) {
  for (const item of packages) {
    const id = `${item.name}@${item.version}`;
    const there = published(item, env);
    if (there && there !== item.integrity)
      throw failure(`${id} is in the registry already, and not what is here`);
    if (there) {
      process.stdout.write(`${id} is in the registry already\n`);
      continue;
    }
    const cwd = path.dirname(item.file);
    run(...npm('publish', item.file, '--access', 'public', ...args), { cwd, env });
    process.stdout.write(`${id} published\n`);
  }
}

if (require.main === module) {
  main(async () => {
    const args = process.argv.slice(2);
    // "npm publish" in the checkout: it would publish a package that names no binary.
    if (args[0] === '--refuse')
      throw failure('there are several packages: npm run release:publish publishes them in order');
    const { checks, packages } = await releaseCheck({ cross: false });
    checks.report('release');
    if (checks.failed > 0) throw failure('nothing was published');
    publish(packages, args);
  });
}

module.exports = { publish };
