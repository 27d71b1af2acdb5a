'use strict';

// Builds the addon by cmake-js into build/cmake/Release/verawebsockets.node: the other way beside
// node-gyp, and the one for cross builds (--toolchain FILE --arch NAME --out FOLDER).

const path = require('node:path');
const { run, main, failure } = require('../deps/run');
const { root, inCheckout } = require('./checkout');

function findCmakeJs() {
  try {
    return require.resolve('cmake-js/bin/cmake-js', { paths: [root, process.cwd()] });
  } catch {
    throw failure('cmake-js was not found (npm install --save-dev cmake-js)');
  }
}

/** glibcStubs: a folder made by cross/glibc-stubs.js, to be linked with in glibc's place. */
function buildCmake({
  toolchain,
  arch,
  out = path.join(root, 'build', 'cmake'),
  glibcStubs = toolchain || !inCheckout ? '' : require('./cross/host-stubs').hostStubs(),
} = {}) {
  const args = [findCmakeJs(), 'build', '--directory', root, '--out', out, '--config', 'Release'];
  args.push(`--CDVWS_WERROR=${inCheckout ? 'ON' : 'OFF'}`);
  args.push(`--CDVWS_GLIBC_STUBS=${glibcStubs}`);
  if (toolchain) args.push(`--CDCMAKE_TOOLCHAIN_FILE=${path.resolve(toolchain)}`);
  if (arch) args.push('--arch', arch);
  run(process.execPath, args, { cwd: root });
  return path.join(out, 'Release', 'verawebsockets.node');
}

function parseArguments(args) {
  const options = {};
  for (let i = 0; i < args.length; i += 2) {
    const name = args[i].replace(/^--/, '');
    if (!['toolchain', 'arch', 'out'].includes(name) || !args[i + 1])
      throw failure(`unknown argument ${args[i]}`);
    options[name] = args[i + 1];
  }
  return options;
}

if (require.main === module) {
  main(() => {
    const binary = buildCmake(parseArguments(process.argv.slice(2)));
    process.stdout.write(`${path.relative(process.cwd(), binary)}\n`);
  });
}

module.exports = { buildCmake };
