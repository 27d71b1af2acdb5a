'use strict';

// The clients of the soak: they connect, talk, and end in all kinds of ways, for as long as they are
// told. Prints one line of JSON: what was sent, what came back, and the first things that were wrong.

const { randomBytes, randomInt } = require('node:crypto');
const { once } = require('node:events');
const { setTimeout: wait } = require('node:timers/promises');
const { WebSocket } = require('../..');

const SLOTS = 100;
const [urls, milliseconds] = [JSON.parse(process.argv[2]), Number(process.argv[3])];
const end = Date.now() + milliseconds;
const counts = { connections: 0, sent: 0, received: 0, cut: 0, byEnd: {} };
const wrong = [];

const KIB = 1024;
const SIZES = [0, 1, 60, 125, 126, 300, 2 * KIB, 20 * KIB, 70 * KIB];

function messageOf() {
  const size = randomInt(500) === 0 ? KIB * KIB : SIZES[randomInt(SIZES.length)];
  const bytes = randomBytes(size);
  return randomInt(2) === 0 ? bytes : bytes.toString('base64');
}

/** How a connection can end, and the code that this side sees. */
const ENDS = {
  async 'this side closes'(socket) {
    socket.close(3000, 'enough');
    return 3000;
  },
  async 'the other side closes'(socket) {
    socket.send('close 4000');
    return 4000;
  },
  async 'this side terminates'(socket) {
    socket.terminate();
    return 1006;
  },
  async 'the other side terminates'(socket) {
    socket.send('terminate 0');
    return 1006;
  },
};
const NAMES = Object.keys(ENDS);

const equal = (sent, data, isBinary) =>
  typeof sent === 'string' ? !isBinary && data.toString() === sent : isBinary && sent.equals(data);

async function converse(socket, url) {
  const waiting = [];
  let settled;
  socket.on('message', (data, isBinary) => {
    counts.received += 1;
    if (!equal(waiting.shift(), data, isBinary)) wrong.push(`${url}: a message differs`);
    if (waiting.length === 0) settled?.();
  });
  for (let burst = randomInt(1, 6); burst > 0; --burst) {
    for (let n = randomInt(1, 12); n > 0; --n) {
      const message = messageOf();
      waiting.push(message);
      counts.sent += 1;
      socket.send(message);
    }
    // Some are cut off in the middle: what is on its way is lost then.
    if (randomInt(40) === 0) break;
    if (waiting.length > 0) await new Promise((resolve) => (settled = resolve));
    await wait(randomInt(300));
  }
  return waiting;
}

async function connection(url) {
  const socket = new WebSocket(url, { rejectUnauthorized: false });
  const closed = once(socket, 'close');
  socket.on('error', (error) => wrong.push(`${url}: ${error.message}`));
  await Promise.race([once(socket, 'open'), closed]);
  counts.connections += 1;
  const waiting = await Promise.race([converse(socket, url), closed.then(() => undefined)]);
  if (waiting === undefined) {
    wrong.push(`${url}: closed with ${(await closed)[0]} in the middle`);
    return;
  }
  // Cut off, unless it ends politely: then everything comes back first.
  const cut = waiting.length > 0;
  const name = cut ? NAMES[2] : NAMES[randomInt(NAMES.length)];
  const expected = await ENDS[name](socket);
  counts.byEnd[name] = (counts.byEnd[name] ?? 0) + 1;
  const [code] = await closed;
  if (code !== expected) wrong.push(`${url}: ${name}: ${code}`);
  counts.cut += waiting.length;
}

async function slot(number) {
  while (Date.now() < end && wrong.length < 20) {
    await connection(urls[(number + randomInt(urls.length)) % urls.length]);
  }
}

Promise.all(Array.from({ length: SLOTS }, (_, number) => slot(number))).then(() => {
  process.stdout.write(`${JSON.stringify({ ...counts, wrong })}\n`);
});
