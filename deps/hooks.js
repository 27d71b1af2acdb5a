'use strict';

// Our hooks in libwebsockets (native/engine/os/lws_scope.h): what puts them in, and whether they are.

const fs = require('node:fs');
const path = require('node:path');
const { run, failure } = require('./run');

const ROOT = path.resolve(__dirname, '..');
/** Included by libwebsockets' project() in its CMakeLists.txt. */
const HOOKS = path.join(ROOT, 'cmake', 'Hooks.cmake');
const CALLS = path.join(ROOT, 'native', 'engine', 'os', 'lws_calls.h');

/** What the library is made from, of ours. */
const hookFiles = [HOOKS, CALLS];

const matches = (file, pattern) =>
  [...fs.readFileSync(file, 'utf8').matchAll(pattern)].flatMap((match) => match[1].split(' '));

/** Names of calls that are renamed, and of functions whose definitions are. */
const hookedCalls = () => matches(CALLS, /^#define (\w+) vws_hook_\1$/gm);
const hookedDefinitions = () =>
  matches(HOOKS, /vws_rename_definitions\(\$\{source\} ([a-z_ ]+)\)/g);

/** A call under another name that means the same: open64, __open_2, _open$NOCANCEL, __imp_open. */
const variant = (name) =>
  new RegExp(`^(?:__imp_)?_{0,3}${name}(?:64)?(?:_2|_chk|_alias)?(?:\\$\\w+)*$`);

/**
 * What is wrong with the library, a line each: empty if every hook is in its place.
 *
 * @param {string} symbols as nm prints them
 */
function hookProblems(symbols) {
  const lines = [...symbols.matchAll(/^[\da-f]* *([A-Za-z]) (\S+)$/gm)];
  const names = (types) => lines.filter((line) => types.includes(line[1])).map((line) => line[2]);
  const wanted = names('U');
  const defined = names('T').map((name) => name.replace(/^_/, ''));
  const kept = hookedCalls().flatMap((name) => wanted.filter((call) => variant(name).test(call)));
  const missing = hookedDefinitions().filter((name) => !defined.includes(`vws_original_${name}`));
  return [
    ...[...new Set(kept)].map((name) => `calls ${name}, past its hook`),
    ...missing.map((name) => `has no vws_original_${name}`),
  ];
}

/**
 * @param {string} library an archive of libwebsockets
 * @param {string} cache CMakeCache.txt of its build, which names the nm for its kind of files
 */
function checkHooks(library, cache) {
  const nm = /^CMAKE_NM:\w+=(.+)$/m.exec(fs.readFileSync(cache, 'utf8'))?.[1];
  // Microsoft's tools have none. There linking alone tells.
  if (!nm || nm.endsWith('NOTFOUND')) return;
  const problems = hookProblems(run(nm, [library]));
  if (problems.length > 0) throw failure(`deps: libwebsockets ${problems.join('; ')}`);
}

module.exports = { HOOKS, hookFiles, hookProblems, checkHooks };
