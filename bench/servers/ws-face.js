'use strict';

// What a server does with the messages, over ws's face: ws itself, and this library in its place.

const http = require('node:http');
const path = require('node:path');
const { OUT } = require('../harness/build');

/** Each socket gets what those send that asked for the same path. */
function byPath(server) {
  if (server.publish) {
    server.on('connection', (socket, { url }) => {
      socket.subscribe(url);
      socket.on('message', (data, isBinary) => server.publish(url, data, { binary: isBinary }));
    });
    return;
  }
  const members = new Map();
  server.on('connection', (socket, { url }) => {
    if (!members.has(url)) members.set(url, new Set());
    members.get(url).add(socket);
    socket.on('message', (data, isBinary) => {
      for (const member of members.get(url)) member.send(data, { binary: isBinary });
    });
  });
}

/** socket.io over a server of this class: an event goes to the room that all are in. */
async function serveSocketIo(WebSocketServer) {
  const { Server } = require(path.join(OUT, 'peers', 'node_modules', 'socket.io'));
  const listening = http.createServer();
  const io = new Server(listening, {
    wsEngine: WebSocketServer,
    transports: ['websocket'],
    pingInterval: 3_600_000,
  });
  io.on('connection', (socket) => {
    socket.join('all');
    socket.on('m', (text) => io.to('all').emit('m', text));
  });
  await new Promise((resolve) => {
    listening.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve);
  });
  return listening.address().port;
}

/** What a message is answered with. */
const ANSWERS = {
  /** Itself. */
  echo: (socket, data, isBinary) => socket.send(data, { binary: isBinary }),
  /** A byte: the client measures how fast it can send. */
  sink: (socket) => socket.send('.'),
};

function answer(server, { mode, size, topic }) {
  if (mode === 'source') {
    const payload = Buffer.alloc(size, 'x');
    return (socket) => socket.send(payload);
  }
  if (mode === 'broadcast' && topic && server.publish) {
    server.on('connection', (socket) => socket.subscribe(topic));
    return (_, data, isBinary) => server.publish(topic, data, { binary: isBinary });
  }
  if (mode === 'broadcast') {
    return (_, data, isBinary) => {
      for (const client of server.clients) client.send(data, { binary: isBinary });
    };
  }
  return ANSWERS[mode] ?? (() => undefined);
}

const DEFLATE = { serverNoContextTakeover: true, clientNoContextTakeover: true, threshold: 0 };

/**
 * Starts a server.
 * @param {{ WebSocketServer: any, https?: any }} library with `https`: it has no TLS of its own
 * @param {any} p parameters of the case
 * @returns {Promise<number>} its port
 */
async function serve({ WebSocketServer, https }, p) {
  if (p.socketio) return serveSocketIo(WebSocketServer);
  const options = {
    perMessageDeflate: p.deflate ? DEFLATE : false,
    // Nobody closes politely here.
    closeTimeout: 1000,
    ...p.options,
  };
  let listening;
  if (p.http || (p.tls && https)) {
    listening = p.tls ? https.createServer(p.tls) : http.createServer();
    options.server = listening;
    listening.listen({ port: 0, host: '127.0.0.1', backlog: 4096 });
  } else {
    Object.assign(options, { port: 0, host: '127.0.0.1', backlog: 4096 }, p.tls);
  }
  const server = new WebSocketServer(options);
  server.on('connection', (socket) => socket.on('error', () => undefined));
  if (p.topics) byPath(server);
  else {
    const reply = answer(server, p);
    server.on('connection', (socket) => {
      socket.on('message', (data, isBinary) => reply(socket, data, isBinary));
    });
  }
  if (!(listening ?? server).address()) {
    await new Promise((resolve) => (listening ?? server).once('listening', resolve));
  }
  return server.address().port;
}

module.exports = { serve };
