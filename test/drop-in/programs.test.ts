/** Small programs that use `verawebsockets/ws` as they would use ws, in processes of their own. */
import { strict as assert } from 'node:assert';
import { Project } from './project';

/** A server and a client of it; prints what they say to each other. */
const PROGRAM = `
const server = new WebSocketServer({ port: 0 });
server.on('connection', (socket) => {
  console.log(socket instanceof WebSocket, [...server.clients][0] === socket);
  socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on('close', () => server.close(() => console.log('ended')));
});
server.on('listening', () => {
  const client = new WebSocket('ws://127.0.0.1:' + server.address().port);
  client.on('open', () => client.send('hello'));
  client.on('message', (data) => {
    console.log(String(data));
    client.close();
  });
});
`;

const PRINTED = 'true true\nhello\nended\n';

describe('verawebsockets/ws: programs', () => {
  let project: Project;
  beforeEach(() => (project = new Project()));
  afterEach(() => project.remove());

  async function expectProgram(file: string, heading: string): Promise<void> {
    project.write(file, `${heading}\n${PROGRAM}`);
    assert.deepEqual(await project.run([file]), { code: 0, stdout: PRINTED, stderr: '' });
  }

  it('with require', () =>
    expectProgram(
      'app.cjs',
      `const WebSocket = require('verawebsockets/ws');
      const { Server: WebSocketServer } = WebSocket;`,
    ));

  it('with import, default and named', () =>
    expectProgram('app.mjs', `import WebSocket, { WebSocketServer } from 'verawebsockets/ws';`));
});
