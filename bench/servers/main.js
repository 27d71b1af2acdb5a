'use strict';

// A server in a process of its own: main.js SERVER PARAMETERS-AS-JSON. Prints its port, a line, and then
// its memory in bytes for each line that it is given; ends with its input.

const readline = require('node:readline');
const fs = require('node:fs');

/** Resident memory of the process, without what is only mapped. */
function resident() {
  for (let i = 0; i < 3; ++i) global.gc?.();
  const status = fs.readFileSync('/proc/self/status', 'latin1');
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(status)[1]) * 1024;
}

async function main() {
  const [name, json] = process.argv.slice(2);
  const p = JSON.parse(json);
  if (p.pem) {
    const pem = fs.readFileSync(p.pem, 'latin1');
    p.tls = { key: pem, cert: pem };
  }
  const port = await require(`./${name}`)(p);
  console.log(port);
  const lines = readline.createInterface({ input: process.stdin });
  for await (const line of lines) {
    if (line === '') console.log(resident());
  }
  process.exit(0);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
