'use strict';

// Builds what is missing, then runs mocha and the types test. Further arguments go to mocha.
//
//   node scripts/test.js [--cmake] [mocha's arguments]     npm test -- -g 'event 1'

const fs = require('node:fs');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { main } = require('../deps/run');
const { build } = require('./build');
const { testTypes } = require('./test-types');
const { root } = require('./checkout');

function mocha(args, env) {
  const program = require.resolve('mocha/bin/mocha.js', { paths: [root] });
  const options = ['--reporter', path.join(__dirname, 'mocha-reporter.js'), '--timeout', '10000'];
  options.push('--forbid-only', '--forbid-pending', '--expose-gc', 'build/test/**/*.test.js');
  const result = spawnSync(process.execPath, [program, ...options, ...args], {
    cwd: root,
    stdio: 'inherit',
    env,
  });
  return result.status ?? 1;
}

if (require.main === module) {
  main(() => {
    const args = process.argv.slice(2);
    const cmake = args.includes('--cmake');
    const env = { ...process.env };
    if (cmake)
      env.VERAWEBSOCKETS_BINARY = path.join(
        root,
        'build',
        'cmake',
        'Release',
        'verawebsockets.node',
      );
    build({ tests: true, cmake, quiet: true });
    const rest = args.filter((arg) => arg !== '--cmake');
    const status = mocha(rest, env);
    process.exitCode = status;
    if (rest.length > 0) return; // a selection
    const types = testTypes();
    addToSummary(types);
    if (types.failed > 0) process.exitCode = 1;
  });
}

function addToSummary({ passed, failed }) {
  const file = process.env.VWS_SUMMARY;
  if (!file || !fs.existsSync(file)) return;
  const summary = JSON.parse(fs.readFileSync(file, 'utf8'));
  summary.passed += passed;
  summary.failed += failed;
  fs.writeFileSync(file, JSON.stringify(summary));
}

module.exports = { mocha };
