'use strict';

// Starts server.js and nginx in a folder of their own, connects through nginx, and ends both. Needs nginx.
//
//   npm run example:nginx

const { spawn } = require('node:child_process');
const fs = require('node:fs');
const { createServer } = require('node:net');
const os = require('node:os');
const path = require('node:path');
const { once } = require('node:events');
const { WebSocket } = require('verawebsockets');

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'behind-nginx-'));
  fs.chmodSync(folder, 0o755); // nginx has another user
  const port = await freePort();
  const configuration = fs
    .readFileSync(path.join(__dirname, 'nginx.conf'), 'utf8')
    .replace('127.0.0.1:8080', `127.0.0.1:${port}`)
    .replace('unix:feed.sock', `unix:${path.join(folder, 'feed.sock')}`);
  fs.writeFileSync(path.join(folder, 'nginx.conf'), configuration);
  const program = path.join(__dirname, 'server.js');
  const stdio = ['ignore', 'pipe', 'inherit'];
  const server = spawn(process.execPath, [program, path.join(folder, 'feed.sock')], { stdio });
  const children = [server];
  try {
    await once(server.stdout, 'data');
    const nginx = spawn('nginx', ['-p', folder, '-c', 'nginx.conf'], { stdio });
    children.push(nginx);
    await once(nginx, 'spawn');
    // nginx does not say when it listens.
    const socket = new WebSocket(`ws://127.0.0.1:${port}/feed?x`, {
      headers: { 'X-Forwarded-For': '192.0.2.1' }, // which nobody believes
      reconnect: { min: 20, factor: 1, attempts: 250 },
    });
    const [greeting] = await once(socket, 'message');
    console.log(`heard: ${greeting}`);
    socket.send('hello');
    const [echo] = await once(socket, 'message');
    console.log(`came back: ${echo}`);
    socket.close(1000);
    const [code] = await once(socket, 'close');
    console.log(`closed with ${code}`);
  } finally {
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
