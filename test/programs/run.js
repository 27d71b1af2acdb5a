'use strict';

// Installs real programs that use ws, in pinned versions, into build/programs/, and runs each unmodified: once as it
// is, with ws, and once under `--import verawebsockets/register`. The same assertions hold for both. Prints a table.
//
//   npm run test:programs                   all
//   npm run test:programs -- socket.io      those whose name has this in it

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { main } = require('../../deps/run');
const { root } = require('../../scripts/checkout');
const { build } = require('../../scripts/build');

const folder = path.join(root, 'build', 'programs');
const sources = path.join(__dirname, 'cases');
/** For one program, in ms. */
const LIMIT = 30_000;

function install() {
  const manifest = fs.readFileSync(path.join(__dirname, 'manifest.json'), 'utf8');
  const target = path.join(folder, 'package.json');
  const mark = path.join(folder, 'installed.json');
  fs.mkdirSync(folder, { recursive: true });
  if (!fs.existsSync(mark) || fs.readFileSync(mark, 'utf8') !== manifest) {
    fs.writeFileSync(target, manifest);
    const flags = ['--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
    const { status } = spawnSync('npm', ['install', ...flags], { cwd: folder, stdio: 'inherit' });
    if (status !== 0) throw new Error('npm install has failed');
    fs.writeFileSync(mark, manifest);
  }
  const link = path.join(folder, 'node_modules', 'verawebsockets');
  if (!fs.existsSync(link)) fs.symlinkSync(root, link, 'junction');
  fs.rmSync(path.join(folder, 'cases'), { recursive: true, force: true });
  fs.cpSync(sources, path.join(folder, 'cases'), { recursive: true });
  fs.cpSync(path.join(root, 'examples'), path.join(folder, 'examples'), { recursive: true });
}

/** The first comment of a case: "// name, name: what it does". */
function describe(file) {
  const [line] = fs.readFileSync(path.join(sources, file), 'utf8').split('\n');
  const [, names, what] = /^\/\/ (.+?): (.+)$/.exec(line);
  const versions = names.split(', ').map((name) => {
    const manifest = path.join(folder, 'node_modules', name, 'package.json');
    return `${name} ${JSON.parse(fs.readFileSync(manifest, 'utf8')).version}`;
  });
  return { programs: versions.join(', '), what };
}

function run(file, ours) {
  const flags = ours ? ['--import', 'verawebsockets/register'] : [];
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...flags, path.join('cases', file)],
    {
      cwd: folder,
      encoding: 'utf8',
      timeout: LIMIT,
      killSignal: 'SIGKILL',
      env: { ...process.env, NODE_DEBUG: ours ? 'verawebsockets' : '', NODE_NO_WARNINGS: '1' },
    },
  );
  const replaced = /VERAWEBSOCKETS \d+: ws \S+ in .* is replaced/.test(stderr);
  if (status === 0 && ours && !replaced) return { ok: false, output: 'ws was not replaced' };
  return {
    ok: status === 0,
    output: status === null ? `over ${LIMIT} ms\n${stderr}` : stdout + stderr,
  };
}

main(() => {
  build({ quiet: true });
  install();
  const wanted = process.argv.slice(2);
  const files = fs
    .readdirSync(sources)
    .filter(
      (file) =>
        file !== 'support.mjs' && (wanted.length === 0 || wanted.some((one) => file.includes(one))),
    );
  const counts = { ws: 0, ours: 0 };
  console.log('| program | what it does | ws | verawebsockets |\n| --- | --- | --- | --- |');
  const failures = [];
  for (const file of files) {
    const { programs, what } = describe(file);
    const results = { ws: run(file, false), ours: run(file, true) };
    for (const [side, { ok, output }] of Object.entries(results)) {
      if (ok) counts[side] += 1;
      else failures.push(`${file} (${side}):\n${output.slice(-3000)}`);
    }
    const cell = ({ ok }) => (ok ? 'passes' : 'fails');
    console.log(`| ${programs} | ${what} | ${cell(results.ws)} | ${cell(results.ours)} |`);
  }
  console.log(
    `\n${files.length} runs: ${counts.ws} pass with ws, ${counts.ours} with verawebsockets`,
  );
  for (const failure of failures) console.error(`\n${failure}`);
  if (counts.ours < files.length) process.exitCode = 1;
});
