'use strict';

// Packs the engine's source as the published package carries it (deps/libwebsockets.tgz), for a machine that has no
// other way to get it: Windows, macOS.

const { packSource } = require('../deps/archive');
const { main } = require('../deps/run');
const { locateSource } = require('../deps/source');

main(() => packSource(locateSource().tree));
