'use strict';

// A server of the chaos test, and a publisher: numbers its messages, one series a topic, and tells its parent of each
// what its broker said. Arguments, as JSON: name, kind, host, brokerPort, port, topics, interval (ms).

const { WebSocketServer } = require('../..');
const { KINDS } = require('../brokers/support/servers');

const { name, kind, host, brokerPort, port, topics, interval } = JSON.parse(process.argv[2]);

/** Since the last report: [topic, number, time, outcome]; of outcomes 1: it has reached the broker, 0: it is lost. */
let settled = [];
/** Messages of others that the broker has brought. */
let received = 0;
let dropped = 0;
const events = [];

/** The broker, with what it is asked for and what it brings counted. */
function watched(broker) {
  return {
    publish: (topic, message) => {
      const [, , number] = Buffer.from(message).subarray(18).toString().split(' ');
      const entry = [topic, Number(number), Date.now()];
      let done;
      try {
        done = broker.publish(topic, message);
      } catch (error) {
        settled.push([...entry, 0]);
        throw error;
      }
      return Promise.resolve(done).then(
        () => void settled.push([...entry, 1]),
        (error) => {
          settled.push([...entry, 0]);
          throw error;
        },
      );
    },
    subscribe: (topic) => broker.subscribe(topic),
    unsubscribe: (topic) => broker.unsubscribe(topic),
    onMessage: (listener) =>
      broker.onMessage((topic, message) => {
        const [from] = Buffer.from(message).subarray(18).toString().split(' ');
        if (from !== name) received += 1;
        listener(topic, message);
      }),
    onError: (listener) => broker.onError?.(listener),
    onReconnect: (listener) => broker.onReconnect?.(listener),
    close: () => broker.close(),
  };
}

function report(kindOfReport) {
  const list = settled;
  settled = [];
  const { brokerStats } = server;
  process.send({ type: kindOfReport, name, settled: list, brokerStats, received, dropped, events });
}

let server;
let publishing;

async function main() {
  const { broker } = await KINDS[kind].connect(host, brokerPort);
  server = new WebSocketServer({ port, host: '127.0.0.1', broker: watched(broker) });
  server.on('brokerError', (error) => events.push([Date.now(), error.code ?? error.message]));
  server.on('brokerReconnect', () => events.push([Date.now(), 'reconnect']));
  server.on('connection', (socket, request) => {
    socket.subscribe(request.url.slice(1));
    socket.on('dropped', (messages) => (dropped += messages));
    socket.on('error', () => undefined);
  });
  server.on('listening', () => process.send({ type: 'ready', name }));
  setInterval(() => report('report'), 200);
}

process.on('message', (order) => {
  if (order === 'publish') {
    const next = new Map(topics.map((topic) => [topic, 0]));
    let turn = 0;
    publishing = setInterval(() => {
      const topic = topics[turn++ % topics.length];
      const number = next.get(topic) + 1;
      next.set(topic, number);
      server.publish(topic, `${name} ${topic} ${number}`);
    }, interval / topics.length);
  } else if (order === 'stop') clearInterval(publishing);
  else if (order === 'last') report('last');
});
process.on('disconnect', () => process.exit());

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
