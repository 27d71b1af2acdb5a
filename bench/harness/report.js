'use strict';

/** @param {number} value */
function short(value) {
  if (!Number.isFinite(value)) return '-';
  if (value >= 1e6) return `${(value / 1e6).toFixed(2)} M`;
  if (value >= 1e4) return `${(value / 1e3).toFixed(0)} k`;
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

const times = (ratio) => (Number.isFinite(ratio) ? `${ratio.toPrecision(3)} x` : '-');

/** One line on a comparison's worth. */
function verdict(comparison) {
  const words = [];
  if (comparison.meetsMust !== undefined) {
    words.push(comparison.meetsAim ? 'aim' : comparison.meetsMust ? 'must' : 'MISSED');
    if (comparison.cpuRatio > 1) words.push('CPU MISSED');
  }
  if (comparison.worthless)
    words.push(`worthless: quartiles ${Math.round(comparison.spread * 100)} % apart`);
  if (comparison.serverBound) words.push('the other side was the limit');
  return words.join(', ');
}

/** A block for a case: one line a client. */
function printCase({ testCase, clients, comparisons }) {
  const { unit, better } = testCase.metric;
  console.log(
    `\n${testCase.title} [${testCase.name}], ${unit}${better === 'lower' ? ', lower is better' : ''}`,
  );
  for (const [name, one] of clients) {
    if (one.error) {
      console.log(`  ${name.padEnd(26)} failed: ${one.error}`);
      continue;
    }
    const comparison = comparisons.get(name);
    const columns = [
      name.padEnd(26),
      short(one.value).padStart(9),
      `${short(one.cpuMicrosecondsPerMessage)} µs CPU`.padStart(15),
      `${testCase.side === 'server' ? 'load' : 'server'} ${Math.round(one.serverBusy * 100)} %`.padStart(
        13,
      ),
      comparison ? `ours ${times(comparison.ratio)}, CPU ${times(comparison.cpuRatio)}` : '',
      ['ws', 'uws', 'one-lane'].includes(name) && comparison
        ? verdict(comparison)
        : comparison?.worthless
          ? '(noisy)'
          : '',
      one.failures ? `${one.failures} failed: ${one.failure}` : '',
    ];
    console.log(`  ${columns.join('  ').trimEnd()}`);
  }
}

/** One JSON object a line: ours against each peer. */
function printJson({ testCase, clients, comparisons }) {
  const { unit, better } = testCase.metric;
  const base = {
    case: testCase.name,
    title: testCase.title,
    metric: unit,
    better,
    must: testCase.must,
    aim: testCase.aim,
  };
  for (const [peer, theirs] of clients) {
    if (peer === testCase.ours) continue;
    const ours = clients.get(testCase.ours);
    console.log(JSON.stringify({ ...base, peer, ...comparisons.get(peer), ours, theirs }));
  }
}

/** The table of the documentation, in Markdown. */
function printSummary(rows) {
  if (rows.length === 0) return;
  console.log(
    "\n| case | verawebsockets | ws | ratio | CPU a message | engine's C client | undici | must / aim |",
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { testCase, clients, comparisons } of rows) {
    const to = (peer) => comparisons.get(peer);
    const value = (name) => short(clients.get(name)?.value);
    const mark = to('ws')?.worthless ? ' (noisy)' : '';
    const asked =
      testCase.must === undefined ? '' : `${times(testCase.must)} / ${times(testCase.aim)}`;
    const cells = [
      testCase.title,
      `${value(testCase.ours)} ${testCase.metric.unit}`,
      value('ws'),
      times(to('ws')?.ratio) + mark,
      times(to('ws')?.cpuRatio),
      times(to('lws')?.ratio),
      times(to('undici')?.ratio),
      asked,
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

/** The same of the servers. */
function printServers(rows) {
  if (rows.length === 0) return;
  console.log(
    '\n| case | verawebsockets | ws | uWebSockets.js | x ws | x uWS | CPU x ws | CPU x uWS | must | aim |',
  );
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |');
  for (const { testCase, clients, comparisons } of rows) {
    const of = (peer, key) => times(comparisons.get(peer)?.[key]);
    const { ws = [], uws = [] } = testCase.asked;
    const asked = (i) => [ws[i], uws[i]].map((ratio) => ratio ?? '-').join(' / ');
    const cells = [
      testCase.title,
      `${short(clients.get('verawebsockets')?.value)} ${testCase.metric.unit}`,
      short(clients.get('ws')?.value),
      short(clients.get('uws')?.value),
      of('ws', 'ratio') + (comparisons.get('ws')?.worthless ? ' (noisy)' : ''),
      of('uws', 'ratio') + (comparisons.get('uws')?.worthless ? ' (noisy)' : ''),
      of('ws', 'cpuRatio'),
      of('uws', 'cpuRatio'),
      asked(0),
      asked(1),
    ];
    console.log(`| ${cells.join(' | ')} |`);
  }
}

module.exports = { printCase, printJson, printServers, printSummary };
