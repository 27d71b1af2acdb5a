// npm run test:browsers: real browsers, without a window, talk to this library's servers: plain, over
// TLS, with compression, through Node's servers, and, in Chromium, over HTTP/2. Not part of the other
// tests: it installs Chromium and Firefox.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocketServer } from '../../dist/index.mjs';
import prepare from '../../scripts/prepare.js';
import { COUNT, messageOf } from './page.mjs';

const LONGEST_MS = 180_000;
const HERE = import.meta.dirname;
const DEFLATE = /^permessage-deflate/;

const openssl = (...args) => execFileSync('openssl', args, { stdio: 'ignore' });

/** A certificate for 127.0.0.1, and the authority that has signed it. */
function certificate(folder) {
  const file = (name) => join(folder, name);
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];
  openssl(
    ...['req', '-x509', ...curve, '-subj', '/CN=authority'],
    ...['-keyout', file('ca.key'), '-out', file('ca.pem')],
  );
  openssl(
    ...['req', '-x509', ...curve, '-subj', '/CN=127.0.0.1'],
    ...['-CA', file('ca.pem'), '-CAkey', file('ca.key')],
    ...['-addext', 'subjectAltName=IP:127.0.0.1', '-addext', 'basicConstraints=critical,CA:FALSE'],
    ...['-keyout', file('key.pem'), '-out', file('cert.pem')],
  );
  const read = (name) => readFileSync(file(name));
  const identity = { key: read('key.pem'), cert: read('cert.pem') };
  return { identity, authority: file('ca.pem') };
}

/** What the server has seen of a browser, in the order of its sockets. */
const seen = [];

function serve(server) {
  server.on('connection', (socket, request) => {
    if (request.url === '/echo') {
      socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
      socket.on('close', (code, reason) => seen.push({ code, reason: String(reason) }));
      return;
    }
    for (let i = 0; i < COUNT; ++i) {
      const message = messageOf(i);
      socket.send(message, { binary: typeof message !== 'string' });
    }
    socket.close(4001, 'no more');
  });
  return server;
}

/** Answers the page's requests. Resolves with the results. */
function pages(urls) {
  let tell;
  const results = new Promise((resolve) => (tell = resolve));
  const answer = (request, response) => {
    const name = request.url.slice(1) || 'page.html';
    if (name === 'results') {
      let text = '';
      request.setEncoding('utf8').on('data', (part) => (text += part));
      request.on('end', () => {
        response.end();
        tell(JSON.parse(text));
      });
    } else if (name === 'urls') response.end(JSON.stringify({ urls }));
    else if (['page.html', 'page.mjs'].includes(name)) {
      const type = name.endsWith('mjs') ? 'text/javascript' : 'text/html';
      response.setHeader('content-type', type);
      response.end(readFileSync(join(HERE, name)));
    } else {
      response.statusCode = 404;
      response.end();
    }
  };
  return { answer, results };
}

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};

const CHROMIUM =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-sync ' +
  '--disable-background-networking --disable-component-update --ignore-certificate-errors';

const BROWSERS = {
  chromium: {
    http2: true,
    command: (url, folder) => [
      'chromium',
      [...CHROMIUM.split(' '), `--user-data-dir=${folder}`, url],
    ],
  },
  firefox: {
    http2: false,
    command(url, folder, authority) {
      const store = ['-d', `sql:${folder}`];
      execFileSync('certutil', ['-N', ...store, '--empty-password']);
      execFileSync('certutil', ['-A', ...store, '-n', 'test', '-t', 'C,,', '-i', authority]);
      // A page over TLS may talk to servers without it here.
      const prefs = 'user_pref("network.websocket.allowInsecureFromHTTPS", true);';
      writeFileSync(join(folder, 'user.js'), prefs);
      return ['firefox-esr', ['--headless', '--no-remote', '--profile', folder, url]];
    },
  },
};

/** Every way in, by name. */
async function makeServers(tls) {
  const deflate = { perMessageDeflate: true };
  const own = { port: 0, host: '127.0.0.1' };
  const servers = {
    plain: serve(new WebSocketServer(own)),
    deflate: serve(new WebSocketServer({ ...own, ...deflate })),
    tls: serve(new WebSocketServer({ ...own, ...tls })),
    'tls-deflate': serve(new WebSocketServer({ ...own, ...tls, ...deflate })),
  };
  const urls = {};
  for (const [name, server] of Object.entries(servers)) {
    if (!server.address()) await once(server, 'listening');
    urls[name] = `${name.startsWith('tls') ? 'wss' : 'ws'}://127.0.0.1:${server.address().port}`;
  }
  const nodes = { http: http.createServer(), https: https.createServer(tls) };
  for (const [name, server] of Object.entries(nodes)) {
    serve(new WebSocketServer({ server, ...deflate }));
    urls[name] = `${name === 'https' ? 'wss' : 'ws'}://127.0.0.1:${await listen(server)}`;
  }
  return urls;
}

function check(name, { error, echo, source }) {
  assert.equal(error, undefined, `${name}: ${error}`);
  const { extensions, ...rest } = echo;
  const compressed = !['plain', 'tls'].includes(name);
  assert.equal(DEFLATE.test(extensions), compressed, `${name}: extensions "${extensions}"`);
  const end = { code: 3001, reason: 'enough', wasClean: true };
  assert.deepEqual(rest, { protocol: 'first', ...end }, name);
  const served = { received: COUNT, code: 4001, reason: 'no more', wasClean: true };
  assert.deepEqual(source, served, name);
  assert.deepEqual(seen.shift(), { code: 3001, reason: 'enough' }, name);
}

async function run(name, { command, http2: overHttp2 }, { identity, authority }, urls) {
  const folder = mkdtempSync(join(tmpdir(), `vws-${name}-`));
  const all = { ...urls };
  const page = pages(all);
  let server;
  if (overHttp2) {
    // Chromium takes the page's own connection for sockets to the same origin.
    const settings = { enableConnectProtocol: true };
    server = http2.createSecureServer({ ...identity, settings }, page.answer);
    serve(new WebSocketServer({ server, perMessageDeflate: true }));
  } else server = https.createServer(identity, page.answer);
  const port = await listen(server);
  let streams = 0;
  server.on('stream', (_, headers) => (streams += headers[':protocol'] === 'websocket' ? 1 : 0));
  if (overHttp2) all.http2 = `wss://127.0.0.1:${port}`;
  const browser = spawn(...command(`https://127.0.0.1:${port}/`, folder, authority), {
    stdio: 'ignore',
  });
  const timer = setTimeout(() => browser.kill('SIGKILL'), LONGEST_MS);
  const gone = once(browser, 'exit').then(() => undefined);
  try {
    const results = await Promise.race([page.results, gone]);
    assert.ok(results, `${name} ended, or took longer than ${LONGEST_MS} ms`);
    let failed = 0;
    for (const way of Object.keys(all)) {
      try {
        check(way, results[way]);
        console.log(`  ✔ ${name}: ${way}, ${COUNT} messages each way, close codes both ways`);
      } catch (error) {
        failed += 1;
        console.log(`  ✘ ${name}: ${way}: ${error.message}`);
      }
    }
    if (overHttp2) assert.equal(streams, 2, 'the sockets did not go over HTTP/2');
    return { passed: Object.keys(all).length - failed, failed };
  } finally {
    clearTimeout(timer);
    browser.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    server.close();
  }
}

prepare.prepare(['browsers']);
const folder = mkdtempSync(join(tmpdir(), 'vws-certificate-'));
const tls = certificate(folder);
const urls = await makeServers(tls.identity);
const sum = { passed: 0, failed: 0 };
const wanted = process.argv.slice(2);
for (const [name, browser] of Object.entries(BROWSERS)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const { passed, failed } = await run(name, browser, tls, urls);
  sum.passed += passed;
  sum.failed += failed;
}
rmSync(folder, { recursive: true });
console.log(`browsers: ${sum.passed} passed, ${sum.failed} failed`);
process.exit(sum.failed > 0 ? 1 : 0);
