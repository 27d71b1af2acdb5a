'use strict';

// npm run test:chaos [-- BROKER [SUBSCRIBERS [PUBLICATIONS]]]: three servers with 5,000 clients in all, which publish
// numbered messages to each other over one broker ("redis", "nats"; both unless named). One server is behind a link
// that loses and delays packets. Servers and the broker are killed, and come back; the link breaks for a while. Then
// nothing may have come twice, or out of order; what is missing must be what "at most once" allows, and the counters
// must say the same as the clients. PUBLICATIONS: of each server, a second; default 20. Not part of the other tests.
//
// Needs root, and on Debian: apt-get install redis-server nats-server iproute2 python3

const { spawn } = require('node:child_process');
const path = require('node:path');
const { setTimeout: sleep } = require('node:timers/promises');
const { freePort } = require('../../scripts/free-port');
const { install, kill, KINDS } = require('../brokers/support/servers');
const { check } = require('./check');
const { Network } = require('./network');

const [only, subscribers = 5000, rate = 20] = process.argv
  .slice(2)
  .map((word) => Number(word) || word);
const TOPICS = Array.from({ length: 10 }, (_, i) => `topic${i}`);
const PATIENCE = 120_000;
/** What is due comes within this, in ms, and reports with it. */
const MARGIN = 1500;
/** After a disturbance: how long until all is as before, when the servers say so. */
const SETTLING = 8000;
const CALM = 6000;

const began = Date.now();
const say = (text) =>
  console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);

async function until(what, condition) {
  const end = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`);
    await sleep(20);
  }
}

function start(prefix, file, settings) {
  const [command, ...args] = [...prefix, process.execPath];
  return spawn(command, [...args, path.join(__dirname, file), JSON.stringify(settings)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
}

/** A server, its incarnations, and its clients. */
class Member {
  incarnation = 0;
  isReady = false;
  open = 0;
  reconnects = 0;
  last;
  seen;

  constructor(letter, settings, settled, prefix, clients) {
    Object.assign(this, { letter, settings, settled, prefix, clients });
  }

  get name() {
    return `${this.letter}${this.incarnation}`;
  }

  startServer() {
    this.incarnation += 1;
    this.isReady = false;
    const { name } = this;
    this.settled.set(name, []);
    this.process = start(this.prefix, 'server.js', { ...this.settings, name });
    this.process.on('message', (message) => {
      if (message.type === 'ready') this.isReady = true;
      else {
        this.settled.get(message.name).push(...message.settled);
        this.reconnects = message.brokerStats.reconnects;
        if (message.type === 'last') this.last = message;
      }
    });
  }

  startClients() {
    const settings = { port: this.settings.port, topics: TOPICS, count: this.clients };
    this.holder = start(this.prefix, 'holder.js', settings);
    this.holder.on('message', (message) => {
      if (message.type === 'open') this.open = message.open;
      else this.seen = message;
    });
  }

  async whole() {
    await until(`${this.name} is there`, () => this.isReady);
    await until(`the clients of ${this.name} are there`, () => this.open === this.clients);
  }

  async end() {
    for (const child of [this.process, this.holder]) if (child) await kill(child);
  }
}

async function run(kind, network) {
  const { start: startBroker } = KINDS[kind];
  const brokerPort = await freePort();
  let broker = await startBroker(brokerPort, network.host);
  network.set(0.02, 20, 10);
  const settled = new Map();
  const members = [];
  for (const [i, letter] of ['A', 'B', 'C'].entries()) {
    const port = await freePort();
    const settings = { kind, host: network.host, brokerPort, port, topics: TOPICS };
    settings.interval = (1000 * TOPICS.length) / rate;
    const clients = Math.floor((subscribers + i) / 3);
    const prefix = letter === 'C' ? network.prefix : [];
    members.push(new Member(letter, settings, settled, prefix, clients));
  }
  const [, b, c] = members;
  const calm = [];
  const away = [];
  let calmFrom;
  const settle = async () => {
    for (const member of members) await member.whole();
    await sleep(SETTLING);
    calmFrom = Date.now();
    await sleep(CALM);
  };
  const disturb = async (what, act) => {
    calm.push([calmFrom, Date.now() - MARGIN]);
    say(`${kind}: ${what}`);
    await act();
    await settle();
  };
  const revive = async (member) => {
    await kill(member.process);
    member.open = 0;
    await sleep(2000);
    member.startServer();
    await until(`${member.name} is there`, () => member.isReady);
    member.process.send('publish');
  };
  try {
    for (const member of members) member.startServer();
    for (const member of members) {
      await until(`${member.name} is there`, () => member.isReady);
      member.startClients();
    }
    for (const member of members) await member.whole();
    say(`${kind}: ${members.reduce((sum, { open }) => sum + open, 0)} clients are there`);
    for (const member of members) member.process.send('publish');
    await settle();
    await disturb('a server is killed', () => revive(b));
    await disturb('the broker is killed', async () => {
      const before = members.map(({ reconnects }) => reconnects);
      await kill(broker);
      const from = Date.now();
      await sleep(3000);
      away.push([from + MARGIN / 3, Date.now()]);
      broker = await startBroker(brokerPort, network.host);
      await until('the broker is there again for all', () =>
        members.every(({ reconnects }, i) => reconnects > before[i]),
      );
    });
    await disturb('the link is broken', async () => {
      network.set(1, 20, 10);
      await sleep(5000);
      network.set(0.02, 20, 10);
    });
    await disturb('the server behind the link is killed', () => revive(c));
    calm.push([calmFrom, Date.now() - MARGIN]);
    for (const { process } of members) process.send('stop');
    await sleep(2 * MARGIN);
    for (const { process, holder } of members) {
      process.send('last');
      holder.send('tell');
    }
    await until('the last reports', () => members.every(({ last, seen }) => last && seen));
    const of = (what) => new Map(members.map((member) => [member.letter, member[what]]));
    const seen = of('seen');
    const { problems, counts } = check({
      ...{ seen, settled, calm, away, last: of('last'), faithful: ['A'] },
    });
    const deliveries = [...seen.values()].reduce((sum, one) => sum + one.deliveries, 0);
    const sessions = [...seen.values()].reduce((sum, one) => sum + one.sessions, 0);
    say(`${kind}: ${deliveries} messages came to ${sessions} connections`);
    console.table(counts);
    for (const { name, brokerStats, events } of of('last').values()) {
      console.log(
        name,
        JSON.stringify(brokerStats),
        JSON.stringify(events.map(([, event]) => event)),
      );
    }
    if (counts.every(({ lost }) => lost === 0))
      problems.push('nothing was lost: nothing was tried');
    for (const text of problems) console.log(`  ${text}`);
    return problems.length === 0;
  } finally {
    for (const member of members) await member.end();
    await kill(broker);
  }
}

async function main() {
  install();
  const kinds = only ? [only] : ['redis', 'nats'];
  const network = await Network.begin();
  let good = true;
  try {
    for (const kind of kinds) {
      const passed = await run(kind, network);
      console.log(`${kind}: ${passed ? 'passed' : 'failed'}`);
      good &&= passed;
    }
  } finally {
    await network.end();
  }
  process.exit(good ? 0 : 1);
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
