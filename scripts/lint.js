'use strict';

// ESLint for JavaScript and TypeScript, the order of lib/'s rooms, systems kept to their folder, the workflows
// as GitHub reads them, cppcheck for the native code; with --tidy clang-tidy as well, which takes minutes.

const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { run, main } = require('../deps/run');
const { buildEngine } = require('../deps/build');
const { sources } = require('../native/sources');
const { checkImports } = require('./check-imports');
const { checkSystems } = require('./check-systems');
const { checkWorkflows } = require('./check-workflows');
const { prepare } = require('./prepare');
const { root } = require('./checkout');

function ok(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function eslint() {
  const program = path.join(
    path.dirname(require.resolve('eslint/package.json')),
    'bin',
    'eslint.js',
  );
  return ok(process.execPath, [program, '--max-warnings', '0', '.']);
}

/** Those of our own checks. */
function clean(problems) {
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}

function cppcheck() {
  const options = [
    '--quiet',
    '--std=c++17',
    '--language=c++',
    '--inline-suppr',
    '--error-exitcode=1',
  ];
  options.push(
    '--enable=warning,performance,portability',
    `-j${os.availableParallelism()}`,
    '-Inative',
  );
  options.push('--suppress=missingInclude', '--suppress=missingIncludeSystem', '--template=gcc');
  // Parameters that are moved from, and members that a constructor leaves to be filled.
  options.push('--suppress=passedByValue', '--suppress=uninitMemberVar');
  return ok('cppcheck', [...options, 'native', 'test/native', 'bench/server']);
}

function clangTidy() {
  const folder = path.join(root, 'build', 'native', 'lint');
  buildEngine();
  run('cmake', [
    '-S',
    root,
    '-B',
    folder,
    '-DVWS_ADDON=ON',
    '-DCMAKE_CXX_COMPILER=clang++',
    '-DCMAKE_C_COMPILER=clang',
  ]);
  return sources().reduce(
    (all, file) => ok('clang-tidy', ['--quiet', '-p', folder, file]) && all,
    true,
  );
}

if (require.main === module) {
  main(async () => {
    const tidy = process.argv.includes('--tidy');
    prepare(tidy ? ['build', 'lint', 'tidy'] : ['lint']);
    const own = [...checkImports(), ...checkSystems(), ...(await checkWorkflows())];
    const results = [eslint(), clean(own), cppcheck(), ...(tidy ? [clangTidy()] : [])];
    if (results.includes(false)) process.exitCode = 1;
  });
}
