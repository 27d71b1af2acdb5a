'use strict';

// npm run test:handover [-- ATTEMPTS [HANDOVERS [CLIENTS]]]: a server is replaced by another one, again and again,
// while processes connect to it as fast as they can, so many times at least: no attempt may fail. Not part of the
// other tests, but for a short one.

const { fork, spawn } = require('node:child_process');
const { createInterface } = require('node:readline');
const path = require('node:path');

const [attempts = 100_000, handovers = 10, clients = 4] = process.argv.slice(2).map(Number);

/** What the servers say, by the first word. */
const said = { ready: [], drained: [] };
let wake = () => {};

async function next(word, index) {
  while (said[word].length <= index) await new Promise((resolve) => (wake = resolve));
  return said[word][index];
}

async function main() {
  const began = performance.now();
  const first = spawn(process.execPath, [path.join(__dirname, 'server.js')], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  createInterface({ input: first.stdout }).on('line', (line) => {
    const [word, ...rest] = line.split(' ');
    if (!said[word]) throw new Error(line);
    said[word].push(rest);
    wake();
  });
  const [, port] = await next('ready', 0);

  const progress = new Array(clients).fill(0);
  const failures = [];
  const total = () => progress.reduce((sum, one) => sum + one, 0);
  const children = [];
  const until = async (count) => {
    while (total() < count) await new Promise((resolve) => (wake = resolve));
  };
  const ends = progress.map((_, number) => {
    const child = fork(path.join(__dirname, 'client.js'), [port, number].map(String));
    children.push(child);
    child.on('message', ({ done, failures: failed = [] }) => {
      progress[number] = done;
      failures.push(...failed);
      wake();
    });
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => {
        if (code === 0) resolve();
        else reject(new Error(`a client ended with ${code}`));
      });
    });
  });

  // Spread over the whole load.
  for (let i = 0; i < handovers; ++i) {
    await until(((i + 1) * attempts) / (handovers + 1));
    process.kill(Number((await next('ready', i))[0]), 'SIGUSR2');
    await next('ready', i + 1);
  }
  // The last one is to have its share, too.
  await until(Math.max(attempts, total() + attempts / (handovers + 1)));
  for (const child of children) child.send('stop');
  await Promise.all(ends);
  process.kill(Number((await next('ready', handovers))[0]), 'SIGTERM');
  await next('drained', handovers);
  // All have the same output: it ends when the last of them has.
  await new Promise((resolve) => first.once('close', resolve));

  const servers = said.drained.map(([text]) => JSON.parse(text));
  const result = {
    attempts: total(),
    failed: failures.length,
    handovers,
    terminated: servers.reduce((sum, { terminated }) => sum + terminated, 0),
    accepted: servers.map(({ accepted }) => accepted),
    seconds: Number(((performance.now() - began) / 1000).toFixed(1)),
  };
  console.log(JSON.stringify(result));
  for (const failure of failures.slice(0, 10)) console.error(failure);
  process.exitCode = failures.length === 0 ? 0 : 1;
}

main();
