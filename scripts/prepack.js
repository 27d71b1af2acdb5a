'use strict';

// Before npm packs: puts there what the package holds and git does not; with --clean, afterwards,
// takes away what the checkout is not to keep. Prints nothing, since npm's answer goes to standard
// output.

const { main } = require('../deps/run');
const { postpack, prepack } = require('./package');

main(() => (process.argv.includes('--clean') ? postpack() : prepack()));
