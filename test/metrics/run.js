'use strict';

// npm run test:metrics: what nobody here has written reads the metrics. Prometheus scrapes examples/metrics/server.js
// as its files there say, knows all types and values, and answers each query of the dashboard and of the alerts;
// promtool checks the files; the strict parser of Prometheus's Python client reads the text.
//
// Needs, on Debian: apt-get install prometheus python3-prometheus-client

const { execFileSync, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { WebSocket } = require('../..');
const { freePort } = require('../../scripts/free-port');

const example = path.join(__dirname, '..', '..', 'examples', 'metrics');
/** Debian's, which has its packages. */
const PYTHON = '/usr/bin/python3';
const PATIENCE = 60_000;

async function until(what, condition) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    try {
      const result = await condition();
      if (result) return result;
    } catch (error) {
      if (performance.now() > end) throw error;
    }
    if (performance.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`);
    await sleep(100);
  }
}

/** The families of the text, as the strict parser has them: name, type, names of samples. */
function parseStrictly(text) {
  const program = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = [[f.name, f.type, sorted({s.name for s in f.samples})] for f in parse(sys.stdin.read())]
print(json.dumps(families))`;
  return JSON.parse(execFileSync(PYTHON, ['-c', program], { input: text, encoding: 'utf8' }));
}

/** A query of the dashboard, with what Grafana puts in. */
const filled = (expression) =>
  expression.replaceAll('$__rate_interval', '10s').replaceAll('$server', '.*');

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'metrics-'));
  const [port, metricsPort, prometheusPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const children = [];
  const run = (command, args, stdio) => {
    const child = spawn(command, args, { stdio });
    children.push(child);
    return child;
  };
  try {
    for (const [kind, name] of [
      ['config', 'prometheus.yml'],
      ['rules', 'alerts.yml'],
    ]) {
      execFileSync('promtool', ['check', kind, path.join(example, name)], { stdio: 'inherit' });
    }
    const configuration = fs
      .readFileSync(path.join(example, 'prometheus.yml'), 'utf8')
      .replace('127.0.0.1:9464', `127.0.0.1:${metricsPort}`)
      .replaceAll(': 5s', ': 1s');
    fs.writeFileSync(path.join(folder, 'prometheus.yml'), configuration);
    fs.copyFileSync(path.join(example, 'alerts.yml'), path.join(folder, 'alerts.yml'));

    const server = run(
      process.execPath,
      [path.join(example, 'server.js'), String(port), String(metricsPort)],
      ['ignore', 'pipe', 'inherit'],
    );
    await once(server.stdout, 'data');
    run(
      'prometheus',
      [
        `--config.file=${path.join(folder, 'prometheus.yml')}`,
        `--storage.tsdb.path=${path.join(folder, 'data')}`,
        `--web.listen-address=127.0.0.1:${prometheusPort}`,
        '--log.level=error',
      ],
      ['ignore', 'inherit', 'inherit'],
    );
    const api = async (what) => {
      const response = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/${what}`);
      const { status, data, error } = await response.json();
      if (status !== 'success') throw new Error(`${what}: ${error}`);
      return data;
    };
    const query = async (expression) =>
      (await api(`query?query=${encodeURIComponent(expression)}`)).result;

    // Messages all the time, and somebody who is refused.
    const socket = await WebSocket.connect(`ws://127.0.0.1:${port}`);
    socket.on('message', (data) => setTimeout(() => socket.send(data), 10));
    socket.send('12345');
    const refused = setInterval(() => void fetch(`http://127.0.0.1:${port}/`).catch(() => {}), 200);
    children.push({ kill: () => clearInterval(refused), exitCode: 0 });

    const target = await until('Prometheus has read it', async () => {
      const { activeTargets } = await api('targets');
      if (activeTargets[0]?.health === 'down') throw new Error(activeTargets[0].lastError);
      return activeTargets[0]?.health === 'up' && activeTargets[0];
    });
    console.log(`Prometheus reads ${target.scrapeUrl}`);
    await until('rates', async () => {
      const rates = ['messages_received', 'handshake_failures'].map(async (name) => {
        const [rate] = await query(`sum(rate(verawebsockets_${name}_total[10s]))`);
        return Number(rate?.value[1]) > 0;
      });
      return (await Promise.all(rates)).every(Boolean);
    });

    const text = await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text();
    const families = parseStrictly(text);
    const metadata = await api('targets/metadata');
    const types = new Map(metadata.map(({ metric, type }) => [metric, type]));
    for (const [name, type, samples] of families) {
      if (types.get(name) !== type) throw new Error(`${name} is ${types.get(name)}, not ${type}`);
      for (const sample of samples) {
        if ((await query(sample)).length === 0) throw new Error(`Prometheus has no ${sample}`);
      }
    }
    console.log(`${families.length} families, each with its type and its samples`);
    const dashboard = JSON.parse(fs.readFileSync(path.join(example, 'dashboard.json'), 'utf8'));
    let series = 0;
    const queries = dashboard.panels.flatMap(({ targets }) => targets);
    for (const { expr } of queries) {
      const { length } = await query(filled(expr));
      if (length === 0) throw new Error(`no data: ${expr}`);
      series += length;
    }
    console.log(`${queries.length} queries of the dashboard, ${series} series`);
    const rules = await until('alerts', async () => {
      const { groups } = await api('rules');
      const all = groups.flatMap((group) => group.rules);
      return all.every(({ health }) => health !== 'unknown') && all;
    });
    for (const { name, health, lastError } of rules) {
      if (health !== 'ok') throw new Error(`${name}: ${health} ${lastError}`);
    }
    console.log(`${rules.length} alerts`);
    socket.terminate();
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
