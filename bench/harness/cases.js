'use strict';

const { SERVER_CASES } = require('./server-cases');

// The cases, what is asked of each, and who takes part. A ratio is ours : the peer's.

const KIB = 1024;
const MIB = 1024 * 1024;

/**
 * @typedef {object} Metric
 * @property {string} unit
 * @property {'higher' | 'lower'} better
 * @property {(result: any, parameters: any) => number} of
 */

/** @type {Record<string, Metric>} */
const METRICS = {
  rate: { unit: 'messages/s', better: 'higher', of: (r) => r.messages / r.seconds },
  opening: { unit: 'connections/s', better: 'higher', of: (r) => r.messages / r.seconds },
  latency: { unit: 'µs median', better: 'lower', of: (r) => r.latencyMedian },
  delay: { unit: 'ms p99', better: 'lower', of: (r) => r.delayP99 },
  memory: { unit: 'KiB/connection', better: 'lower', of: (r) => r.bytesPerConnection / KIB },
  mainTime: {
    unit: 'main µs/MiB',
    better: 'lower',
    of: (r, p) => (r.loopActiveSeconds * 1e6) / ((r.messages * p.size) / MIB),
  },
};

/** Who is measured in every round, and who for context. */
const ALL = ['ws', 'verawebsockets', 'lws', 'undici'];
const PAIR = ['ws', 'verawebsockets'];
const PLAIN = { tls: false, deflate: false, connections: 1, flight: 1, every: 0, type: 'binary' };

const echo = (p) => ({ mode: 'echo', path: '/echo', ...p });
const send = (p) => ({ mode: 'send', path: `/sink?every=${p.every}`, ...p });
const receive = (p) => {
  return { mode: 'receive', path: `/source?size=${p.size}&type=${p.type ?? 'binary'}`, ...p };
};
/** Messages at so many bytes a second. */
const paced = (rate) => {
  const size = 64 * KIB;
  return { mode: 'paced', path: `/source?size=${size}&rate=${rate}`, size, measure: 2000 };
};

/** The round trip where the engine runs on Node's own loop. */
const lowLatency = (group, p) => ({
  name: `${group}-roundtrip-loop`,
  title: `${p.tls ? 'wss: ' : ''}round trip 64 B, low-latency mode`,
  metric: 'latency',
  p: { mode: 'roundtrip', path: '/echo', size: 64, ...p },
  must: 1,
  aim: 0.8,
  ours: 'verawebsockets-loop',
  clients: ['ws', 'verawebsockets-loop'],
  context: ['verawebsockets', 'verawebsockets-thread'],
  group,
});

/** The seven kinds of traffic, measured plain and over TLS. */
const TRAFFIC = [
  {
    name: 'echo-64-binary',
    title: 'echo 64 B binary, 128 in flight',
    p: echo({ size: 64, flight: 128 }),
    must: 7,
    aim: 12,
  },
  {
    name: 'echo-64-text',
    title: 'echo 64 B text, 128 in flight',
    p: echo({ size: 64, flight: 128, type: 'text' }),
    must: 6,
    aim: 12,
  },
  {
    name: 'send-64',
    title: 'send 64 B',
    p: send({ size: 64, flight: 16384, every: 512 }),
    must: 15,
    aim: 30,
  },
  {
    name: 'receive-64-binary',
    title: 'receive 64 B binary',
    p: receive({ size: 64 }),
    must: 1.6,
    aim: 3,
  },
  {
    name: 'receive-64-text',
    title: 'receive 64 B text',
    p: receive({ size: 64, type: 'text' }),
    must: 1.5,
    aim: 3,
  },
  {
    name: 'echo-64k',
    title: 'echo 64 KiB, 16 in flight',
    p: echo({ size: 64 * KIB, flight: 16 }),
    must: 1.3,
    aim: 2,
  },
  { name: 'receive-1m', title: 'receive 1 MiB', p: receive({ size: MIB }), must: 1.2, aim: 2 },
  {
    name: 'send-1m',
    title: 'send 1 MiB',
    p: send({ size: MIB, flight: 8, every: 1 }),
    must: 1.5,
    aim: 2,
  },
  {
    name: 'roundtrip',
    title: 'round trip 64 B, one in flight',
    metric: 'latency',
    p: { mode: 'roundtrip', path: '/echo', size: 64 },
    must: 1.5,
    aim: 0.8,
  },
];

const plain = TRAFFIC.map((c) => {
  const context = c.p.type === 'text' || c.p.size > 64 * KIB ? ['bare'] : ['bare', 'python'];
  return { ...c, clients: ALL, context: [...context, 'verawebsockets-api'], group: 'plain' };
});

const secure = TRAFFIC.map((c) => {
  const asked = c.metric === 'latency' ? { must: 1.5, aim: 0.8 } : { must: 1.2, aim: 3 };
  return {
    ...c,
    ...asked,
    name: `tls-${c.name}`,
    title: `wss: ${c.title}`,
    p: { ...c.p, tls: true },
    clients: ALL,
    context: ['bare'],
    most: 3,
    group: 'tls',
  };
});

const others = [
  {
    name: 'deflate-json',
    title: 'permessage-deflate, echo 1 KiB JSON, 64 in flight',
    p: echo({ path: '/echo?deflate=1', size: KIB, flight: 64, type: 'json', deflate: true }),
    must: 2,
    aim: 5,
    clients: ['ws', 'verawebsockets', 'lws'], // undici never compresses
    context: ['verawebsockets-level-1', 'verawebsockets-level-6'],
  },
  {
    name: 'connections-1000-echo',
    title: '1,000 connections, echo 64 B, one in flight on each',
    p: echo({ size: 64, connections: 1000 }),
    must: 3,
    aim: 8,
    clients: ALL,
    context: ['bare'],
  },
  {
    name: 'main-thread',
    title: 'main-thread time per received MiB',
    metric: 'mainTime',
    p: receive({ size: MIB }),
    must: 1 / 3,
    aim: 1 / 10,
    clients: PAIR,
    context: ['undici'],
  },
  {
    name: 'loop-delay',
    title: 'event-loop delay p99 while 500 MB/s arrive',
    metric: 'delay',
    p: paced(500e6),
    must: 1 / 3,
    aim: 1 / 10,
    clients: PAIR,
    context: ['undici'],
  },
  {
    // What the timers that measure it are late by themselves.
    name: 'floor-of-loop-delay',
    title: 'event-loop delay p99 while 1 MB/s arrives',
    metric: 'delay',
    p: paced(1e6),
    clients: PAIR,
    most: 2,
  },
  {
    name: 'memory-10000',
    title: 'resident memory per idle connection, 10,000 open',
    metric: 'memory',
    p: { mode: 'hold', path: '/idle', size: 64, connections: 10000 },
    must: 1,
    aim: 1 / 2,
    clients: PAIR,
    most: 3,
  },
  {
    name: 'open-plain',
    title: 'connections opened per second',
    metric: 'opening',
    p: { mode: 'open', path: '/idle', size: 64, connections: 32, measure: 1000 },
    must: 1,
    aim: 3,
    clients: ['ws', 'verawebsockets', 'lws'],
  },
  {
    name: 'open-tls',
    title: 'wss: connections opened per second',
    metric: 'opening',
    p: { mode: 'open', path: '/idle', size: 64, connections: 32, measure: 1000, tls: true },
    must: 1,
    aim: 3,
    clients: ['ws', 'verawebsockets', 'lws'],
  },
].map((c) => ({ ...c, group: 'others' }));

/** Curves: is there a cliff anywhere? */
const byConnections = [1, 3, 10, 30, 100, 300, 1000].map((connections) => ({
  name: `connections-${connections}`,
  title: `echo 64 B, ${connections} connections, 8 in flight on each`,
  p: echo({ size: 64, connections, flight: 8 }),
  clients: PAIR,
  most: 1,
  group: 'curves',
}));

const bySize = Array.from({ length: 11 }, (_, i) => 16 * 4 ** i).map((size) => ({
  name: `size-${size}`,
  title: `echo ${size} B`,
  p: echo({
    size,
    flight: Math.min(128, Math.max(2, MIB / size)),
    measure: size > MIB ? 1000 : undefined,
  }),
  clients: PAIR,
  most: 1,
  group: 'curves',
}));

/** @type {any[]} */
const CASES = [
  ...plain,
  lowLatency('plain', {}),
  ...secure,
  lowLatency('tls', { tls: true }),
  ...others,
  ...byConnections,
  ...bySize,
  ...SERVER_CASES,
].map((c) => ({
  context: [],
  ours: 'verawebsockets',
  ...c,
  metric: METRICS[c.metric ?? 'rate'],
  p: {
    ...PLAIN,
    ...Object.fromEntries(Object.entries(c.p).filter(([, value]) => value !== undefined)),
  },
}));

/**
 * Those with one of the names, or whose name or group begins with one of them.
 * @param {string[]} names
 */
function chooseCases(names) {
  if (names.length === 0) return CASES;
  const chosen = new Set();
  for (const name of names) {
    const exact = CASES.filter((c) => c.name === name || c.group === name);
    const found = exact.length > 0 ? exact : CASES.filter((c) => c.name.startsWith(name));
    if (found.length === 0)
      throw new Error(`no case ${name}; there are: ${CASES.map((c) => c.name).join(', ')}`);
    for (const c of found) chosen.add(c);
  }
  return CASES.filter((c) => chosen.has(c));
}

module.exports = { chooseCases };
