'use strict';

// Pages by Express, and WebSockets on the same port, behind the same middleware. Needs Express: npm install express
//
//   node examples/express-server.js          tries it and ends
//   node examples/express-server.js 8080     serves on that port until it is told to stop

const express = require('express');
const { WebSocket, WebSocketServer } = require('verawebsockets');

const [port] = process.argv.slice(2);
const app = express();

/** Middleware like any other: it takes part in requests and in upgrades. */
function identify(request, response, next) {
  request.user = request.headers['x-user'] ?? 'nobody';
  next();
}
app.use(identify);
app.get('/', (request, response) => response.send(`hello ${request.user}\n`));

const web = app.listen(port ?? 0, '127.0.0.1');
const server = new WebSocketServer({ noServer: true });

web.on('upgrade', (request, socket, head) => {
  const { pathname } = new URL(request.url, 'http://localhost');
  if (pathname !== '/chat') {
    socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
    return;
  }
  // There is no response to write to: middleware that ends the request has to be asked another way.
  identify(request, undefined, () => {
    server.handleUpgrade(request, socket, head, (client) => {
      server.emit('connection', client, request);
    });
  });
});

server.on('connection', (socket, request) => {
  socket.on('error', (error) => console.error(error.message));
  socket.on('message', (data) => {
    for (const client of server.clients) client.send(`${request.user}: ${data}`);
  });
});

web.on('listening', () => {
  const url = `127.0.0.1:${web.address().port}`;
  if (port === undefined) attempt(url);
  else console.log(`listening at http://${url} and ws://${url}/chat`);
});

async function attempt(url) {
  const headers = { 'X-User': 'Ann' };
  const page = await fetch(`http://${url}/`, { headers });
  console.log(`the page: ${(await page.text()).trim()}`);
  await WebSocket.connect(`ws://${url}/elsewhere`).catch((error) => console.log(error.message));
  const socket = await WebSocket.connect(`ws://${url}/chat`, { headers });
  socket.send('good morning');
  socket.on('message', (data) => {
    console.log(`heard: ${data}`);
    socket.close(1000);
  });
  socket.on('close', () => {
    server.close();
    web.close(() => console.log('the server has closed'));
    web.closeAllConnections();
  });
}
