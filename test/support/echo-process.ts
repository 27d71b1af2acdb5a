/**
 * The program of an echo server in a process of its own (npm ws). Prints its port; checks that messages "n" of each
 * connection come once and in order; answers the line "report" with what it has seen.
 */
import { type AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

function main(): void {
  const http = createServer();
  const wss = new WebSocketServer({ server: http });
  let connections = 0;
  let messages = 0;
  let wrong = 0;
  wss.on('connection', (socket) => {
    connections++;
    let next = 0;
    socket.on('error', () => {});
    socket.on('message', (data, isBinary) => {
      messages++;
      if (Number((data as Buffer).toString()) !== next++) wrong++;
      socket.send(data, { binary: isBinary });
    });
  });
  process.stdin.setEncoding('utf8').on('data', () => {
    console.log(JSON.stringify({ connections, messages, wrong, open: wss.clients.size }));
    connections = messages = wrong = 0;
  });
  process.stdin.on('end', () => process.exit(0));
  http.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, () =>
    console.log((http.address() as AddressInfo).port),
  );
}

if (require.main === module) main();

/** For new Child(): runs this file's program. */
export const echoProgram = `process.argv[1] = ${JSON.stringify(__filename)}; require('node:module').runMain();`;
