'use strict';

// The cases of the group "server": what is asked against ws's server, and against uWebSockets.js.

const KIB = 1024;
const MIB = 1024 * KIB;

/** A connection asks for a few calls of each function: the first seconds are the compiler's, whatever the library. */
const open = (p) => ({ mode: 'open', connections: 32, warm: 4000, measure: 1000, ...p });

const echo = (p) => ({ mode: 'echo', size: 64, ...p });

/** The first four are measured over TLS, too. */
const ECHOES = [
  {
    name: 'echo-1x128',
    title: 'echo 64 B, 1 connection, 128 in flight',
    p: echo({ connections: 1, flight: 128 }),
    ws: [8, 13],
    uws: [1, 1.5],
  },
  {
    name: 'echo-100x8',
    title: 'echo 64 B, 100 connections, 8 in flight each',
    p: echo({ connections: 100, flight: 8 }),
    ws: [5, 8],
    uws: [1, 1.5],
  },
  {
    name: 'echo-1000x1',
    title: 'echo 64 B, 1,000 connections, 1 in flight each',
    p: echo({ connections: 1000, flight: 1 }),
    ws: [1.7, 2.2],
    uws: [0.9, 1.2],
  },
  {
    name: 'echo-text-1k',
    title: 'echo 1 KiB text, 100 connections, 8 in flight each',
    p: echo({ size: KIB, type: 'text', connections: 100, flight: 8 }),
    ws: [4, 6],
    uws: [1, 1.3],
  },
];

const OTHERS = [
  {
    name: 'echo-64k',
    title: 'echo 64 KiB, 10 connections, 4 in flight each',
    p: echo({ size: 64 * KIB, connections: 10, flight: 4 }),
    ws: [1.7, 2.2],
    uws: [1, 1.3],
  },
  {
    name: 'receive-1m',
    title: 'receive 1 MiB, 4 in flight',
    p: { mode: 'sink', size: MIB, connections: 1, flight: 4 },
    ws: [1.7, 2.2],
    uws: [1, 1.3],
  },
  {
    name: 'send-1m',
    title: 'send 1 MiB, 4 in flight',
    p: { mode: 'source', size: MIB, connections: 1, flight: 4 },
    ws: [1.7, 2.2],
    uws: [1, 1.3],
  },
  {
    name: 'broadcast',
    title: 'each message passed on to 1,000 connections, 4 in flight (deliveries)',
    p: { mode: 'broadcast', size: 64, connections: 1000, flight: 4 },
    ws: [4, 8],
    uws: [undefined, 1.2],
  },
  {
    name: 'publish',
    title: 'publish 64 B to 1,000 subscribers, 4 in flight (deliveries; ws: a loop)',
    p: { mode: 'broadcast', size: 64, connections: 1000, flight: 4, topic: 'all' },
    ws: [6.5, 13],
    uws: [1, 2],
  },
  {
    name: 'publish-deflate',
    title: 'the same of 1 KiB text with permessage-deflate',
    p: {
      mode: 'broadcast',
      size: KIB,
      type: 'json',
      deflate: true,
      connections: 1000,
      flight: 4,
      topic: 'all',
    },
    ws: [10, 20],
    uws: [1, 1.5],
  },
  {
    name: 'publish-tls',
    title: 'wss: publish 64 B to 1,000 subscribers, 4 in flight (deliveries)',
    p: { mode: 'broadcast', size: 64, connections: 1000, flight: 4, topic: 'all', tls: true },
    ws: [3, 6],
    uws: [1, 1.5],
  },
  // Almost all that a limit of 20,000 descriptors allows.
  {
    name: 'publish-19000',
    title: 'publish 64 B to 19,000 subscribers, one a second: until the last has it',
    metric: 'latency',
    p: {
      mode: 'broadcast',
      size: 64,
      connections: 19_000,
      flight: 1,
      every: 1000,
      topic: 'all',
      warm: 3000,
      measure: 6000,
    },
    most: 2,
    ws: [0.3, 0.15],
    uws: [1, 0.6],
  },
  {
    name: 'topics',
    title: '100 topics with 10 subscribers each, publish 64 B, 4 in flight on each (deliveries)',
    p: { mode: 'broadcast', size: 64, connections: 1000, flight: 4, topics: 100 },
    ws: [4, 8],
    uws: [1, 1.5],
  },
  {
    name: 'socketio',
    title: "a room of socket.io's with 1,000 members, 64 B, 4 in flight (deliveries)",
    p: { mode: 'broadcast', size: 64, connections: 1000, flight: 4, socketio: true, warm: 3000 },
    clients: ['ws', 'verawebsockets'],
    ws: [2, 4],
  },
  {
    name: 'deflate',
    title: 'permessage-deflate, echo 1 KiB JSON, 100 connections, 8 in flight each',
    p: echo({ size: KIB, type: 'json', deflate: true, connections: 100, flight: 8 }),
    ws: [4, 10],
    uws: [1, 1.5],
  },
  {
    name: 'roundtrip',
    title: 'round trip 64 B, one in flight',
    metric: 'latency',
    p: { mode: 'roundtrip', size: 64, connections: 1, flight: 1 },
    ws: [0.9, 0.7],
    uws: [1.1, 0.9],
  },
  {
    name: 'accept',
    title: 'connections accepted per second',
    metric: 'opening',
    p: open(),
    ws: [2.5, 4],
    uws: [0.9, 1.3],
  },
  {
    name: 'accept-tls',
    title: 'wss: connections accepted per second',
    metric: 'opening',
    p: open({ tls: true }),
    ws: [3, 5],
    uws: [1, 1.5],
  },
  {
    name: 'accept-http',
    title: "connections accepted per second through Node's http server",
    metric: 'opening',
    p: open({ http: true }),
    ws: [1, 1.5],
  },
  // As many as a hard limit of 20,000 descriptors leaves.
  {
    name: 'memory',
    title: 'resident memory per idle connection, 19,000 open',
    metric: 'memory',
    p: { mode: 'hold', connections: 19_000, measure: 500, warm: 2000 },
    most: 2,
    ws: [0.5, 0.3],
    uws: [1.2, 0.9],
  },
  {
    name: 'memory-tls',
    title: 'wss: resident memory per idle connection, 19,000 open',
    metric: 'memory',
    p: { mode: 'hold', connections: 19_000, measure: 500, warm: 2000, tls: true },
    most: 1,
    ws: [0.5, 0.3],
    uws: [1, 0.7],
  },
];

const secure = ECHOES.map((c) => ({
  ...c,
  name: `tls-${c.name}`,
  title: `wss: ${c.title}`,
  p: { ...c.p, tls: true },
  ws: [2.5, 5],
  uws: [1, 1.3],
}));

/** No cell of these may be below 1.2 times ws. */
const cells = [1, 10, 100, 1000].flatMap((connections) =>
  [1, 2, 4, 8, 16, 32, 128].map((flight) => ({
    name: `cell-${connections}x${flight}`,
    title: `echo 64 B, ${connections} connections, ${flight} in flight each`,
    p: echo({ connections, flight }),
    ws: [1.2, 1.2],
    most: 3,
    group: 'server-cells',
  })),
);

/** The engine's threads against one of them. All share two processors with the load. */
const lanes = {
  name: 'lanes',
  title: 'two lanes: permessage-deflate, echo 1 KiB JSON, 100 connections, 8 in flight each',
  p: echo({
    size: KIB,
    type: 'json',
    deflate: true,
    connections: 100,
    flight: 8,
    threads: 2,
    processors: '0,1',
    measure: 1000,
  }),
  group: 'lanes',
  side: 'server',
  clients: ['one-lane', 'verawebsockets'],
  asked: { 'one-lane': [1.5, 1.8] },
};

/** @type {any[]} */
const SERVER_CASES = [...ECHOES, ...secure, ...OTHERS, ...cells].map(({ ws, uws, ...c }) => ({
  group: 'server',
  ...c,
  name: `server-${c.name}`,
  side: 'server',
  p: { size: 64, ...c.p },
  clients:
    c.clients ?? (c.p.http || c.group ? ['ws', 'verawebsockets'] : ['ws', 'verawebsockets', 'uws']),
  asked: { ws, uws },
}));
SERVER_CASES.push(lanes);

module.exports = { SERVER_CASES };
