'use strict';

// The clients of one server of the chaos test: they connect again whenever it is there, and look at each message.
// Arguments, as JSON: port, topics, count.

const { WebSocket } = require('../..');

const { port, topics, count } = JSON.parse(process.argv[2]);

/** What came here, by "PUBLISHER TOPIC": numbers, as some client was the first to get them. */
const union = new Map();
/** Runs of one client and publisher on one connection: [key, first, last, count]. */
const runs = [];
const violations = [];
let open = 0;
let sessions = 0;
let deliveries = 0;

class Client {
  /** Over all connections, by publisher. */
  #last = new Map();
  /** On this one. */
  #run = new Map();

  constructor(topic) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${topic}`, {
      perMessageDeflate: false,
      reconnect: { min: 100, max: 1000, factor: 1.5, jitter: 0.5 },
    });
    socket.on('open', () => {
      open += 1;
      sessions += 1;
      let isOpen = true;
      const gone = () => {
        if (isOpen) open -= 1;
        isOpen = false;
        this.settle();
      };
      socket.once('close', gone);
      socket.once('reconnecting', gone);
    });
    socket.on('error', () => undefined);
    socket.on('message', (data) => this.#take(String(data), topic));
  }

  #take(text, mine) {
    const [from, topic, word] = text.split(' ');
    const number = Number(word);
    deliveries += 1;
    if (topic !== mine) violations.push(`${text} came to ${mine}`);
    const last = this.#last.get(from) ?? 0;
    if (number <= last) violations.push(`${text} came after ${last}`);
    this.#last.set(from, number);
    const key = `${from} ${topic}`;
    let seen = union.get(key);
    if (!seen) union.set(key, (seen = new Set()));
    seen.add(number);
    const run = this.#run.get(key);
    if (run) {
      run[2] = number;
      run[3] += 1;
    } else this.#run.set(key, [key, number, number, 1]);
  }

  settle() {
    runs.push(...this.#run.values());
    this.#run.clear();
  }
}

const clients = Array.from({ length: count }, (_, i) => new Client(topics[i % topics.length]));

setInterval(() => process.send({ type: 'open', open }), 200);

process.on('message', () => {
  for (const client of clients) client.settle();
  const all = [...union].map(([key, numbers]) => [key, [...numbers].sort((a, b) => a - b)]);
  process.send({ type: 'seen', union: all, runs, violations, sessions, deliveries });
});
process.on('disconnect', () => process.exit());
