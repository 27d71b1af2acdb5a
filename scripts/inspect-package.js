'use strict';

// What the packed packages must hold, and may not.

const path = require('node:path');

/** Every file in it is one of these. */
const ALLOWED = [
  /^(?:package\.json|README\.md|LICENSE|ARCHITECTURE\.md|CHANGELOG\.md|THIRD-PARTY-NOTICES|CMakeLists\.txt)$/,
  /^LICENSES\/[\w.-]+\.txt$/,
  /^cmake\/[\w./-]+\.(?:cmake|darwin|map|in)$/,
  /^deps\/[\w-]+\.(?:js|json)$/,
  /^deps\/libwebsockets\.tgz$/,
  /^dist\/[\w/-]+\.(?:js|mjs|d\.ts|d\.mts)$/,
  /^docs\/[\w-]+\.(?:md|svg)$/,
  /^examples\/[\w/-]+\.(?:js|conf|json|yml)$/,
  /^native\/(?:binding|engine|glibc|windows)\/[\w/-]+\.(?:cc|h)$/,
  // In the root package managers would run node-gyp for it.
  /^native\/binding\.gyp$/,
  /^native\/(?:node-addon-api|sources)\.js$/,
  /^scripts\/(?:build-addon|build-cmake|checkout|node-headers)\.js$/,
  // Headers, to build from source without a network.
  /^native\/node-addon-api\/(?:LICENSE\.md|napi[\w.-]*\.h)$/,
];

/** What a user, a build from source or a licence needs. */
const REQUIRED = [
  'package.json',
  'README.md',
  'LICENSE',
  'THIRD-PARTY-NOTICES',
  'LICENSES/Apache-2.0.txt',
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
  'native/binding.gyp',
  'native/binding/addon.cc',
  'native/node-addon-api/LICENSE.md',
  'native/node-addon-api/napi.h',
  'native/sources.js',
  'scripts/build-addon.js',
  'scripts/build-cmake.js',
];

/** Works whose notices must be in THIRD-PARTY-NOTICES, since they are linked in. */
const LINKED_IN = [
  'libwebsockets',
  'OpenSSL',
  'zlib',
  'GNU C++ library',
  "LLVM's C++ library",
  "Zig's runtime library",
  'node-addon-api',
];

/** files: paths in the tarball of the main package. Returns what is wrong, in words. */
function inspectFiles(files) {
  const known = new Set(files);
  const allowed = (name) => ALLOWED.some((pattern) => pattern.test(name));
  return [
    ...REQUIRED.filter((name) => !known.has(name)).map((name) => `without ${name}`),
    ...files.filter((name) => !allowed(name)).map((name) => `with ${name}`),
  ];
}

/** The same of a platform package's. */
function inspectPlatformFiles(files, target) {
  const expected = ['package.json', 'README.md', 'LICENSE', 'LICENSES/Apache-2.0.txt']
    .concat(['THIRD-PARTY-NOTICES', path.basename(target.file)])
    .sort();
  const found = [...files].sort();
  return [
    ...expected.filter((name) => !found.includes(name)).map((name) => `without ${name}`),
    ...found.filter((name) => !expected.includes(name)).map((name) => `with ${name}`),
  ];
}

const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare'];

/** A package that runs scripts at installation, or brings others than its binaries, is not what is promised. */
function inspectManifest(manifest, targets) {
  const { version } = manifest;
  const optional = manifest.optionalDependencies ?? {};
  const own = targets.map((target) => target.package);
  const brought = Object.keys({ ...manifest.dependencies, ...optional });
  return [
    ...INSTALL_SCRIPTS.filter((name) => manifest.scripts?.[name]).map(
      (name) => `a script "${name}"`,
    ),
    ...(manifest.gypfile === false ? [] : ['no "gypfile": false, so npm would run node-gyp']),
    ...own
      .filter((name) => optional[name] !== version)
      .map((name) => `no optional dependency ${name}@${version}`),
    ...brought.filter((name) => !own.includes(name)).map((name) => `a dependency, ${name}`),
  ];
}

/** The same of a platform package; version: the main one's. */
function inspectPlatformManifest(manifest, target, version) {
  const expected = {
    name: target.package,
    version,
    main: path.basename(target.file),
    os: [target.platform],
    cpu: [target.arch],
    libc: target.libc ? [target.libc] : undefined,
  };
  const text = (value) => JSON.stringify(value) ?? 'nothing';
  return [
    ...Object.entries(expected)
      .filter(([key, value]) => text(manifest[key]) !== text(value))
      .map(([key, value]) => `"${key}" is ${text(manifest[key])}, not ${text(value)}`),
    ...['scripts', 'dependencies', 'optionalDependencies', 'peerDependencies']
      .filter((key) => manifest[key])
      .map((key) => `has "${key}"`),
  ];
}

/** notices: the text of THIRD-PARTY-NOTICES. */
function inspectNotices(notices) {
  return LINKED_IN.filter((name) => !notices.includes(name)).map((name) => `no notice of ${name}`);
}

module.exports = {
  inspectFiles,
  inspectManifest,
  inspectNotices,
  inspectPlatformFiles,
  inspectPlatformManifest,
};
