'use strict';

// Every face of the class, at every load: echo by { on, onmessage, iteration, stream }, from one connection to a
// thousand, from one message in flight to 128, from 16 bytes to 1 MiB, each against ws with the same face.

const fs = require('node:fs');
const path = require('node:path');
const echarts = require('echarts');
const { runClient } = require('./client');
const { startServer } = require('./server');
const { median, spread } = require('./statistics');

const FACES = ['on', 'onmessage', 'iteration', 'stream'];
const CONNECTIONS = [1, 3, 10, 100, 1000];
const FLIGHTS = [1, 2, 4, 8, 16, 32, 128];
const SIZES = [16, 64, 1024, 16 * 1024, 64 * 1024, 1024 * 1024];
/** Cells with more bytes on their way at once are left out. */
const MOST_UNDER_WAY = 64 * 1024 * 1024;

const WARM_MS = 80;
const MEASURE_MS = 160;
/** A cell below this ratio is measured again, longer and more often: of many short measurements some are wrong. */
const DOUBTFUL = 1.05;
const AGAIN_MS = 350;
const AGAIN_RUNS = 5;

const sizeName = (size) =>
  size >= 1024 * 1024
    ? `${size / 1024 / 1024} MiB`
    : size >= 1024
      ? `${size / 1024} KiB`
      : `${size} B`;

/** The cells that one process measures, on the same connections. */
function cellsOf(connections) {
  return SIZES.flatMap((size) => FLIGHTS.map((flight) => [size, flight])).filter(
    ([size, flight]) => size * flight * connections <= MOST_UNDER_WAY,
  );
}

/** One process of one library: what it did in each cell. */
async function measureOne(library, { face, connections, cells: wanted, measure }, server) {
  const p = {
    mode: 'faces',
    face,
    connections,
    cells: wanted,
    url: `ws://127.0.0.1:${server.plain}/echo`,
    deflate: false,
    server: server.pid,
    warm: WARM_MS,
    measure,
  };
  const { cells, error } = await runClient(library, p);
  if (error) throw new Error(`${face}, ${connections} connections: ${error}`);
  return cells.map((one) => ({
    rate: one.messages / one.seconds,
    cpu: (one.cpuSeconds * 1e6) / one.messages,
    server: one.serverSeconds / one.seconds,
  }));
}

/** Both libraries, one after the other, against a fresh server. */
async function measurePair(load) {
  const server = await startServer();
  try {
    const theirs = await measureOne('ws', load, server);
    const ours = await measureOne('verawebsockets', load, server);
    return { ours, theirs };
  } finally {
    await server.stop();
  }
}

/** So many rounds of all cells of a load: a row a cell. */
async function measureCells(load, runs) {
  const rounds = load.cells.map(() => []);
  for (let round = 0; round < runs; round++) {
    const { ours, theirs } = await measurePair(load);
    rounds.forEach((one, i) => one.push({ ours: ours[i], theirs: theirs[i] }));
  }
  return load.cells.map((cell, i) => summarize(cell, load, rounds[i]));
}

/** The rounds of a cell, ours and ws's, as one row. */
function summarize([size, flight], { face, connections }, rounds) {
  const ratios = rounds.map(({ ours, theirs }) => ours.rate / theirs.rate);
  const cpu = rounds.map(({ ours, theirs }) => ours.cpu / theirs.cpu);
  return {
    face,
    connections,
    size,
    flight,
    rate: median(rounds.map(({ ours }) => ours.rate)),
    ratio: median(ratios),
    cpuRatio: median(cpu),
    spread: ratios.length > 2 ? spread(ratios) : NaN,
    server: median(rounds.map(({ ours }) => ours.server)),
  };
}

/**
 * @param {{ runs: number, faces?: string[], connections?: number[] }} options
 * @returns {Promise<any[]>} a row a cell
 */
async function measureMatrix({ runs, faces = FACES, connections = CONNECTIONS }) {
  const rows = [];
  for (const face of faces) {
    for (const count of connections) {
      const load = { face, connections: count, cells: cellsOf(count), measure: MEASURE_MS };
      const done = await measureCells(load, runs);
      const doubtful = done.filter((row) => row.ratio < DOUBTFUL);
      if (doubtful.length > 0) {
        const cells = doubtful.map(({ size, flight }) => [size, flight]);
        const again = await measureCells({ ...load, cells, measure: AGAIN_MS }, AGAIN_RUNS);
        again.forEach((row, i) => (done[done.indexOf(doubtful[i])] = row));
      }
      rows.push(...done);
      const least = Math.min(...done.map((row) => row.ratio));
      process.stderr.write(`${face}, ${count} connections: least ${least.toFixed(2)} x\n`);
    }
  }
  return rows;
}

const two = (value) => (value >= 10 ? value.toFixed(0) : value.toFixed(value >= 3 ? 1 : 2));

/** The cells below ws's rate, as a table in Markdown, the worst first. */
function printBelow(rows) {
  const below = rows.filter((row) => row.ratio < 1).sort((a, b) => a.ratio - b.ratio);
  console.log(`\n${rows.length} cells; ${below.length} below 1.0 x`);
  console.log(`median ${two(median(rows.map((row) => row.ratio)))} x`);
  console.log(
    '\n| face | connections | in flight | size | ratio | quartiles apart | CPU a message, ratio |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const row of below) {
    const apart = Number.isFinite(row.spread) ? `${Math.round(row.spread * 100)} %` : '-';
    const cells = [row.face, row.connections, row.flight, sizeName(row.size)];
    console.log(`| ${[...cells, two(row.ratio), apart, two(row.cpuRatio)].join(' | ')} |`);
  }
}

const CELL = { width: 36, height: 20 };

/**
 * The heat map: a column for each load (connections, in flight), a row for each face and size.
 * @param {string} file
 * @param {any[]} rows
 */
function writeHeatMap(file, rows) {
  const columns = CONNECTIONS.flatMap((count) => FLIGHTS.map((flight) => `${count} × ${flight}`));
  const lines = FACES.flatMap((face) => SIZES.map((size) => `${face}, ${sizeName(size)}`));
  const data = rows.map((row) => ({
    value: [
      columns.indexOf(`${row.connections} × ${row.flight}`),
      lines.indexOf(`${row.face}, ${sizeName(row.size)}`),
      Math.log2(row.ratio),
    ],
    label: { formatter: two(row.ratio) },
  }));
  const width = 150 + CELL.width * columns.length;
  const height = 110 + CELL.height * lines.length;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    grid: { left: 130, right: 20, top: 30, bottom: 80 },
    xAxis: {
      type: 'category',
      data: columns,
      name: 'connections × messages in flight on each',
      nameLocation: 'middle',
      nameGap: 62,
      axisLabel: { rotate: 90, interval: 0, fontSize: 10 },
    },
    yAxis: {
      type: 'category',
      inverse: true,
      data: lines,
      axisLabel: { interval: 0, fontSize: 10 },
    },
    visualMap: {
      show: false,
      min: -2,
      max: 4,
      // White is ws's own rate.
      inRange: {
        color: ['#b2182b', '#ef8a62', '#f7f7f7', '#a6d3a0', '#5aae61', '#2c8a45', '#1b7837'],
      },
    },
    series: [
      {
        type: 'heatmap',
        data,
        label: { show: true, fontSize: 10, color: '#000000' },
        itemStyle: { borderColor: '#ffffff', borderWidth: 1 },
      },
    ],
  });
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, chart.renderToSVGString());
  chart.dispose();
}

module.exports = { measureMatrix, printBelow, writeHeatMap };
