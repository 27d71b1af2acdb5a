'use strict';

// Writes the version of package.json into lib/base/version.ts. "npm version" runs it.

const fs = require('node:fs');
const path = require('node:path');
const { main, failure } = require('../deps/run');
const { root } = require('./checkout');

const LINE = /^export const VERSION = '[^']*';$/m;

main(() => {
  const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
  const file = path.join(root, 'lib', 'base', 'version.ts');
  const text = fs.readFileSync(file, 'utf8');
  if (!LINE.test(text)) throw failure(`${file}: there is no line for the version`);
  fs.writeFileSync(file, text.replace(LINE, `export const VERSION = '${version}';`));
});
