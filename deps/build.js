'use strict';

// Builds libwebsockets, once for each distinct set of inputs, as one static, position-independent
// library:
//
//   node deps/build.js [--sanitize LIST] [--toolchain FILE] [--unhooked] [--print FIELD | --json]
//
// --unhooked leaves our hooks out, for a program of libwebsockets' own.
// Without --print it says where the library is. FIELD is one of the fields of engine.json: include,
// library, version, name, ssl, crypto, zlib, headers (of the last three, where they are not the compiler's own, a line
// each). Everything lands in build/engine/<name>/;
// build/engine/current names the last one built with none of these options.

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { cmakeOptions } = require('./cmake-options');
const { checkHooks, hookFiles } = require('./hooks');
const { locateSource, digestTree } = require('./source');
const { findStaticLibraries } = require('./static-libraries');
const { run, probe, locate, main, failure } = require('./run');

const ROOT = path.resolve(__dirname, '..');
const OUTPUT = path.join(ROOT, 'build', 'engine');

/** The C compiler: named by CC, by the toolchain file, or the system's own. */
function compilerOf(toolchain) {
  if (toolchain) {
    const text = fs.readFileSync(toolchain, 'utf8');
    const named = /set\(\s*CMAKE_C_COMPILER\s+"?([^\s")]+)"?\s*\)/.exec(text)?.[1];
    if (!named) throw failure(`deps: ${toolchain} names no CMAKE_C_COMPILER`);
    return named;
  }
  return process.env.CC || 'cc';
}

function describeCompiler(compiler) {
  const [command, ...args] = compiler.split(/\s+/);
  return {
    // However it was named ("cc", "/usr/bin/gcc"), the same program makes the same library.
    program: [locate(command) ?? command, ...args].join(' '),
    version:
      probe(command, [...args, '--version'])
        ?.split('\n')[0]
        .replace(/^\S+ (?=\()/, '') ?? compiler,
    machine: probe(command, [...args, '-dumpmachine']) ?? `${process.platform}-${process.arch}`,
  };
}

function compile({ source, options, folder, unhooked }) {
  const work = path.join(folder, 'work');
  const quiet = {
    env: { ...process.env, CMAKE_BUILD_PARALLEL_LEVEL: String(os.availableParallelism()) },
  };
  run('cmake', ['-S', source.tree, '-B', work, ...options], quiet);
  run('cmake', ['--build', work, '--config', 'Release'], quiet);
  // The prefix is named here only, so that no path of this machine is compiled in.
  run('cmake', ['--install', work, '--config', 'Release', '--prefix', folder], quiet);
  if (!unhooked) checkHooks(libraryIn(folder), path.join(work, 'CMakeCache.txt'));
  fs.rmSync(work, { recursive: true, force: true });
  for (const name of ['share', 'bin', path.join('lib', 'cmake'), path.join('lib', 'pkgconfig')]) {
    fs.rmSync(path.join(folder, name), { recursive: true, force: true });
  }
}

function libraryIn(folder) {
  const lib = path.join(folder, 'lib');
  const names = [
    'libwebsockets.a',
    'libwebsockets_static.a',
    'websockets_static.lib',
    'websockets.lib',
  ];
  const name = names.find((candidate) => fs.existsSync(path.join(lib, candidate)));
  if (!name) throw failure(`deps: the build left no library in ${lib}`);
  return path.join(lib, name);
}

function pointCurrentAt(name) {
  const link = path.join(OUTPUT, 'current');
  // Windows' links know whole paths only, and are not replaced.
  if (path.basename(readLink(link) ?? '') === name) return;
  const staging = `${link}.${process.pid}`;
  fs.symlinkSync(name, staging, 'junction');
  if (process.platform === 'win32') fs.rmSync(link, { force: true });
  fs.renameSync(staging, link);
}

function readLink(link) {
  try {
    return fs.readlinkSync(link);
  } catch {
    return undefined;
  }
}

function buildEngine({ sanitize, toolchain, unhooked = false } = {}) {
  const source = locateSource();
  const compiler = compilerOf(toolchain);
  const { program, version: compilerVersion, machine } = describeCompiler(compiler);
  const windows = process.platform === 'win32' && !toolchain;
  const libraries = findStaticLibraries({ compiler, machine, windows });
  const options = cmakeOptions({
    tree: source.tree,
    version: source.version,
    sanitize,
    toolchain,
    unhooked,
    opensslRoot: process.env.OPENSSL_ROOT_DIR,
    libraries,
  });
  const inputs = {
    digest: digestTree(source.tree),
    program,
    compilerVersion,
    machine,
    options,
    libraries,
    hooks: unhooked ? [] : hookFiles.map((file) => fs.readFileSync(file, 'utf8')),
  };
  const flags = [process.env.CFLAGS, process.env.LDFLAGS].map((value) => value ?? '');
  const toolchainText = toolchain ? fs.readFileSync(toolchain, 'utf8') : '';
  const key = crypto
    .createHash('sha256')
    .update(JSON.stringify([inputs, flags, toolchainText]))
    .digest('hex')
    .slice(0, 10);
  const kind = sanitize ? `-${sanitize.replace(/,/g, '-')}` : '';
  const name = `lws-${source.version}-${machine}${kind}-${key}`;
  const folder = path.join(OUTPUT, name);
  const stamp = path.join(folder, 'engine.json');

  if (!fs.existsSync(stamp)) {
    process.stderr.write(`building libwebsockets ${source.version} (${name})\n`);
    // Elsewhere first: an interrupted build, or two at once, never leave half a library under the
    // final name.
    const staging = path.join(OUTPUT, `.${name}.${process.pid}`);
    fs.rmSync(staging, { recursive: true, force: true });
    fs.mkdirSync(staging, { recursive: true });
    try {
      compile({ source, options, folder: staging, unhooked });
      const library = path.join(folder, path.relative(staging, libraryIn(staging)));
      const info = {
        name,
        version: source.version,
        machine,
        include: path.join(folder, 'include'),
        library,
        ...libraries,
      };
      fs.writeFileSync(path.join(staging, 'engine.json'), `${JSON.stringify(info, null, 2)}\n`);
      if (!fs.existsSync(folder)) fs.renameSync(staging, folder);
    } finally {
      fs.rmSync(staging, { recursive: true, force: true });
    }
  }
  if (!sanitize && !toolchain && !unhooked) pointCurrentAt(name);
  return { headers: [], ...JSON.parse(fs.readFileSync(stamp, 'utf8')) };
}

function parseArguments(args) {
  const options = {};
  for (let i = 0; i < args.length; i++) {
    const name = args[i];
    if (name === '--json') options.json = true;
    else if (name === '--unhooked') options.unhooked = true;
    else if (['--sanitize', '--toolchain', '--print'].includes(name) && args[i + 1]) {
      options[name.slice(2)] = args[++i];
    } else throw failure(`deps: unknown argument ${name}`);
  }
  if (options.toolchain) options.toolchain = path.resolve(options.toolchain);
  return options;
}

if (require.main === module) {
  main(() => {
    const options = parseArguments(process.argv.slice(2));
    const info = buildEngine(options);
    if (options.json) process.stdout.write(`${JSON.stringify(info)}\n`);
    else if (options.print) {
      if (!(options.print in info)) throw failure(`deps: no field ${options.print}`);
      process.stdout.write(`${[info[options.print]].flat().join('\n')}\n`);
    } else
      process.stdout.write(
        `libwebsockets ${info.version}: ${path.relative(process.cwd(), info.library)}\n`,
      );
  });
}

module.exports = { buildEngine };
