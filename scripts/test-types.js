'use strict';

// Compiles each test/types/*.ts as a user's program, once for each way of resolving modules and
// each module system: both faces of the package must resolve, and the types be what the file
// expects.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { main } = require('../deps/run');
const { root } = require('./checkout');

const RESOLUTIONS = [
  { module: 'node16', moduleResolution: 'node16' },
  { module: 'nodenext', moduleResolution: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
];

function compile(folder, file, resolution) {
  const tsc = require.resolve('typescript/bin/tsc', { paths: [root] });
  const options = Object.entries({
    ...resolution,
    target: 'es2022',
    typeRoots: path.join(root, 'node_modules', '@types'),
  });
  const flags = options.flatMap(([name, value]) => [`--${name}`, value]);
  const result = spawnSync(
    process.execPath,
    [tsc, '--strict', '--noEmit', '--types', 'node', ...flags, file],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  );
  return { ok: result.status === 0, output: result.stdout };
}

function testTypes() {
  const sources = path.join(root, 'test', 'types');
  const files = fs.existsSync(sources)
    ? fs.readdirSync(sources).filter((name) => name.endsWith('.ts'))
    : [];
  const counts = { passed: 0, failed: 0 };
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-types-'));
  try {
    fs.mkdirSync(path.join(folder, 'node_modules'));
    fs.symlinkSync(root, path.join(folder, 'node_modules', 'verawebsockets'), 'junction');
    // What the types are compared with.
    for (const name of ['@types', 'undici']) {
      const target = path.join(root, 'node_modules', name);
      fs.symlinkSync(target, path.join(folder, 'node_modules', name), 'junction');
    }
    fs.writeFileSync(
      path.join(folder, 'package.json'),
      '{ "name": "types-test", "private": true }\n',
    );
    for (const name of files) {
      for (const extension of ['cts', 'mts']) {
        const file = name.replace(/ts$/, extension);
        fs.copyFileSync(path.join(sources, name), path.join(folder, file));
        for (const resolution of RESOLUTIONS) {
          const { ok, output } = compile(folder, file, resolution);
          counts[ok ? 'passed' : 'failed']++;
          if (!ok)
            process.stdout.write(`types: ${file}, ${resolution.moduleResolution}:\n${output}`);
        }
      }
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
  process.stdout.write(`types: ${counts.passed} passed, ${counts.failed} failed\n`);
  return counts;
}

if (require.main === module) {
  main(() => {
    if (testTypes().failed > 0) process.exitCode = 1;
  });
}

module.exports = { testTypes };
