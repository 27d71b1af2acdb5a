'use strict';

// GitHub's workflows, .github/workflows/, as GitHub itself reads them: by the parser of its language service (keys,
// types of values, expressions and what they may refer to, jobs that need each other), which is for editors and loads
// nothing from the network. Besides: that runners are among those that there are, and that scripts are Bash.

const { spawnSync } = require('node:child_process');
const fs = require('node:fs');
const { register } = require('node:module');
const path = require('node:path');
const { pathToFileURL } = require('node:url');
const { load } = require('js-yaml');
const { root } = require('./checkout');

/** GitHub's own that we use: the parser takes any name, since there may be others. */
const RUNNERS = ['ubuntu-24.04', 'ubuntu-24.04-arm', 'windows-2022', 'macos-15', 'macos-15-intel'];

/** Its files import JSON as bundlers take it. */
const HOOK = `export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  return found.url.endsWith('.json') ? { ...found, importAttributes: { type: 'json' } } : found;
}`;

async function languageService() {
  register(`data:text/javascript,${encodeURIComponent(HOOK)}`);
  const { validate } = await import('@actions/languageservice');
  const { TextDocument } = await import('vscode-languageserver-textdocument');
  let texts = 0;
  return (file, text) => {
    // It keeps what it has read by its address.
    const uri = `${pathToFileURL(file).href}?${++texts}`;
    return validate(TextDocument.create(uri, 'yaml', 1, text));
  };
}

/** What stands for a runner: a name, or a matrix's list of them. */
function runnersOf(job) {
  const named = [job['runs-on']].flat();
  return named.flatMap((name) => {
    const key = /^\$\{\{ *matrix\.(\w+) *\}\}$/.exec(name)?.[1];
    const matrix = job.strategy?.matrix ?? {};
    return key ? [matrix[key] ?? [], (matrix.include ?? []).map((row) => row[key])].flat() : [name];
  });
}

/** Whether Bash can read it. An expression stands for a word. */
function bashProblem(script) {
  const { status, stderr } = spawnSync('bash', ['-n'], {
    input: script.replace(/\$\{\{.*?\}\}/g, 'expression'),
    encoding: 'utf8',
  });
  return status === 0 ? undefined : stderr.trim();
}

function ownProblems({ jobs }) {
  return Object.entries(jobs).flatMap(([name, job]) => {
    const unknown = runnersOf(job).filter((runner) => !RUNNERS.includes(runner));
    const scripts = job.steps.filter(({ run, shell }) => run && (shell ?? 'bash') === 'bash');
    return [
      ...unknown.map((runner) => `${name}: no runner is called ${runner}`),
      ...scripts
        .map(({ run }) => bashProblem(run))
        .filter(Boolean)
        .map((problem) => `${name}: ${problem}`),
    ];
  });
}

let service;

/** @returns {Promise<string[]>} what is wrong with a workflow's text, a line each */
async function problemsOfWorkflow(file, text) {
  service ??= await languageService();
  const found = await service(file, text);
  const read = found.map(({ range, message }) => `${range.start.line + 1}: ${message}`);
  // What could not be read cannot be asked for more.
  return read.length > 0 ? [...new Set(read)] : ownProblems(load(text));
}

async function checkWorkflows() {
  const folder = path.join('.github', 'workflows');
  const problems = [];
  for (const name of fs.readdirSync(path.join(root, folder)).filter((n) => /\.ya?ml$/.test(n))) {
    const file = path.join(folder, name);
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    const found = await problemsOfWorkflow(path.join(root, file), text);
    problems.push(...found.map((problem) => `${file}:${problem}`));
  }
  return problems;
}

module.exports = { checkWorkflows, problemsOfWorkflow };
