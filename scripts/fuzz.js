'use strict';

// Builds the fuzz targets, test/native/fuzz/*_fuzz.cc, with clang, ASan and UBSan, and runs each
// for a while:
//
//   node scripts/fuzz.js [--seconds 60] [--parts engine/base,engine/ws] [name]…
//
// The corpus stays in build/fuzz/corpus/<name>; what crashes a target is left in build/fuzz.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { run, main } = require('../deps/run');
const { prepare } = require('./prepare');
const { root } = require('./checkout');

const SANITIZE = 'address,undefined';

function parseArguments(args) {
  const options = { seconds: 60, parts: ['engine'], only: [] };
  for (let i = 0; i < args.length; i++) {
    if (args[i] === '--seconds') options.seconds = Number(args[++i]);
    else if (args[i] === '--parts') options.parts = args[++i].split(',');
    else options.only.push(args[i].endsWith('_fuzz') ? args[i] : `${args[i]}_fuzz`);
  }
  return options;
}

function buildTargets(parts) {
  const folder = path.join(root, 'build', 'native', 'fuzz');
  const options = [
    '-DVWS_ADDON=OFF',
    '-DVWS_FUZZ=ON',
    `-DVWS_SANITIZE=${SANITIZE}`,
    '-DVWS_WERROR=ON',
  ];
  options.push('-DCMAKE_BUILD_TYPE=Release', `-DVWS_PARTS=${parts.join(';')}`);
  const env = { ...process.env, CC: 'clang', CXX: 'clang++' };
  run('cmake', ['-S', root, '-B', folder, ...options], { env });
  run('cmake', ['--build', folder, '--parallel', String(os.availableParallelism())], { env });
  return path.join(folder, 'fuzz');
}

function fuzz(program, name, seconds) {
  const work = path.join(root, 'build', 'fuzz');
  const corpus = path.join(work, 'corpus', name);
  fs.mkdirSync(corpus, { recursive: true });
  const seeds = path.join(root, 'test', 'native', 'fuzz', 'corpus', name);
  const folders = [corpus, ...(fs.existsSync(seeds) ? [seeds] : [])];
  const limits = [
    `-max_total_time=${seconds}`,
    '-timeout=10',
    '-rss_limit_mb=4096',
    '-print_final_stats=1',
  ];
  const result = spawnSync(program, [...limits, `-artifact_prefix=${work}/`, ...folders], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'inherit', 'pipe'],
    maxBuffer: 256 * 1024 * 1024,
  });
  const runs = /stat::number_of_executed_units:\s*(\d+)/.exec(result.stderr)?.[1] ?? '0';
  const ok = result.status === 0;
  process.stdout.write(`${name}: ${runs} runs, ${ok ? 'nothing found' : 'FAILED'}\n`);
  if (!ok) process.stdout.write(`${result.stderr.split('\n').slice(-60).join('\n')}\n`);
  return ok;
}

if (require.main === module) {
  main(() => {
    const { seconds, parts, only } = parseArguments(process.argv.slice(2));
    prepare(['build', 'fuzz']);
    const folder = buildTargets(parts);
    const names = fs
      .readdirSync(folder)
      .filter((name) => name.endsWith('_fuzz'))
      .sort();
    const wanted = names.filter((name) => only.length === 0 || only.includes(name));
    const failed = wanted.filter((name) => !fuzz(path.join(folder, name), name, seconds));
    process.stdout.write(
      `fuzz: ${wanted.length - failed.length} passed, ${failed.length} failed\n`,
    );
    if (failed.length > 0) process.exitCode = 1;
  });
}
