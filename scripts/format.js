'use strict';

// Formats, or checks the format of, everything in the repository that is ours: prettier for
// JavaScript, TypeScript, JSON and YAML, clang-format for C++. Neither breaks an overlong comment,
// so those are looked for here.
//
//   node scripts/format.js --write | --check

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { main, run } = require('../deps/run');
const { prepare } = require('./prepare');
const { root } = require('./checkout');

// Code has 100 columns, prose in comments may have more.
const COLUMNS = 120;

/** What git knows of or would add, that exists. */
function ourFiles() {
  const list = run(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard'],
    {
      cwd: root,
    },
  );
  const names = list.split('\n').filter(Boolean);
  return names.filter((name) => fs.existsSync(path.join(root, name)));
}

function ok(command, args) {
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status === 0;
}

function longComments(files) {
  const found = files.flatMap((file) => {
    const lines = fs.readFileSync(path.join(root, file), 'utf8').split('\n');
    return lines.flatMap((line, index) => {
      const comment = /^\s*(?:\/\/|\/?\*)/.test(line) && !/https?:|eslint-/.test(line);
      return comment && line.length > COLUMNS
        ? [`${file}:${index + 1}: ${line.length} columns`]
        : [];
    });
  });
  if (found.length > 0)
    process.stdout.write(`comments over ${COLUMNS} columns:\n${found.join('\n')}\n`);
  return found.length === 0;
}

if (require.main === module) {
  main(() => {
    prepare(['lint']);
    const write = process.argv.includes('--write');
    const files = ourFiles();
    const native = files.filter((name) => /\.(?:cc|c|h)$/.test(name));
    const scripts = files.filter((name) => /\.(?:[cm]?[jt]s|json|ya?ml)$/.test(name));
    const prettier = require.resolve('prettier/bin/prettier.cjs', { paths: [root] });
    const results = [
      ok(process.execPath, [
        prettier,
        write ? '--write' : '--check',
        '--log-level',
        'warn',
        ...scripts,
      ]),
      ok('clang-format', [...(write ? ['-i'] : ['--dry-run', '--Werror']), ...native]),
      longComments([...native, ...scripts.filter((name) => !name.endsWith('.json'))]),
    ];
    if (results.includes(false)) process.exitCode = 1;
  });
}
