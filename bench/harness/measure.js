'use strict';

const { runClient, available } = require('./client');
const { runServer, hasUws } = require('./server-side');
const { median, spread } = require('./statistics');

/** Quartiles of a ratio further apart than this share of it: the row says nothing. */
const WORTHLESS = 0.35;
/** A server busier than this is the bottleneck. */
const SATURATED = 0.97;

/** Clients that are another way to run a module of bench/clients. */
const VARIANTS = {
  'verawebsockets-loop': { client: 'verawebsockets', env: { BENCH_SERVICE: 'loop' } },
  // As the engine's own C client compresses, and as ws does; our default is between them.
  'verawebsockets-level-1': { client: 'verawebsockets', env: { BENCH_LEVEL: '1' } },
  'verawebsockets-level-6': { client: 'verawebsockets', env: { BENCH_LEVEL: '6' } },
  'one-lane': { client: 'verawebsockets', env: { BENCH_THREADS: '1' } },
  'verawebsockets-thread': { client: 'verawebsockets', env: { BENCH_SERVICE: 'thread' } },
};

const variant = (name) => VARIANTS[name] ?? { client: name, env: {} };

/** The same as this library's, from another checkout. */
function variantIn(testCase, name, folder) {
  if (name !== 'before') return variant(name);
  const { client, env } = variant(testCase.ours);
  return { client, env: { ...env, BENCH_LIBRARY: folder } };
}

function parameters(testCase, server, options) {
  const { warm, measure } = options;
  if (testCase.side === 'server') return { warm, measure, ...testCase.p };
  const { tls, path } = testCase.p;
  const port = tls ? server.tls : server.plain;
  return {
    warm,
    measure,
    ...testCase.p,
    port,
    url: `${tls ? 'wss' : 'ws'}://127.0.0.1:${port}${path}`,
    caFile: tls ? server.certificate : undefined,
    server: server.pid,
  };
}

/** With another checkout of this library as one more client. */
function addBefore(testCase, folder) {
  if (!folder || !testCase.clients.includes(testCase.ours)) return testCase;
  return { ...testCase, clients: [...testCase.clients, 'before'] };
}

function takesPart(testCase, name) {
  if (testCase.side !== 'server') return available(name);
  return name !== 'uws' || hasUws();
}

/** Who runs in a round: those the case is about in each, the other peers in every second, the context once. */
function inRound(testCase, round) {
  const { clients, context, ours } = testCase;
  const main = ['ws', ours, 'before'];
  const every = testCase.side === 'server';
  const peers = clients.filter((name) => every || main.includes(name) || round % 2 === 0);
  return round === 0 ? [...peers, ...context] : peers;
}

/**
 * Rounds of all clients, one after the other, so that what disturbs one disturbs all.
 * @returns {Promise<{ p: any, results: Map<string, any[]> }>} results by client and round; some rounds are empty
 */
async function runRounds(testCase, server, options) {
  const p = parameters(testCase, server, options);
  const rounds = Math.min(options.runs, testCase.most ?? options.runs);
  const results = new Map();
  for (let round = 0; round < rounds; round++) {
    for (const name of inRound(testCase, round)) {
      if (!takesPart(testCase, name) || (options.clients && !options.clients.includes(name)))
        continue;
      const { client, env } = variantIn(testCase, name, options.against);
      const result = await (testCase.side === 'server' ? runServer : runClient)(client, p, env);
      if (!results.has(name))
        results.set(
          name,
          Array.from({ length: rounds }, () => undefined),
        );
      results.get(name)[round] = result;
    }
  }
  return { p, results };
}

function summarize(testCase, p, runs) {
  const done = runs.filter((run) => run !== undefined);
  const good = done.filter((run) => !run.error);
  if (good.length === 0) return { error: done[0].error };
  const of = (pick) => median(good.map(pick));
  const values = runs.map((run) => (good.includes(run) ? testCase.metric.of(run, p) : NaN));
  return {
    value: of((run) => testCase.metric.of(run, p)),
    values,
    messagesPerSecond: of((run) => run.messages / run.seconds),
    cpuMicrosecondsPerMessage: of((run) => (run.cpuSeconds * 1e6) / run.messages),
    mainMicrosecondsPerMessage: of((run) => (run.mainSeconds * 1e6) / run.messages),
    loopUtilization: of((run) => run.loopUtilization ?? NaN),
    serverBusy: of((run) => run.serverSeconds / run.seconds),
    latencyP99: of((run) => run.latencyP99 ?? NaN),
    rss: of((run) => run.rss),
    failures: done.length - good.length,
    failure: done.find((run) => run.error)?.error,
  };
}

/** What is asked against one peer. */
function askedOf(testCase, peer) {
  if (testCase.asked) return testCase.asked[peer] ?? [];
  return [testCase.must, testCase.aim];
}

/** Ours against one peer. */
function compare(testCase, ours, theirs, peer) {
  const pairs = ours.values.map((value, i) => value / theirs.values[i]).filter(Number.isFinite);
  const ratio = ours.value / theirs.value;
  const higher = testCase.metric.better === 'higher';
  const reaches = (asked) =>
    asked === undefined ? undefined : higher ? ratio >= asked : ratio <= asked;
  const [must, aim] = askedOf(testCase, peer);
  const apart = pairs.length > 2 ? spread(pairs) : NaN;
  return {
    ratio,
    cpuRatio: ours.cpuMicrosecondsPerMessage / theirs.cpuMicrosecondsPerMessage,
    spread: apart,
    worthless: apart > WORTHLESS,
    serverBound: Math.max(ours.serverBusy, theirs.serverBusy) > SATURATED,
    meetsMust: reaches(must),
    meetsAim: reaches(aim),
  };
}

/**
 * Measures one case.
 * @returns {Promise<{ testCase: any, clients: Map<string, any>, comparisons: Map<string, any> }>}
 */
async function measureCase(chosen, server, options) {
  const testCase = addBefore(chosen, options.against);
  const { p, results } = await runRounds(testCase, server, options);
  const clients = new Map();
  for (const [name, runs] of results) clients.set(name, summarize(testCase, p, runs));
  const ours = clients.get(testCase.ours);
  const comparisons = new Map();
  for (const [name, theirs] of clients) {
    if (name === testCase.ours || !ours || ours.error || theirs.error) continue;
    comparisons.set(name, compare(testCase, ours, theirs, name));
  }
  return { testCase, clients, comparisons };
}

module.exports = { measureCase };
