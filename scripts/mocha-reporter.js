'use strict';

// Mocha's spec reporter, which also leaves the counts where VWS_SUMMARY says.

const fs = require('node:fs');
const { reporters } = require('mocha');

module.exports = class SummaryReporter extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    const file = process.env.VWS_SUMMARY;
    // Tests start processes of their own, which are not to write it again.
    delete process.env.VWS_SUMMARY;
    if (!file) return;
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      fs.writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, pending }));
    });
  }
};
