'use strict';

// Where we are: in a checkout of the repository, or in the published package, which is less and
// does less.

const fs = require('node:fs');
const path = require('node:path');

const root = path.resolve(__dirname, '..');

/**
 * Only a checkout has .ci; the published package never installs anything or takes warnings for
 * errors.
 */
const inCheckout = fs.existsSync(path.join(root, '.ci', 'run'));

module.exports = { root, inCheckout };
