'use strict';

// npm run bench [-- options]: measures this library and its peers against one server, in turns.

const path = require('node:path');
const { parseArgs } = require('node:util');
const { OUT, buildPrograms } = require('./harness/build');
const { chooseCases } = require('./harness/cases');
const { describeMachine } = require('./harness/machine');
const { measureMatrix, printBelow, writeHeatMap } = require('./harness/matrix');
const { measureCase } = require('./harness/measure');
const { printCase, printJson, printServers, printSummary } = require('./harness/report');
const { startServer } = require('./harness/server');
const { installPeers } = require('./harness/server-side');

const USAGE = `usage: npm run bench -- [options]
  --case NAME      only this case, or those whose name or group begins so (repeatable)
  --client NAME    only this client (repeatable): ws, undici, lws, bare, python, verawebsockets, ...
  --against DIR    another checkout of this library, built: measured beside this one as "before"
  --runs N         measurements of each client (default 5)
  --measure MS     how long each lasts (default 350)
  --warm MS        before it (default 300)
  --quick          one short measurement of each
  --json           one JSON object a line
  --plot           the ratios as an SVG chart
  --matrix         every face of the class at every load, as a heat map; with --runs, --face and --connections N
  --out FILE       where to put it (default build/bench/ratios.svg, matrix.svg)
  --list           the names of the cases`;

const OPTIONS = /** @type {const} */ ({
  case: { type: 'string', multiple: true, default: [] },
  client: { type: 'string', multiple: true },
  against: { type: 'string' },
  runs: { type: 'string', default: '5' },
  measure: { type: 'string', default: '350' },
  warm: { type: 'string', default: '300' },
  quick: { type: 'boolean', default: false },
  json: { type: 'boolean', default: false },
  plot: { type: 'boolean', default: false },
  matrix: { type: 'boolean', default: false },
  face: { type: 'string', multiple: true },
  connections: { type: 'string', multiple: true },
  out: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
});

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new RangeError(`--${name} must be a positive number, not ${text}`);
  return value;
}

function readOptions() {
  const { values } = parseArgs({ options: OPTIONS });
  const given = {
    runs: positive('runs', values.runs),
    measure: positive('measure', values.measure),
    warm: positive('warm', values.warm),
  };
  const quick = values.quick ? { runs: 1, measure: 250, warm: 250 } : {};
  const against = values.against && path.resolve(values.against);
  return { ...values, ...given, ...quick, against, clients: values.client };
}

function printMachine(options) {
  const machine = describeMachine();
  if (options.json) {
    console.log(JSON.stringify({ machine }));
    return;
  }
  for (const [key, value] of Object.entries(machine)) console.log(`${key}: ${value}`);
}

async function drawMatrix(options) {
  printMachine(options);
  const rows = await measureMatrix({
    runs: options.runs,
    faces: options.face,
    connections: options.connections?.map((count) => positive('connections', count)),
  });
  const file = options.out ?? path.join(OUT, 'matrix.svg');
  writeHeatMap(file, rows);
  if (options.json) for (const row of rows) console.log(JSON.stringify(row));
  else printBelow(rows);
  console.error(`the heat map is in ${file}`);
}

async function main() {
  const options = readOptions();
  const cases = chooseCases(options.case);
  if (options.help || options.list) {
    console.log(
      options.help ? USAGE : cases.map((c) => `${c.name.padEnd(26)} ${c.title}`).join('\n'),
    );
    return;
  }
  buildPrograms();
  if (options.matrix) {
    await drawMatrix(options);
    return;
  }
  if (cases.some((c) => c.side === 'server')) installPeers();
  printMachine(options);
  const rows = [];
  for (const testCase of cases) {
    // A fresh one, so that nothing of the last case lingers; unless servers are measured.
    const server = testCase.side === 'server' ? undefined : await startServer();
    const row = await measureCase(testCase, server, options);
    await server?.stop();
    (options.json ? printJson : printCase)(row);
    rows.push(row);
  }
  if (!options.json) {
    printSummary(rows.filter(({ testCase }) => testCase.side !== 'server'));
    printServers(rows.filter(({ testCase }) => testCase.side === 'server'));
  }
  if (!options.plot) return;
  const file = options.out ?? path.join(OUT, 'ratios.svg');
  require('./harness/chart').writeChart(file, rows);
  console.error(`the chart is in ${file}`);
}

main().catch((error) => {
  console.error(`bench: ${error.message}`);
  process.exitCode = 1;
});
