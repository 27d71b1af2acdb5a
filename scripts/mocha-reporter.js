'use strict';

// Mocha's spec reporter, which also leaves the counts where VWS_SUMMARY says, and makes a process that
// does not end by itself after the last test a failure: something was left open.

const fs = require('node:fs');
const { reporters } = require('mocha');

const END_WITHIN_MS = 20_000;

function watchForTheEnd() {
  setTimeout(() => {
    const held = process.getActiveResourcesInfo().join(', ');
    process.stderr.write(`The tests are over, but the process lives on: ${held}\n`);
    process.exit(1);
  }, END_WITHIN_MS).unref();
}

module.exports = class SummaryReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.VWS_SUMMARY;
    // Tests start processes of their own, which are not to write it again.
    delete process.env.VWS_SUMMARY;
    runner.once('end', () => {
      watchForTheEnd();
      const { passes, failures, pending } = runner.stats;
      if (file)
        fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
