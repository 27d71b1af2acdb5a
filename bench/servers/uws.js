'use strict';

// uWebSockets.js, as its own examples have it.

const fs = require('node:fs');
const path = require('node:path');
const { OUT } = require('../harness/build');

const uws = require(path.join(OUT, 'peers', 'node_modules', '@trufflesuite', 'uws-js-unofficial'));

/** Each socket to the topic that its path names. */
const byPath = (app) => ({
  upgrade: (response, request, context) => {
    const [key, protocol, extensions] = ['key', 'protocol', 'extensions'].map((name) =>
      request.getHeader(`sec-websocket-${name}`),
    );
    response.upgrade({ topic: request.getUrl() }, key, protocol, extensions, context);
  },
  open: (socket) => socket.subscribe(socket.topic),
  message: (socket, data, isBinary) => app.publish(socket.topic, data, isBinary),
});

function handler(app, { mode, size, topics }) {
  if (topics) return byPath(app);
  const payload = Buffer.alloc(size, 'x');
  const topic = 'all';
  const handlers = {
    echo: { message: (socket, data, isBinary) => socket.send(data, isBinary, true) },
    sink: { message: (socket) => socket.send('.') },
    source: { message: (socket) => socket.send(payload, true) },
    broadcast: {
      open: (socket) => socket.subscribe(topic),
      message: (socket, data, isBinary) => app.publish(topic, data, isBinary),
    },
  };
  return handlers[mode] ?? {};
}

/** It reads certificates from files. */
function tlsFiles({ key, cert }) {
  const files = { key_file_name: key, cert_file_name: cert };
  for (const [name, pem] of Object.entries(files)) {
    files[name] = path.join(OUT, `uws-${process.pid}-${name}.pem`);
    fs.writeFileSync(files[name], pem);
  }
  return files;
}

module.exports = async (p) => {
  const files = p.tls && tlsFiles(p.tls);
  const app = files ? uws.SSLApp(files) : uws.App();
  app.ws('/*', {
    compression: p.deflate ? uws.SHARED_COMPRESSOR : uws.DISABLED,
    maxPayloadLength: 64 * 1024 * 1024,
    maxBackpressure: 64 * 1024 * 1024,
    idleTimeout: 0,
    ...handler(app, p),
  });
  const token = await new Promise((resolve) => app.listen('127.0.0.1', 0, resolve));
  for (const file of Object.values(files || {})) fs.rmSync(file);
  return uws.us_socket_local_port(token);
};
