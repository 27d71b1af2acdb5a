'use strict';

// What a shipped binary must be besides what holds of any (check-binary.js), read without running
// it: whole, stripped, and of the package's version.

const fs = require('node:fs');
const { problemsOf } = require('./check-binary');
const elf = require('./elf');
const macho = require('./macho');
const pe = require('./pe');

/** Node-API's entry points; the second one is what tells a module from an old one. */
const ENTRY_POINTS = ['napi_register_module_v1', 'node_api_module_get_api_version_v1'];

/** { exported, hasSymbols }: names, and whether there are any for debuggers only. */
function describe(file, { platform, triplet }) {
  if (platform === 'win32') return pe.describe(file, triplet);
  if (platform === 'darwin') return macho.describe(file);
  return { exported: elf.exportsOf(file), hasSymbols: elf.sections(file).includes('.symtab') };
}

/** Returns what is wrong, a line each; an empty list if nothing is. */
function inspect(file, target, version) {
  const problems = problemsOf(file, target);
  const { exported, hasSymbols } = describe(file, target);
  const missing = ENTRY_POINTS.filter((name) => !exported.includes(name));
  if (missing.length > 0) problems.push(`does not export ${missing.join(' ')}`);
  if (hasSymbols) problems.push('is not stripped');
  // See kIdentity in native/binding/addon.cc.
  if (!fs.readFileSync(file).includes(`verawebsockets ${version}\0`))
    problems.push(`is not of version ${version}`);
  return problems;
}

module.exports = { inspect };
