'use strict';

// Builds the addon by node-gyp into build/Release/verawebsockets.node. Works in a checkout and in
// the published package.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { buildEngine } = require('../deps/build');
const { run, main, failure } = require('../deps/run');
const { root, inCheckout } = require('./checkout');
const { findNodeGyp, nodeHeaderPrefix } = require('./node-headers');

const BINARY = path.join(root, 'build', 'Release', 'verawebsockets.node');

function modified(file) {
  return fs.existsSync(file) ? fs.statSync(file).mtimeMs : 0;
}

/** node-gyp's make knows nothing of the libraries that are linked in. */
function dropIfOlderThanEngine() {
  const engine = buildEngine();
  const inputs = [engine.library, engine.ssl, engine.crypto, engine.zlib];
  if (inputs.some((file) => modified(file) > modified(BINARY))) fs.rmSync(BINARY, { force: true });
}

/** Runs build() with binding.gyp where node-gyp looks for it; the published package keeps it elsewhere. */
function withBindingGyp(build) {
  const [there, kept] = [path.join(root, 'binding.gyp'), path.join(root, 'native', 'binding.gyp')];
  if (fs.existsSync(there)) return build();
  fs.copyFileSync(kept, there);
  try {
    return build();
  } finally {
    fs.rmSync(there);
  }
}

function buildAddon() {
  dropIfOlderThanEngine();
  const before = modified(BINARY);
  const args = [findNodeGyp(), 'configure', 'build', '--release', '-C', root];
  args.push(`--jobs=${os.availableParallelism()}`);
  if (inCheckout) {
    const { hostStubs } = require('./cross/host-stubs');
    args.push('--vws_werror=1', `--vws_glibc_stubs=${hostStubs()}`);
  }
  const prefix = nodeHeaderPrefix();
  if (prefix) args.push(`--nodedir=${prefix}`);
  withBindingGyp(() => run(process.execPath, args, { cwd: root }));
  if (!fs.existsSync(BINARY)) throw failure(`node-gyp left no ${BINARY}`);
  return modified(BINARY) !== before;
}

if (require.main === module) {
  main(() => {
    const changed = buildAddon();
    process.stdout.write(
      `${path.relative(process.cwd(), BINARY)}${changed ? '' : ' is up to date'}\n`,
    );
  });
}

module.exports = { buildAddon };
