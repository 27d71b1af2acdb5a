'use strict';

// npm run test:soak [-- MINUTES]: clients and servers of this library under mixed load, with connections
// that come and go, for half an hour. Memory and descriptors of the servers stay flat, and every message
// is accounted for. Not part of the other tests.

const { execFileSync, fork, spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const MINUTES = Number(process.argv[2] ?? 30);
const INTERVAL_MS = 5000;
const MIB = 1024 * 1024;
/** What memory may grow by from the second quarter of the time to the last. */
const GROWTH = 1.05;
const SLACK = 4 * MIB;

function makeCertificate(folder) {
  const [cert, key] = [path.join(folder, 'cert.pem'), path.join(folder, 'key.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const files = ['-subj', '/CN=127.0.0.1', '-keyout', key, '-out', cert];
  execFileSync('openssl', ['req', '-x509', ...curve, '-days', '30', ...files], { stdio: 'ignore' });
  return [cert, key];
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

async function ask(server) {
  server.send('report');
  const [answer] = await once(server, 'message');
  return answer;
}

const inMib = (bytes) => `${(bytes / MIB).toFixed(1)} MiB`;

/** @returns {string[]} what is wrong */
function judge({ before, samples, after, client }) {
  const problems = client.wrong.slice();
  const quarter = Math.floor(samples.length / 4);
  const early = median(samples.slice(quarter, 2 * quarter).map((sample) => sample.rss));
  const late = median(samples.slice(-quarter).map((sample) => sample.rss));
  console.log(`memory: ${inMib(early)} in the second quarter, ${inMib(late)} in the last`);
  if (late > early * GROWTH + SLACK) problems.push('memory grows');
  console.log(`descriptors: ${before.descriptors} before, ${after.descriptors} after`);
  if (after.descriptors > before.descriptors) problems.push('descriptors are left');
  if (after.opened !== after.closed)
    problems.push(`${after.opened} opened, ${after.closed} closed`);
  if (after.opened !== client.connections) problems.push('connections are not all accounted for');
  if (client.sent !== client.received + client.cut) problems.push('messages are missing');
  // Those cut off may have arrived, or not.
  const lost = client.sent - after.received;
  if (lost < 0 || lost > client.cut) problems.push(`the servers got ${after.received} messages`);
  return problems;
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'vws-soak-'));
  const server = fork(path.join(__dirname, 'server.js'), makeCertificate(folder), {
    execArgv: ['--expose-gc'],
  });
  const [{ urls, before }] = await once(server, 'message');
  const client = spawn(
    process.execPath,
    [path.join(__dirname, 'client.js'), JSON.stringify(urls), String(MINUTES * 60_000)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  client.stdout.setEncoding('utf8').on('data', (text) => (output += text));
  const samples = [];
  const timer = setInterval(
    () => void ask(server).then((sample) => samples.push(sample)),
    INTERVAL_MS,
  );
  await once(client, 'close');
  clearInterval(timer);
  const counts = JSON.parse(output);
  let after = await ask(server);
  // The ends of the last ones may still be on their way.
  for (let i = 0; i < 50 && after.opened !== after.closed; ++i) after = await ask(server);
  const problems = judge({ before, samples, after, client: counts });
  const { connections, sent, received, cut, byEnd } = counts;
  console.log(
    `${connections} connections; ${sent} messages sent, ${received} came back, ${cut} cut off`,
  );
  for (const [name, count] of Object.entries(byEnd)) console.log(`  ${name}: ${count}`);
  for (const problem of problems) console.log(`  ✘ ${problem}`);
  server.send('stop');
  await once(server, 'exit');
  fs.rmSync(folder, { recursive: true });
  console.log(`soak: ${problems.length === 0 ? '1 passed, 0 failed' : '0 passed, 1 failed'}`);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

void main();
