'use strict';

// The order of the rooms of lib/: a file imports from its own room and from those below it, types
// included; and no two files need each other to be loaded.

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');
const { root } = require('./checkout');

const lib = path.join(root, 'lib');

/** From the bottom up; ARCHITECTURE.md says what lives in each. '' are the entry points. */
const ROOMS = [
  'base',
  'addon',
  'options',
  'sockets',
  'session',
  'client',
  'websocket',
  'server',
  'brokers',
  'functions',
  'drop-in',
  'cli',
  '',
];

const roomOf = (file) => path.dirname(path.relative(lib, file)).replace(/^\.$/, '');
const short = (file) => path.relative(root, file);

function resolve(from, specifier) {
  const target = path.resolve(path.dirname(from), specifier);
  const candidates = [
    `${target}.ts`,
    path.join(target, 'index.ts'),
    target.replace(/\.mjs$/, '.mts'),
    target.replace(/\.js$/, '.ts'),
  ];
  return candidates.find((file) => fs.existsSync(file) && fs.statSync(file).isFile());
}

/** Whether nothing of it is left when it has been compiled. */
function isTypeOnly(statement) {
  if (ts.isExportDeclaration(statement)) return statement.isTypeOnly;
  const clause = statement.importClause;
  if (!clause) return false;
  if (clause.isTypeOnly) return true;
  const { namedBindings } = clause;
  return (
    !clause.name &&
    namedBindings !== undefined &&
    ts.isNamedImports(namedBindings) &&
    namedBindings.elements.every((element) => element.isTypeOnly)
  );
}

/** @returns {{ file: string, typeOnly: boolean }[]} what a file imports of lib/ */
function importsOf(file) {
  const source = ts.createSourceFile(file, fs.readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
  return source.statements
    .filter((s) => (ts.isImportDeclaration(s) || ts.isExportDeclaration(s)) && s.moduleSpecifier)
    .filter((s) => s.moduleSpecifier.text.startsWith('.'))
    .map((s) => ({ file: resolve(file, s.moduleSpecifier.text), typeOnly: isTypeOnly(s) }))
    .filter((found) => found.file !== undefined);
}

/** @returns {string[] | undefined} files that need each other, the first one again at the end */
function circleFrom(start, graph, done) {
  const trail = [];
  const visit = (file) => {
    const at = trail.indexOf(file);
    if (at >= 0) return [...trail.slice(at), file];
    if (done.has(file)) return undefined;
    trail.push(file);
    for (const next of graph.get(file)) {
      const circle = visit(next);
      if (circle) return circle;
    }
    trail.pop();
    done.add(file);
    return undefined;
  };
  return visit(start);
}

/** @returns {string[]} what is wrong */
function checkImports() {
  const files = fs
    .readdirSync(lib, { recursive: true })
    .filter((name) => /\.m?ts$/.test(name))
    .map((name) => path.join(lib, name));
  const problems = [];
  const graph = new Map();
  for (const file of files) {
    const imports = importsOf(file);
    graph.set(
      file,
      imports.filter((found) => !found.typeOnly).map((found) => found.file),
    );
    const level = ROOMS.indexOf(roomOf(file));
    if (level < 0) problems.push(`${short(file)}: a room that scripts/check-imports.js has not`);
    for (const { file: other } of imports) {
      if (ROOMS.indexOf(roomOf(other)) > level) {
        problems.push(`${short(file)} imports ${short(other)}, which is above it`);
      }
    }
  }
  const done = new Set();
  for (const file of files) {
    const circle = circleFrom(file, graph, done);
    if (!circle) continue;
    problems.push(`circle: ${circle.map(short).join(' -> ')}`);
    break;
  }
  return problems;
}

module.exports = { checkImports };
