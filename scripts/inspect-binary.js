'use strict';

// What a binary of the addon must be, of whatever architecture, read without running it. Each
// function returns what is wrong, in words; an empty list if nothing is.

const fs = require('node:fs');
const {
  describe,
  exportsOf,
  foreignSymbols,
  glibcNumber,
  sections,
  versionsNeeded,
} = require('./elf');

/** Node-API's entry points, and nothing of the engine, OpenSSL, zlib or C++. */
const EXPORTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** Parts of glibc, in all its versions, and of its loader. */
const NEEDED = /^(?:lib(?:c|m|pthread|dl|rt|resolv)\.so\.\d|ld(?:-linux.*)?\.so\.\d)$/;

/** Of Node-API, which is stable across Node's versions; not V8, libuv or Node's OpenSSL. */
const FOREIGN = /^(?:napi_|node_api_)\w+$/;

const unlike = (names, allowed) => names.filter((name) => !allowed.test(name));

function wrongExports(file) {
  const found = exportsOf(file);
  const more = found.filter((name) => !EXPORTS.includes(name));
  const missing = EXPORTS.filter((name) => !found.includes(name));
  return [
    ...more.map((name) => `it shows ${name}`),
    ...missing.map((name) => `it does not show ${name}`),
  ];
}

function wrongDependencies(file) {
  return [
    ...unlike(describe(file).needed, NEEDED).map((name) => `it needs ${name}`),
    ...unlike(foreignSymbols(file), FOREIGN).map((name) => `it lacks ${name}`),
  ];
}

/** floor: "2.28". */
function overFloor(file, floor) {
  return versionsNeeded(file)
    .filter((version) => !(glibcNumber(version) <= glibcNumber(floor)))
    .map((version) => `it needs ${version}, and the floor is glibc ${floor}`);
}

/** Everything a shipped binary must be: target is one of scripts/targets.js. */
function inspect(file, target, version) {
  const problems = [
    ...wrongExports(file),
    ...wrongDependencies(file),
    ...overFloor(file, target.glibcFloor),
  ];
  const { machine } = describe(file);
  if (!machine.endsWith(target.machine)) problems.push(`it is for ${machine}`);
  const { size } = fs.statSync(file);
  if (size > target.ceilingBytes)
    problems.push(`it has ${size} bytes, and the ceiling is ${target.ceilingBytes}`);
  if (sections(file).includes('.symtab')) problems.push('it is not stripped');
  if (!fs.readFileSync(file).includes(`verawebsockets ${version}\0`))
    problems.push(`it is not of version ${version}`);
  return problems;
}

module.exports = { inspect, overFloor, wrongDependencies, wrongExports };
