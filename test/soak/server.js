'use strict';

// The servers of the soak: they send back what they get, and end as they are told to. Told "report" by
// its parent, it says what it holds; told "stop", it ends.

const fs = require('node:fs');
const http = require('node:http');
const https = require('node:https');
const { WebSocketServer } = require('../..');

const ORDER = /^(close|terminate) (\d+)$/;
const counts = { opened: 0, closed: 0, received: 0, sent: 0, errors: 0 };

function serve(server) {
  server.on('connection', (socket) => {
    counts.opened += 1;
    socket.on('message', (data, isBinary) => {
      const order = isBinary ? null : ORDER.exec(data.toString());
      if (order) {
        if (order[1] === 'close') socket.close(Number(order[2]), 'as told');
        else socket.terminate();
        return;
      }
      counts.received += 1;
      socket.send(data, { binary: isBinary }, (error) => {
        if (!error) counts.sent += 1;
      });
    });
    socket.on('error', () => (counts.errors += 1));
    socket.on('close', () => (counts.closed += 1));
  });
  return server;
}

function report() {
  global.gc();
  return {
    ...counts,
    rss: process.memoryUsage.rss(),
    descriptors: fs.readdirSync('/proc/self/fd').length,
  };
}

const listening = (server) => new Promise((resolve) => server.once('listening', resolve));

async function main() {
  const [cert, key] = process.argv.slice(2).map((file) => fs.readFileSync(file));
  const own = { port: 0, host: '127.0.0.1' };
  const deflate = { perMessageDeflate: true };
  const node = {
    http: http.createServer().listen(0, '127.0.0.1'),
    https: https.createServer({ cert, key }).listen(0, '127.0.0.1'),
  };
  const servers = {
    ws: serve(new WebSocketServer(own)),
    'ws deflate': serve(new WebSocketServer({ ...own, ...deflate })),
    wss: serve(new WebSocketServer({ ...own, cert, key })),
    'ws http': serve(new WebSocketServer({ server: node.http, ...deflate })),
    'wss https': serve(new WebSocketServer({ server: node.https })),
  };
  await Promise.all(Object.values(servers).map(listening));
  const urls = Object.entries(servers).map(
    ([name, server]) => `${name.split(' ')[0]}://127.0.0.1:${server.address().port}`,
  );
  process.send({ urls, before: report() });
  process.on('message', (word) => {
    if (word === 'report') process.send(report());
    else process.exit();
  });
}

main();
