'use strict';

// The one list of what the addon is made from, for binding.gyp and CMakeLists.txt alike:
//
//   node native/sources.js [engine|binding]…   source files, one a line (default: both)
//   node native/sources.js --wraps             linker options for the calls the glue takes over
//
// A folder of the engine can be named alone, as in "engine/ws".

const fs = require('node:fs');
const path = require('node:path');

function list(folder) {
  const entries = fs.readdirSync(folder, { withFileTypes: true });
  return entries.flatMap((entry) => {
    const name = path.join(folder, entry.name);
    if (entry.isDirectory()) return list(name);
    return entry.name.endsWith('.cc') ? [name] : [];
  });
}

function sources(parts = ['engine', 'binding']) {
  const folders = parts
    .map((part) => path.join(__dirname, part))
    .filter((folder) => fs.existsSync(folder));
  const files = folders.flatMap(list).map((file) => path.relative(path.dirname(__dirname), file));
  return files.map((file) => file.split(path.sep).join('/')).sort();
}

/** Every function defined as __wrap_X is one that the linker is to wrap. */
function wraps(files) {
  const root = path.dirname(__dirname);
  const names = files.flatMap((file) => {
    const text = fs.readFileSync(path.join(root, file), 'utf8');
    return [...text.matchAll(/^[^/\n]*\b__wrap_(\w+)\s*\(/gm)].map((match) => match[1]);
  });
  return [...new Set(names)].sort().map((name) => `-Wl,--wrap=${name}`);
}

if (require.main === module) {
  const args = process.argv.slice(2);
  const parts = args.filter((arg) => !arg.startsWith('--'));
  const files = sources(parts.length > 0 ? parts : undefined);
  const lines = args.includes('--wraps') ? wraps(files) : files;
  process.stdout.write(lines.map((line) => `${line}\n`).join(''));
}

module.exports = { sources, wraps };
