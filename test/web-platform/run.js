'use strict';

// Runs the web platform's tests of WebSockets against StandardWebSocket and WebSocketStream, with the servers that
// belong to those tests. docs/web-platform-tests.md has the result.
//
//   node test/web-platform/run.js WPT [FILTER]
//
// WPT: a checkout of web-platform-tests/wpt. Needs Python 3, and what `npm run build` and the tests have built.

const fs = require('node:fs');
const path = require('node:path');
const { spawn } = require('node:child_process');
const { connect } = require('node:net');
const { certificates } = require('../../build/test/support/certificates');

const PORTS = { ws: 8666, wss: 8667 };
const TIME_LIMIT = 60_000;

/** Why a file is not run; undefined: it is. */
function reasonToSkip(file, source) {
  if (/cookies\//.test(file)) return 'cookies, which only a browser keeps';
  const places =
    /back-forward-cache|unload-a-document|multi-globals|remove-own-iframe|mixed-content|security\/|on-worker|\.worker\.js$|keeping-connection/;
  const page = /iframe|createElement|document\.|XMLHttpRequest|EventSource/;
  const needsPage = page.test(source) && !file.includes('idlharness');
  return places.test(file) || needsPage ? 'pages, frames and workers' : undefined;
}

function filesBelow(folder) {
  return fs.readdirSync(folder, { recursive: true }).filter((name) => {
    return (
      /(\.any\.js|\.html|\.window\.js|\.worker\.js)$/.test(name) &&
      !/(^|\/)(support|resources|handlers)\//.test(name)
    );
  });
}

/** Every test with every variant, and how many are left out why. */
function plan(root) {
  const tests = [];
  const skipped = {};
  for (const file of filesBelow(root)) {
    const source = fs.readFileSync(path.join(root, file), 'utf8');
    const variants = [
      ...source.matchAll(/(?:META: variant=|name="?variant"? content=")([^"\n]*)/g),
    ].map((match) => match[1]);
    for (const variant of variants.length > 0 ? variants : ['']) {
      const reason = variant.includes('h2') ? 'HTTP/2' : reasonToSkip(file, source);
      if (reason) skipped[reason] = (skipped[reason] ?? 0) + 1;
      else tests.push([file, variant]);
    }
  }
  return { tests, skipped };
}

/** One of pywebsocket3's servers, once it listens. */
async function serve(wpt, port, tls) {
  const tools = path.join(wpt, 'tools');
  const args = ['-m', 'pywebsocket3.standalone', '-p', String(port), '-H', '127.0.0.1'];
  args.push('-d', path.join(wpt, 'websockets', 'handlers'), '-q', '256', '--log-level=error');
  if (tls) args.push('-t', '-k', tls.keyPath, '-c', tls.certPath);
  const PYTHONPATH = [path.join(tools, 'third_party', 'pywebsocket3'), tools].join(path.delimiter);
  const child = spawn('python3', args, { env: { ...process.env, PYTHONPATH }, stdio: 'ignore' });
  for (;;) {
    if (child.exitCode !== null) throw new Error(`pywebsocket3 does not listen on port ${port}`);
    const listens = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true));
      socket.on('error', () => setTimeout(resolve, 50, false)).on('connect', () => socket.end());
    });
    if (listens) return child;
  }
}

/** Runs a test in a process of its own. Resolves with its subtests, [name, problem]. */
function run(wpt, file, variant, caPath) {
  return new Promise((resolve) => {
    const script = path.join(__dirname, 'page.js');
    const child = spawn(process.execPath, [script, wpt, file, variant, JSON.stringify(PORTS)], {
      env: { ...process.env, NODE_EXTRA_CA_CERTS: caPath },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    const timer = setTimeout(() => child.kill('SIGKILL'), TIME_LIMIT);
    child.on('close', () => {
      clearTimeout(timer);
      const line = output.split('\n').find((one) => one.startsWith('#RESULT#'));
      resolve(line ? JSON.parse(line.slice(8)) : [['(the file)', 'it did not end']]);
    });
  });
}

async function main([given, filter = '']) {
  if (!given) throw new Error('which checkout of web-platform-tests?');
  const wpt = path.resolve(given);
  const { server, caPath } = certificates();
  const { tests, skipped } = plan(path.join(wpt, 'websockets'));
  const wanted = tests.filter(([file, variant]) => (file + variant).includes(filter));
  const counts = { variants: wanted.length, clean: 0, passed: 0, failed: 0 };
  const servers = [await serve(wpt, PORTS.ws), await serve(wpt, PORTS.wss, server)];
  try {
    const next = wanted[Symbol.iterator]();
    const work = async () => {
      for (const [file, variant] of next) {
        const results = await run(wpt, file, variant, caPath);
        const bad = results.filter(([, problem]) => problem);
        counts.failed += bad.length;
        counts.passed += results.length - bad.length;
        if (bad.length === 0) counts.clean++;
        for (const [name, problem] of bad) console.log(`${file}${variant}: ${name}: ${problem}`);
      }
    };
    await Promise.all([work(), work()]);
  } finally {
    for (const child of servers) child.kill();
  }
  console.log(JSON.stringify({ ...counts, skipped }, undefined, 2));
}

main(process.argv.slice(2)).catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
