'use strict';

const fs = require('node:fs');
const echarts = require('echarts');

const PEERS = [
  { name: 'ws', label: 'ws', color: '#2f6f9f' },
  { name: 'undici', label: 'undici', color: '#9fb8c8' },
  { name: 'lws', label: "libwebsockets' own C client", color: '#d08a3e' },
];
const ROW = 46;
const WIDTH = 860;

/** How many times better: above 1 whichever way the metric points. */
function advantage(testCase, comparison) {
  if (!comparison || !Number.isFinite(comparison.ratio)) return null;
  return testCase.metric.better === 'higher' ? comparison.ratio : 1 / comparison.ratio;
}

function series(rows, peer) {
  return {
    name: peer.label,
    type: 'bar',
    itemStyle: { color: peer.color },
    label: {
      fontSize: 10,
      show: true,
      position: 'right',
      formatter: ({ value }) => (value ? `${value.toPrecision(2)} ×` : ''),
    },
    data: rows.map(({ testCase, comparisons }) => advantage(testCase, comparisons.get(peer.name))),
    markLine: { silent: true, symbol: 'none', label: { show: false }, data: [{ xAxis: 1 }] },
  };
}

/**
 * Draws how many times better this library is than each peer.
 * @param {string} file
 * @param {any[]} rows
 */
function writeChart(file, rows) {
  const shown = rows.filter(
    ({ testCase, comparisons }) => testCase.group !== 'curves' && comparisons.size > 0,
  );
  const height = 110 + ROW * shown.length;
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({
    animation: false,
    backgroundColor: '#ffffff',
    legend: { top: 10, data: PEERS.map((peer) => peer.label) },
    grid: { left: 330, right: 60, top: 50, bottom: 40 },
    xAxis: { type: 'log', name: 'times better', nameLocation: 'middle', nameGap: 25 },
    yAxis: { type: 'category', inverse: true, data: shown.map(({ testCase }) => testCase.title) },
    series: PEERS.map((peer) => series(shown, peer)),
  });
  fs.writeFileSync(file, chart.renderToSVGString());
  chart.dispose();
}

module.exports = { writeChart };
