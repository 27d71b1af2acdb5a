'use strict';

// One measurement in a process of its own: main.js CLIENT PARAMETERS-AS-JSON; prints one line of JSON.

const fs = require('node:fs');
const scenarios = require('./scenarios');

async function main() {
  const [name, json] = process.argv.slice(2);
  const p = JSON.parse(json);
  if (p.caFile) p.ca = fs.readFileSync(p.caFile);
  const client = require(`./${name}`);
  const result = await scenarios[p.mode](client, p);
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
