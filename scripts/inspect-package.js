'use strict';

// What the packed package must hold, and may not.

/** Every file in it is one of these. */
const ALLOWED = [
  /^(?:package\.json|README\.md|LICENSE|ARCHITECTURE\.md|CHANGELOG\.md|THIRD-PARTY-NOTICES|binding\.gyp|CMakeLists\.txt)$/,
  /^LICENSES\/[\w.-]+\.txt$/,
  /^cmake\/[\w./-]+\.(?:cmake|map|in)$/,
  /^deps\/[\w-]+\.(?:js|json)$/,
  /^deps\/libwebsockets\.tgz$/,
  /^dist\/[\w/-]+\.(?:js|mjs|d\.ts|d\.mts)$/,
  /^docs\/[\w-]+\.(?:md|svg)$/,
  /^examples\/[\w/-]+\.(?:js|conf)$/,
  /^native\/(?:binding|engine|glibc)\/[\w/-]+\.(?:cc|h)$/,
  /^native\/sources\.js$/,
  /^prebuilds\/[\w-]+\/verawebsockets[\w.]*\.node$/,
  /^scripts\/(?:build-addon|build-cmake|checkout|node-headers)\.js$/,
  // Headers, to build from source without a network.
  /^node_modules\/node-addon-api\//,
];

/** What a user, a build from source or a licence needs. */
const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'THIRD-PARTY-NOTICES',
  'LICENSES/Apache-2.0.txt',
  'binding.gyp',
  'CMakeLists.txt',
  'deps/libwebsockets.tgz',
  'dist/cli/main.js',
  'dist/index.js',
  'dist/index.mjs',
  'dist/index.d.ts',
  'dist/index.d.mts',
  'dist/drop-in/hooks.mjs',
  'dist/register.d.ts',
  'dist/register.js',
  'dist/ws.d.mts',
  'dist/ws.d.ts',
  'dist/ws.js',
  'dist/ws.mjs',
  'docs/websocket.md',
  'examples/echo-server.js',
  'native/binding/addon.cc',
  'native/sources.js',
  'node_modules/node-addon-api/LICENSE.md',
  'node_modules/node-addon-api/napi.h',
  'scripts/build-addon.js',
  'scripts/build-cmake.js',
];

/** Works whose notices must be in THIRD-PARTY-NOTICES, since they are linked in. */
const LINKED_IN = ['libwebsockets', 'OpenSSL', 'zlib', 'GNU C++ library', 'node-addon-api'];

/** files: paths in the tarball. Returns what is wrong, in words. */
function inspectFiles(files, binaries) {
  const known = new Set(files);
  const allowedBinary = (name) => !name.startsWith('prebuilds/') || binaries.includes(name);
  const allowed = (name) => ALLOWED.some((pattern) => pattern.test(name)) && allowedBinary(name);
  return [
    ...[...REQUIRED, ...binaries]
      .filter((name) => !known.has(name))
      .map((name) => `without ${name}`),
    ...files.filter((name) => !allowed(name)).map((name) => `with ${name}`),
  ];
}

/** A package that runs scripts at installation, or brings others, is not what is promised. */
function inspectManifest(manifest) {
  const scripts = ['preinstall', 'install', 'postinstall', 'prepare'];
  const bundled = manifest.bundleDependencies ?? [];
  const brought = { ...manifest.dependencies, ...manifest.optionalDependencies };
  return [
    ...scripts.filter((name) => manifest.scripts?.[name]).map((name) => `a script "${name}"`),
    ...(manifest.gypfile === false ? [] : ['no "gypfile": false, so npm would run node-gyp']),
    ...Object.keys(brought)
      .filter((name) => !bundled.includes(name))
      .map((name) => `a dependency, ${name}, that is not inside`),
  ];
}

/** notices: the text of THIRD-PARTY-NOTICES. */
function inspectNotices(notices) {
  return LINKED_IN.filter((name) => !notices.includes(name)).map((name) => `no notice of ${name}`);
}

module.exports = { inspectFiles, inspectManifest, inspectNotices };
