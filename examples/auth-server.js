'use strict';

// Authentication at the upgrade: who asks is looked up before the handshake is answered, and only then there is a
// WebSocket. Pages of other origins are refused.
//
//   node examples/auth-server.js          tries it and ends
//   node examples/auth-server.js 8080     serves on that port until it is told to stop

const { createServer } = require('node:http');
const { WebSocket, WebSocketServer } = require('verawebsockets');

/** A database of sessions, say. */
const sessions = new Map([['s3cr3t', { name: 'Ann' }]]);
const findUser = async (session) => sessions.get(session);

function sessionOf(request) {
  const [, session] = /(?:^|; )session=([^;]*)/.exec(request.headers.cookie ?? '') ?? [];
  return session;
}

const [port] = process.argv.slice(2);
const web = createServer((request, response) => response.end('log in here\n'));
const server = new WebSocketServer({ noServer: true, origins: ['https://example.com'] });

web.on('upgrade', (request, socket, head) => {
  // The client may go while its user is looked up.
  const onError = () => socket.destroy();
  socket.on('error', onError);
  findUser(sessionOf(request)).then(
    (user) => {
      socket.removeListener('error', onError);
      if (user === undefined) {
        socket.end('HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
        return;
      }
      server.handleUpgrade(request, socket, head, (client) => {
        server.emit('connection', client, request, user);
      });
    },
    (error) => {
      console.error(error);
      socket.end('HTTP/1.1 500 Internal Server Error\r\nConnection: close\r\n\r\n');
    },
  );
});
server.on('connection', (socket, request, user) => {
  socket.on('error', (error) => console.error(error.message));
  socket.send(`hello ${user.name}`);
});

web.listen(port ?? 0, '127.0.0.1', () => {
  const url = `ws://127.0.0.1:${web.address().port}`;
  if (port === undefined) attempt(url);
  else console.log(`listening at ${url}`);
});

async function attempt(url) {
  const origin = 'https://example.com';
  const cookie = (session) => ({ headers: { Cookie: `session=${session}` } });
  const refused = (error) => console.log(error.message);
  await WebSocket.connect(url, { origin }).catch(refused);
  await WebSocket.connect(url, { origin, ...cookie('guessed') }).catch(refused);
  await WebSocket.connect(url, { origin: 'https://evil.example', ...cookie('s3cr3t') }).catch(
    refused,
  );
  const socket = await WebSocket.connect(url, { origin, ...cookie('s3cr3t') });
  socket.on('message', (data) => {
    console.log(`heard: ${data}`);
    socket.close(1000);
  });
  socket.on('close', () => {
    server.close();
    web.close(() => console.log('the server has closed'));
  });
}
