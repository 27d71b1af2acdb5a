'use strict';

// The last line of .ci/run: node scripts/summary.js <failed steps> <summary file>…

const fs = require('node:fs');

const [failedSteps, ...files] = process.argv.slice(2);
const sum = { passed: 0, failed: 0 };
for (const file of files) {
  if (!fs.existsSync(file)) continue; // its step failed before it could count
  const { passed, failed } = JSON.parse(fs.readFileSync(file, 'utf8'));
  sum.passed += passed;
  sum.failed += failed;
}
if (sum.failed === 0) sum.failed = Number(failedSteps);
process.stdout.write(`${sum.passed} passed, ${sum.failed} failed\n`);
process.exitCode = sum.failed > 0 ? 1 : 0;
