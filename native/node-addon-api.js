'use strict';

// Prints where Node-API's C++ headers are: in the published package beside this file, in a checkout in the package of
// that name.

const fs = require('node:fs');
const path = require('node:path');

const packed = path.join(__dirname, 'node-addon-api');
const found = fs.existsSync(packed) ? packed : path.dirname(require.resolve('node-addon-api'));
process.stdout.write(`${found}\n`);
