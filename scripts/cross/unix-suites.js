'use strict';

// What is not run on Windows, and why: native tests (test/native/), and mocha's suites or single tests of them.

/** Names of native tests, without "_test". */
const UNIX_ONLY_NATIVE = {
  descriptor_limit: 'limits of descriptors are for Unix: Windows numbers its handles otherwise',
  io_fault: "takes the place of the C library's calls, which Windows' linker has no way for",
  net_unix: 'Unix sockets: Wine has none; Windows has, but Node.js does not use them there',
  proxy_fault: "takes the place of the C library's calls, as io_fault",
  publish_limit: 'fills sockets: those of Windows take a write of any size',
  random_fork: 'a process that is copied (fork) is not to be had on Windows',
  server_fault: "takes the place of the C library's calls, as io_fault",
  thread: "asks Linux's scheduler and signals; that threads start and end, all others show",
  turn_taking: "as Node's loop, watches the engine's descriptor, of which Windows has none",
  unwatchable:
    "puts something else in the place of the engine's descriptor, of which Windows has none",
  watched_loop: "as Node's loop, watches the engine's descriptor, of which Windows has none",
};

const ENGINE_OPENS_PATHS = 'the documented functions have the engine open paths, as Unix sockets';
const RESETS = 'a reset takes along what had arrived before it, and was not read, on Windows';
const LINKS_ARE_HIDDEN = 'build/lib is a symbolic link, which Wine follows without showing it';
const NO_OPENSSL = 'makes a file by openssl(1), which is not there';
const NO_LINKS = 'makes symbolic links, which Wine does not';

/** file: of test/, without ".test.ts". test: part of the titles in it that are left out; all without it. */
const UNIX_ONLY = [
  // Of Unix.
  { file: 'lifetime/descriptors', because: "counts Linux's descriptors, and sets limits for them" },
  { file: 'lifetime/memory', because: "counts memory, descriptors and threads in Linux's /proc" },
  { file: 'lifetime/reload', because: "counts descriptors and threads in Linux's /proc" },
  { file: 'server/handover', because: 'descriptors of Unix that are passed on to other processes' },
  { file: 'server/deploying', because: 'processes that end by SIGTERM and go on by SIGUSR2' },
  {
    file: 'api/functions',
    test: 'works over a unix socket',
    because: ENGINE_OPENS_PATHS,
  },
  {
    file: 'api/redirect',
    test: 'a relative one stays on its unix socket',
    because: ENGINE_OPENS_PATHS,
  },
  {
    file: 'reasons/reasons',
    test: 'no unix socket there',
    because: ENGINE_OPENS_PATHS,
  },
  {
    file: 'reasons/reasons',
    test: 'no descriptor is left',
    because: 'limits of descriptors are set by ulimit',
  },
  {
    file: 'server/proxies',
    test: 'the PROXY protocol on a Unix socket',
    because: 'nothing reads its header on a named pipe',
  },
  { file: 'server/options', test: 'reusePort', because: 'Windows has no SO_REUSEPORT' },
  {
    file: 'server/cluster',
    test: 'the program of docs/server.md',
    because: 'Windows has no SO_REUSEPORT',
  },
  { file: 'server/options', test: 'fd: ', because: 'descriptors of Unix' },
  {
    file: 'api/create',
    test: 'a file that may not be read',
    because: "permissions of files are Unix's",
  },
  {
    file: 'api/create',
    test: 'a file that is a folder',
    because: 'Node.js names no folder where the name of one is opened on Windows',
  },
  {
    file: 'api/options',
    test: 'depends on the scheme',
    because: 'names of environment variables in capitals and in small letters are one on Windows',
  },
  {
    file: 'api/options',
    test: 'names its variable when it cannot be used',
    because: 'names of environment variables in capitals and in small letters are one on Windows',
  },
  { file: 'cli/terminal', because: "a terminal of Linux's (script(1))" },
  { file: 'cli/top', test: 'on a terminal', because: "a terminal of Linux's" },
  { file: 'cli/script', test: 'interrupted', because: 'signals' },
  {
    file: 'cli/script',
    test: 'goes on at the end of the input',
    because: 'signals',
  },
  { file: 'server/metrics-example', test: 'a port of their own', because: 'signals' },
  {
    file: 'server/advisories',
    test: 'a large POST',
    because: 'a connection that is reset, since its body is not read, loses the answer on Windows',
  },
  ...[
    'tells how many each has',
    'gives all threads back',
    'process.exit(0)',
    'worker.terminate()',
    'by nothing',
  ].map((test) => ({
    file: 'server/threads',
    test,
    because: "counts threads in Linux's /proc",
  })),
  {
    file: 'flow/blocked',
    test: 'costs nothing before',
    because: "counts a thread's wakings in Linux's /proc",
  },
  {
    file: 'lifetime/worker',
    test: 'many times: threads and descriptors',
    because: "counts them in Linux's /proc",
  },
  { file: 'lifetime/process', test: 'by a signal', because: 'signals' },
  { file: 'websocket/examples', test: 'graceful-server', because: 'signals' },
  ...['behind what had arrived', 'one event a turn', 'what is kept for it is bounded'].map(
    (test) => ({ file: 'websocket/paused', test, because: RESETS }),
  ),
  { file: 'websocket/refusal', test: 'a body that is reset', because: RESETS },
  {
    file: 'websocket/large-request',
    test: 'ws: the server accepts before',
    because: 'sockets of Windows take a write of any size',
  },
  // Of the machine on which the checkout is built.
  { file: 'package/engine-parts', because: "runs this machine's nm" },
  { file: 'package/glibc-floor', because: "runs this machine's compiler" },
  { file: 'package/hooks', because: "runs this machine's compiler and nm" },
  { file: 'package/inspect', because: "runs this machine's nm and readelf" },
  { file: 'package/unix-suites', because: 'loads those that are not for Windows' },
  { file: 'package/workflow-check', because: "runs this machine's Bash" },
  ...['coalesce', 'inline', 'direct', 'guess', 'gather'].map((name) => ({
    file: 'flow/switches',
    test: `${name}: `,
    because: "runs this machine's strace",
  })),
  { file: 'package/load-addon', because: "looks for Linux's binaries" },
  { file: 'websocket/peers', because: "runs this machine's other programs" },
  { file: 'api/rare-errors', test: 'ERR_TLS_PFX_UNSUPPORTED', because: NO_OPENSSL },
  { file: 'websocket/node-tls', test: '--use-openssl-ca', because: NO_OPENSSL },
  { file: 'websocket/tls', test: 'a key of 1024 bits', because: NO_OPENSSL },
  // Of Wine.
  {
    file: 'api/rare-errors',
    test: 'ERR_NO_BINARY',
    because: LINKS_ARE_HIDDEN,
  },
  {
    file: 'drop-in/shape',
    test: 'exports for import what ws does',
    because: LINKS_ARE_HIDDEN,
  },
  { file: 'drop-in/programs', because: NO_LINKS },
  { file: 'drop-in/register', because: NO_LINKS },
  { file: 'websocket/types', because: NO_LINKS },
];

module.exports = { UNIX_ONLY, UNIX_ONLY_NATIVE };
