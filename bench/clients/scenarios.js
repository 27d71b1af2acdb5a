'use strict';

// What each JavaScript client does; the same code for all of them. A client is an object with
//   connect(url, { ca, deflate }, { open(), message?(data), fail(error) }) -> { send(data), terminate() }
//   createWebSocketStream(socket), for the scenario faces

const { monitorEventLoopDelay, performance } = require('node:perf_hooks');
const { setTimeout: sleep } = require('node:timers/promises');
const { FACES } = require('./faces');
const { makePayloads } = require('./payload');
const { Meter } = require('./meter');

/** Connections opened at once. */
const OPENING = 100;

/**
 * Opens all connections. `wire(index)` makes the message handler of each.
 * @returns {Promise<any[]>} the sockets
 */
async function openAll(client, p, wire) {
  const sockets = [];
  const one = (index) =>
    new Promise((resolve, reject) => {
      const message = wire(index, () => sockets[index]);
      sockets[index] = client.connect(p.url, p, { open: resolve, message, fail: reject });
    });
  for (let i = 0; i < p.connections; i += OPENING) {
    const count = Math.min(OPENING, p.connections - i);
    await Promise.all(Array.from({ length: count }, (_, k) => one(i + k)));
  }
  return sockets;
}

/** Lets the client warm up, then measures. */
async function measure(p, count) {
  const meter = new Meter(p.server);
  await sleep(p.warm);
  const before = count();
  meter.start();
  await sleep(p.measure);
  return meter.stop(count() - before);
}

/** Text counts as received when it is a string, which is what a program wants of it. */
function consume(p, data) {
  return p.type === 'binary' ? data : data.toString();
}

/** Refuses a client that answers fast but wrong. */
function check(p, sent, received) {
  const same =
    p.type === 'binary' ? sent.equals(Buffer.from(received)) : sent === received.toString();
  if (!same) throw new Error('the echo is not what was sent');
}

async function echo(client, p) {
  const payloads = makePayloads(p.type, p.size);
  let messages = 0;
  const wire = (index, socket) => {
    let sent = p.flight;
    let seen = 0;
    return (data) => {
      if (seen++ < p.flight) check(p, payloads[(seen - 1) % payloads.length], data);
      consume(p, data);
      messages++;
      socket().send(payloads[sent++ % payloads.length]);
    };
  };
  const sockets = await openAll(client, p, wire);
  for (const socket of sockets) {
    for (let i = 0; i < p.flight; i++) socket.send(payloads[i % payloads.length]);
  }
  return measure(p, () => messages);
}

async function roundtrip(client, p) {
  const [payload] = makePayloads(p.type, p.size);
  let latencies = [];
  let sentAt = 0;
  const wire = (index, socket) => () => {
    const now = performance.now();
    latencies.push((now - sentAt) * 1e3);
    sentAt = performance.now();
    socket().send(payload);
  };
  const [socket] = await openAll(client, p, wire);
  sentAt = performance.now();
  socket.send(payload);
  await sleep(p.warm);
  latencies = [];
  const meter = new Meter(p.server);
  meter.start();
  await sleep(p.measure);
  const sorted = Float64Array.from(latencies).sort();
  const at = (share) => sorted[Math.floor(sorted.length * share)];
  return { ...meter.stop(sorted.length), latencyMedian: at(0.5), latencyP99: at(0.99) };
}

/** The server acknowledges every so many messages, and each acknowledgement lets as many go. */
async function send(client, p) {
  const [payload] = makePayloads(p.type, p.size);
  let messages = 0;
  const wire = (index, socket) => () => {
    messages += p.every;
    const to = socket();
    for (let i = 0; i < p.every; i++) to.send(payload);
  };
  const [socket] = await openAll(client, p, wire);
  for (let i = 0; i < p.flight; i++) socket.send(payload);
  return measure(p, () => messages);
}

async function receive(client, p) {
  let messages = 0;
  let last;
  const wire = () => (data) => {
    last = consume(p, data);
    messages++;
  };
  const [socket] = await openAll(client, p, wire);
  socket.send('go');
  const result = await measure(p, () => messages);
  const length = typeof last === 'string' ? last.length : last.byteLength;
  if (length !== p.size) throw new Error(`a message of ${length} bytes instead of ${p.size}`);
  return result;
}

/** A stream that arrives at a given rate: what is left of the event loop? */
async function paced(client, p) {
  let messages = 0;
  const wire = () => () => {
    messages++;
  };
  const [socket] = await openAll(client, p, wire);
  socket.send('go');
  const meter = new Meter(p.server);
  await sleep(p.warm);
  const resolution = 1;
  const delay = monitorEventLoopDelay({ resolution });
  const before = messages;
  delay.enable();
  meter.start();
  await sleep(p.measure);
  const result = meter.stop(messages - before);
  delay.disable();
  // The histogram holds intervals between ticks of a timer: what goes beyond its period is delay.
  const late = (share) => Math.max(0, delay.percentile(share) / 1e6 - resolution);
  return { ...result, delayMedian: late(50), delayP99: late(99), delayMax: late(100) };
}

/** Connections opened (and dropped) one after the other, so many at once. */
async function open(client, p) {
  let opened = 0;
  let failure;
  const next = () => {
    const socket = client.connect(p.url, p, {
      open: () => {
        opened++;
        socket.terminate();
        next();
      },
      message: () => {},
      fail: (error) => (failure = error),
    });
  };
  for (let i = 0; i < p.connections; i++) next();
  const result = await measure(p, () => opened);
  if (failure) throw failure;
  return result;
}

/** Memory of connections that do nothing. */
async function hold(client, p) {
  const wire = () => () => {};
  const settle = async () => {
    for (let i = 0; i < 4; i++) {
      global.gc();
      await sleep(50);
    }
    return process.memoryUsage.rss();
  };
  const first = await openAll(client, { ...p, connections: 1 }, wire);
  const before = await settle();
  const meter = new Meter(p.server);
  meter.start();
  const sockets = await openAll(client, p, wire);
  const result = meter.stop(p.connections);
  const after = await settle();
  if (first.length + sockets.length !== p.connections + 1) throw new Error('some did not open');
  return { ...result, bytesPerConnection: (after - before) / p.connections };
}

/**
 * Echoes by one face of the class, on the same connections in each of `p.cells`, [size, messages in flight], one after
 * the other. Binary.
 * @returns {Promise<{ cells: any[] }>} a measurement a cell
 */
async function faces(client, p) {
  const opened = await openAll(client, p, () => undefined);
  let messages = 0;
  let underWay = 0;
  let payload = Buffer.alloc(0);
  let going = false;
  let drained = () => {};
  const senders = opened.map((socket) => {
    const send = FACES[p.face](client, socket, (data) => {
      if (data.length !== payload.length) throw new Error('the echo is not what was sent');
      messages++;
      if (going) send(payload);
      else if (--underWay === 0) drained();
    });
    return send;
  });
  const results = [];
  for (const [size, flight] of p.cells) {
    [payload] = makePayloads('binary', size);
    going = true;
    underWay = flight * senders.length;
    for (const send of senders) {
      for (let i = 0; i < flight; i++) send(payload);
    }
    results.push(await measure(p, () => messages));
    const end = new Promise((resolve) => (drained = resolve));
    going = false;
    await end;
  }
  return { cells: results };
}

module.exports = { echo, roundtrip, send, receive, paced, open, hold, faces };
