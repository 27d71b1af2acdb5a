'use strict';

// Measures a server: it and the load each have a process, and a processor, of their own; unless the case names the
// processors that they share.

const { spawn, spawnSync } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const path = require('node:path');
const readline = require('node:readline');
const { OUT } = require('./build');

const MAIN = path.resolve(__dirname, '../servers/main.js');
const PEERS = path.join(OUT, 'peers');
/** uWebSockets.js is not in npm's registry under its own name. */
const UWS = '@trufflesuite/uws-js-unofficial';
const UWS_VERSION = '20.30.0-unofficial.0';
const SOCKET_IO_VERSION = '4.8.4';
/** A measurement that takes longer has failed. */
const LONGEST_MS = 120_000;
const SERVER_CPU = '0';
const LOAD_CPU = '1';
const TICKS_PER_SECOND = 100;

const isInstalled = (name) => fs.existsSync(path.join(PEERS, 'node_modules', name));
const hasUws = () => isInstalled(UWS);

/** Installs uWebSockets.js and socket.io beside the build, where they are not yet. */
function installPeers() {
  if (hasUws() && isInstalled('socket.io')) return;
  fs.mkdirSync(PEERS, { recursive: true });
  fs.writeFileSync(path.join(PEERS, 'package.json'), '{}');
  spawnSync(
    'npm',
    [
      ...['install', '--no-audit', '--no-fund', '--ignore-scripts'],
      `${UWS}@${UWS_VERSION}`,
      `socket.io@${SOCKET_IO_VERSION}`,
    ],
    { cwd: PEERS, stdio: 'ignore' },
  );
}

/** Key and certificate in one file, for all servers of a run. */
function makePem() {
  const file = path.join(OUT, 'server.pem');
  const key = path.join(OUT, 'server.key');
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const { status, stderr } = spawnSync(
    'openssl',
    [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'],
      ...['-days', '30', '-keyout', key, '-out', file, ...subject],
    ],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(`openssl: ${stderr}`);
  fs.appendFileSync(file, fs.readFileSync(key));
  return file;
}

let pem;

/** Seconds of processor time that a process has had, all its threads together. */
function cpuSeconds(pid) {
  const fields = fs.readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1].split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const pinned = (cpu, command, args) => ['taskset', ['-c', cpu, command, ...args]];

function lines(child) {
  return readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]();
}

function loadArguments(p, port) {
  const { mode, size, type, flight, connections, topics, every, warm, measure } = p;
  // What comes back of a sink is a byte, what goes to a source, too.
  const sent = mode === 'source' ? 1 : size;
  const pace = ['sink', 'source', 'roundtrip'].includes(mode) ? 'echo' : mode;
  const values = {
    port,
    mode: pace,
    size: sent,
    flight,
    connections,
    topics,
    every,
    warm,
    measure,
  };
  const flags = {
    tls: p.tls,
    text: type !== 'binary' || p.socketio,
    deflate: p.deflate,
    socketio: p.socketio,
  };
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return [
    ...given.flatMap(([name, value]) => [`--${name}`, String(value)]),
    ...Object.entries(flags).flatMap(([name, on]) => (on ? [`--${name}`] : [])),
  ];
}

async function memoryOf(server, answers) {
  server.stdin.write('\n');
  return Number((await answers.next()).value);
}

/** @returns {Promise<any>} what the case's metric reads */
async function underLoad(p, server, answers, load) {
  const output = lines(load);
  const next = async () => {
    const { value, done } = await output.next();
    if (done) throw new Error('the load gave up');
    return value;
  };
  const before = p.mode === 'hold' ? await memoryOf(server, answers) : 0;
  load.stdin.write('\n');
  await next(); // ready
  await next(); // begin
  const cpu = cpuSeconds(server.pid);
  const result = JSON.parse(await next());
  const used = cpuSeconds(server.pid) - cpu;
  const after = p.mode === 'hold' ? await memoryOf(server, answers) : 0;
  return {
    ...result,
    messages: p.mode === 'open' ? result.opened : result.messages,
    cpuSeconds: used,
    mainSeconds: NaN,
    // Of the other side, as where clients are measured.
    serverSeconds: result.clientCpuSeconds,
    bytesPerConnection: (after - before) / p.connections,
    rss: after,
  };
}

/**
 * One measurement, in fresh processes.
 * @returns {Promise<any>} `error` where it failed
 */
async function runServer(name, p, env) {
  pem ??= makePem();
  // A round trip is an echo whose latency is of interest.
  const mode = p.mode === 'roundtrip' ? 'echo' : p.mode;
  const parameters = JSON.stringify({ ...p, mode, pem: p.tls ? pem : undefined });
  const gc = p.mode === 'hold' ? ['--expose-gc'] : [];
  const { processors: shared } = p;
  const server = spawn(
    ...pinned(shared ?? SERVER_CPU, process.execPath, [...gc, MAIN, name, parameters]),
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    },
  );
  let words = '';
  server.stderr.setEncoding('utf8').on('data', (text) => (words += text));
  const gone = once(server, 'exit');
  const answers = lines(server);
  let load;
  const timer = setTimeout(() => server.kill('SIGKILL'), LONGEST_MS);
  try {
    const { value: port } = await answers.next();
    if (port === undefined) throw new Error(words.trim().split('\n')[0] ?? 'it did not start');
    const program = path.join(OUT, 'load');
    load = spawn(...pinned(shared ?? LOAD_CPU, program, loadArguments(p, port)), {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    return await underLoad(p, server, answers, load);
  } catch (error) {
    return { error: `${name}: ${error.message}` };
  } finally {
    clearTimeout(timer);
    server.kill('SIGKILL');
    load?.kill('SIGKILL');
    await gone;
  }
}

module.exports = { runServer, installPeers, hasUws };
