'use strict';

// Before npm packs: what the package holds and git does not. On standard error, since npm's answer
// goes to standard output.

const { main } = require('../deps/run');
const { prepack } = require('./package');

main(() => prepack());
