'use strict';

// One of the web platform's tests in the place of a page: run.js starts it.

const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');
const lib = require('../..');

const { Response, TextDecoder } = globalThis;

const [wpt, name, variant, ports] = process.argv.slice(2);
const file = path.join(wpt, 'websockets', name);
const substitutes = { host: 'localhost' };
for (const [scheme, port] of Object.entries(JSON.parse(ports)))
  substitutes[`ports[${scheme}][0]`] = port;

const define = (key, value) =>
  Object.defineProperty(globalThis, key, { value, writable: true, configurable: true });
define('WebSocket', lib.StandardWebSocket);
define('WebSocketStream', lib.WebSocketStream);
define('WebSocketError', lib.WebSocketStreamError);
for (const key of ['CloseEvent', 'MessageEvent', 'ErrorEvent']) define(key, lib[key]);
define('Window', Object.getPrototypeOf(globalThis).constructor);
define('location', new URL(`http://localhost:8000/websockets/${name}${variant}`));
define('self', globalThis);
define('window', globalThis);
// What tests ask their own server for: files, and a place to leave words in, where nobody does.
define('fetch', async (url) => {
  const { pathname } = new URL(url, globalThis.location);
  if (pathname.endsWith('.py')) return new Response('null');
  return new Response(read(path.join(wpt, pathname)));
});

function read(from) {
  const bytes = fs.readFileSync(from);
  const encoding = /<meta charset=["']?([\w-]+)/.exec(bytes.toString('latin1'))?.[1] ?? 'utf-8';
  const text = new TextDecoder(encoding).decode(bytes);
  if (!from.includes('.sub.')) return text;
  return text.replace(/\{\{([^}]*)\}\}/g, (_, key) => substitutes[key] ?? '0');
}

function end(results) {
  fs.writeSync(1, `#RESULT#${JSON.stringify(results)}\n`);
  process.exit(0);
}

function load(reference) {
  if (reference.includes('testharnessreport')) return;
  const where = reference.replace('/resources/WebIDLParser', '/resources/webidl2/lib/webidl2');
  const from = where.startsWith('/') ? path.join(wpt, where) : path.resolve(file, '..', where);
  vm.runInThisContext(read(from), { filename: from });
  if (!reference.endsWith('/testharness.js')) return;
  globalThis.add_completion_callback((tests, status) => {
    const results = tests.map((one) => [
      one.name,
      one.status === 0 ? '' : (one.message ?? 'failed'),
    ]);
    if (status.status !== 0) results.push(['(the file)', status.message ?? 'failed']);
    end(results);
  });
}

const problems = [];
for (const type of ['uncaughtException', 'unhandledRejection'])
  process.on(type, (error) => problems.push(String(error?.message ?? error)));
setTimeout(() => end([['(the file)', `timeout ${problems.join(' ')}`]]), 25_000);

const source = read(file);
if (file.endsWith('.js')) {
  load('/resources/testharness.js');
  for (const match of source.matchAll(/META: script=(.*)/g)) load(match[1].trim());
  vm.runInThisContext(source, { filename: file });
} else {
  const scripts = /<script(?:[^>]*?src=["']?([^"'\s>]+)["']?)?[^>]*>([\s\S]*?)<\/script>/g;
  for (const [, reference, text] of source.matchAll(scripts)) {
    if (reference) load(reference);
    else vm.runInThisContext(text, { filename: file });
  }
}
