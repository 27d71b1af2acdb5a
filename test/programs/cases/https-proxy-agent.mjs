// https-proxy-agent: a client of ws through a proxy
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { HttpsProxyAgent } from 'https-proxy-agent';
import WebSocket from 'ws';
import { done, event, listen, wsServer } from './support.mjs';

const { url } = await wsServer((socket) => socket.send('hello'));
let tunnels = 0;
const proxy = createServer().on('connect', ({ url: target }, socket) => {
  tunnels += 1;
  const [host, port] = target.split(':');
  const other = connect(port, host, () => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    socket.pipe(other).pipe(socket);
  });
});
const agent = new HttpsProxyAgent(`http://127.0.0.1:${await listen(proxy)}`);
const socket = new WebSocket(url, { agent });
assert.equal(String(await event(socket, 'message')), 'hello');
assert.equal(tunnels, 1);
done();
