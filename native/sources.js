'use strict';

// The one list of what the addon is made from, for binding.gyp and CMakeLists.txt alike:
//
//   node native/sources.js [engine|binding]…   source files, one a line (default: both)
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

if (require.main === module) {
  const parts = process.argv.slice(2);
  const files = sources(parts.length > 0 ? parts : undefined);
  process.stdout.write(files.map((file) => `${file}\n`).join(''));
}

module.exports = { sources };
