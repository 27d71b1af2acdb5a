'use strict';

// The recipes of docs/bundlers.md: reads them, and runs them on the installed package as they are printed.

const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { run, failure } = require('../deps/run');
const { execute } = require('./execute');
const { cleanEnvironment, install, npmProgram } = require('./package');
const { root } = require('./checkout');

/** Kept in build/bundlers/, since they are needed for nothing else. */
const BUNDLERS = {
  '@rollup/plugin-commonjs': '29.0.3',
  '@rollup/plugin-node-resolve': '16.0.3',
  '@vercel/ncc': '0.45.0',
  '@vercel/nft': '1.11.5',
  esbuild: '0.28.2',
  postject: '1.0.0-alpha.6',
  rollup: '4.68.8',
  webpack: '5.113.0',
  'webpack-cli': '7.3.1',
};

/** What a recipe may leave, below the project: a folder, and the program in it. */
const OUTPUTS = [
  ['out', 'app'],
  ['out', 'app.js'],
  ['out', 'app.mjs'],
  ['out', 'index.mjs'],
  ['dist', 'app.mjs'],
];

/** Installs them if they are not there; returns their folder, in which whatever lies deeper finds them. */
function installBundlers() {
  const folder = path.join(root, 'build', 'bundlers');
  const manifest = `${JSON.stringify({ private: true, dependencies: BUNDLERS }, null, 2)}\n`;
  const stamp = path.join(folder, 'installed.json');
  if (fs.existsSync(stamp) && fs.readFileSync(stamp, 'utf8') === manifest) return folder;
  fs.mkdirSync(folder, { recursive: true });
  fs.writeFileSync(path.join(folder, 'package.json'), manifest);
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--no-package-lock'];
  run(process.execPath, [npmProgram(), ...args], { cwd: folder, env: cleanEnvironment() });
  fs.writeFileSync(stamp, manifest);
  return folder;
}

/**
 * @returns {{ name: string, files: Record<string, string>, commands: string }[]} one for each block of commands, with
 *   the files that its section prints before it
 */
function recipes() {
  const text = fs.readFileSync(path.join(root, 'docs', 'bundlers.md'), 'utf8');
  return text.split(/^## /m).flatMap((section) => {
    const title = section.slice(0, section.indexOf('\n'));
    const files = {};
    const found = [];
    for (const [, named, language, code] of section.matchAll(
      /(?:`([\w.-]+)`:\n\n)?^```(\w+)\n([\s\S]*?)^```$/gm,
    )) {
      const file = named ?? /^\/\/ (\S+)\n/.exec(code)?.[1];
      if (language === 'sh') found.push({ name: title, files: { ...files }, commands: code });
      else if (file) files[file] = code;
    }
    return found.map((recipe, i) => (i === 0 ? recipe : { ...recipe, name: `${title}, ${i + 1}` }));
  });
}

/** Takes what was made to an empty folder, so that nothing of the project can be found from there, and runs it. */
async function runElsewhere(project, env) {
  const output = OUTPUTS.find((names) => fs.existsSync(path.join(project, ...names)));
  if (!output) throw failure('it left no program');
  const [made, program] = output;
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'verawebsockets-bundle-'));
  try {
    const target = path.join(folder, made);
    fs.cpSync(path.join(project, made), target, { recursive: true });
    const own = program.includes('.');
    const [command, args] = own ? [process.execPath, [program]] : [path.join(target, program), []];
    return await execute(command, args, { cwd: target, env });
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

/** A project in which recipes run, with the package and a program, app.mjs. */
class BundlerProject {
  constructor(registry, program) {
    const bundlers = installBundlers();
    this.folder = fs.mkdtempSync(path.join(bundlers, 'project-'));
    this.env = cleanEnvironment();
    const bin = path.join(bundlers, 'node_modules', '.bin');
    this.env.PATH = [bin, path.dirname(process.execPath), this.env.PATH].join(path.delimiter);
    install(registry, this.folder);
    fs.writeFileSync(path.join(this.folder, 'app.mjs'), program);
  }

  /** Runs the commands: { output, code } of the program that came out. */
  async run({ files, commands }) {
    for (const [made] of OUTPUTS)
      fs.rmSync(path.join(this.folder, made), { recursive: true, force: true });
    for (const [name, text] of Object.entries(files))
      fs.writeFileSync(path.join(this.folder, name), text);
    // npx would look no further than the project, and then on the network.
    const script = `set -e\n${commands.replace(/^npx /gm, '')}`;
    const { output, code } = await execute('sh', ['-c', script], {
      cwd: this.folder,
      env: this.env,
    });
    // Nor may it complain of the packages of other platforms.
    if (code !== 0 || /resolve.*@verawebsockets\//i.test(output))
      throw failure(`it ended with ${code} and said:\n${output}`);
    return await runElsewhere(this.folder, this.env);
  }

  remove() {
    fs.rmSync(this.folder, { recursive: true, force: true });
  }
}

module.exports = { BundlerProject, recipes };
