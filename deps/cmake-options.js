'use strict';

// How libwebsockets is configured. Options a version does not know are ignored by its CMake.

const { HOOKS } = require('./hooks');

/** All eleven levels, LLL_ERR to LLL_USER. */
const ALL_LOG_LEVELS = 2047;

const ON = [
  'LWS_STATIC_PIC',
  'LWS_WITH_STATIC',
  'LWS_WITHOUT_TESTAPPS',
  'LWS_WITH_SSL',
  'LWS_WITH_ZLIB',
]
  .concat([
    'LWS_IPV6',
    'LWS_UNIX_SOCK',
    'LWS_WITH_SOCKS5',
    'LWS_WITH_EXTERNAL_POLL',
    'LWS_WITH_CUSTOM_HEADERS',
  ])
  // Our own compilers are newer than the code; its warnings are its own affair.
  .concat(['DISABLE_WERROR'])
  // 2.x only: lets the Latency level have something to say. (4.x has no line at that level.)
  .concat(['LWS_WITH_LATENCY']);

const OFF = [
  'LWS_WITH_SHARED',
  'LWS_WITHOUT_EXTENSIONS',
  'LWS_WITHOUT_CLIENT',
  'LWS_WITHOUT_SERVER',
]
  .concat(['LWS_WITH_LIBUV', 'LWS_WITH_LIBEV', 'LWS_WITH_LIBEVENT', 'LWS_WITH_GLIB'])
  .concat(['LWS_WITH_HTTP2', 'LWS_WITH_ZIP_FOPS', 'LWS_WITH_RANGES', 'LWS_WITH_NO_LOGS'])
  // On Windows it would have one of its own, and an old one.
  .concat(['LWS_WITH_BUNDLED_ZLIB'])
  .concat(['LWS_WITH_MINIMAL_EXAMPLES', 'LWS_WITH_LEJP', 'LWS_WITH_LEJP_CONF', 'LWS_WITH_SYS_SMD'])
  // Trust comes from Node's roots, never from where this machine keeps its certificates.
  .concat(['LWS_SSL_CLIENT_USE_OS_CA_CERTS'])
  // Looked for, not asked for, by its CMake: a yes would make libcap one more library to link.
  .concat(['LWS_HAVE_LIBCAP', 'LWS_HAVE_SYS_CAPABILITY_H'])
  // Else the heap's size is counted in a variable that all threads write without a lock.
  .concat(['LWS_HAVE_MALLOC_USABLE_SIZE']);

/**
 * Up to 3.x the only switch for the chatty log levels is _DEBUG, which does nothing else there;
 * NDEBUG still turns assert() off. From 4.0 a bit mask says which levels are compiled in.
 */
function logFlags(version) {
  return Number(version.split('.')[0]) < 4 ? ['-D_DEBUG'] : [];
}

function sanitizerFlags(sanitize) {
  return sanitize ? [`-fsanitize=${sanitize}`, '-fno-omit-frame-pointer', '-g'] : [];
}

/** What the addon is linked with besides, as OpenSSL's static libraries need it there. */
const WINDOWS_LIBRARIES = ['ws2_32.lib', 'crypt32.lib', 'advapi32.lib', 'user32.lib', 'bcrypt.lib'];

/** For Microsoft's compiler: the C library inside, as node-gyp has it, and where OpenSSL and zlib are. */
function windowsOptions({ ssl, crypto, zlib, headers }) {
  const list = (files) => files.map((file) => file.replace(/\\/g, '/')).join(';');
  return [
    '-DCMAKE_POLICY_DEFAULT_CMP0091=NEW',
    '-DCMAKE_MSVC_RUNTIME_LIBRARY=MultiThreaded',
    // With a type: else it would take what has no folder for files of its own.
    `-DLWS_OPENSSL_LIBRARIES:STRING=${list([ssl, crypto, ...WINDOWS_LIBRARIES])}`,
    `-DLWS_OPENSSL_INCLUDE_DIRS:STRING=${list(headers)}`,
    `-DLWS_ZLIB_LIBRARIES:STRING=${list([zlib])}`,
    `-DLWS_ZLIB_INCLUDE_DIRS:STRING=${list(headers)}`,
  ];
}

function cmakeOptions({ tree, version, sanitize, toolchain, unhooked, opensslRoot, libraries }) {
  const flags = ['-w', '-ffunction-sections', '-fdata-sections', `-ffile-prefix-map=${tree}/=`]
    .concat(logFlags(version))
    .concat(sanitizerFlags(sanitize));
  const windows = process.platform === 'win32' && !toolchain;
  return [
    ...ON.map((name) => `-D${name}=ON`),
    ...OFF.map((name) => `-D${name}=OFF`),
    `-DLWS_LOGGING_BITFIELD_SET=${ALL_LOG_LEVELS}`,
    ...(unhooked ? [] : [`-DCMAKE_PROJECT_INCLUDE=${HOOKS.replace(/\\/g, '/')}`]),
    '-DCMAKE_BUILD_TYPE=Release',
    ...(windows
      ? windowsOptions(libraries)
      : ['-DCMAKE_C_FLAGS_RELEASE=-O2 -DNDEBUG', `-DCMAKE_C_FLAGS=${flags.join(' ')}`]),
    '-DCMAKE_POSITION_INDEPENDENT_CODE=ON',
    // Else the name of this repository's commit, of the user and of the machine would be compiled
    // in.
    '-DCMAKE_DISABLE_FIND_PACKAGE_Git=ON',
    '-DLWS_BUILD_HASH=static',
    // 2.4 asks for a policy level that CMake 4 no longer knows.
    '-DCMAKE_POLICY_VERSION_MINIMUM=3.5',
    ...(opensslRoot ? [`-DOPENSSL_ROOT_DIR=${opensslRoot}`] : []),
    // Else libwebsockets' own policies would have CMake ignore it.
    ...(process.env.ZLIB_ROOT ? ['-DCMAKE_POLICY_DEFAULT_CMP0074=NEW'] : []),
    ...(toolchain ? [`-DCMAKE_TOOLCHAIN_FILE=${toolchain}`] : []),
  ];
}

module.exports = { cmakeOptions };
