/** The recipes of docs/deploying.md do what they say, as printed but for their ports. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket, WebSocketServer } from '../../lib';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { libraryPath, root } from '../support/root';

const snippets = [
  ...readFileSync(join(root, 'docs/deploying.md'), 'utf8').matchAll(/```js\n([^]*?)```/g),
].map(([, text]) => text as string);

/** The recipe that has these words, for a process in which `verawebsockets` is this package. */
function recipe(words: string, port: number): string {
  const [text, ...others] = snippets.filter((one) => one.includes(words));
  assert.ok(text !== undefined && others.length === 0, words);
  return text.replace("require('verawebsockets')", 'lib').replace(/\b8080\b/g, String(port));
}

describe('docs/deploying.md', () => {
  it('a server that is told to end tells its clients, answers 503 and ends', async () => {
    const port = await freePort('::');
    const { stdout } = await expectExit(
      `${recipe('closeIdleConnections', port)}
      const status = () => new Promise((resolve) => {
        http.get({ port: ${port}, agent: false }, (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode));
        });
      });
      (async () => {
        await new Promise((resolve) => web.once('listening', resolve));
        const client = new lib.WebSocket('ws://localhost:${port}');
        await new Promise((resolve) => client.once('message', resolve));
        console.log(await status());
        // It is heard of before the Close frame is answered.
        client.pause();
        process.kill(process.pid, 'SIGTERM');
        while (server.address() !== null) await new Promise(setImmediate);
        console.log(await status());
        const late = new lib.WebSocket('ws://localhost:${port}');
        await new Promise((resolve) => late.once('error', ({ message }) => resolve(console.log(message))));
        client.on('close', (code) => console.log('client:', code));
        client.resume();
      })();`,
    );
    assert.deepEqual(stdout.split('\n').slice(0, -1).sort(), [
      '200',
      '503',
      'Unexpected server response: 503',
      'client: 1012',
      'closed 1, left 0, cut off 0',
    ]);
  });

  /** A recipe as a program, in a folder that goes. */
  async function withProgram(text: string, use: (file: string) => Promise<void>): Promise<void> {
    const folder = mkdtempSync(join(tmpdir(), 'vws-'));
    const file = join(folder, 'server.js');
    writeFileSync(file, text.replace('= lib', `= require(${JSON.stringify(libraryPath)})`));
    try {
      await use(file);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it('a server on a socket of systemd’s', async () => {
    const own = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(own, 'listening');
    const { port } = own.address() as { port: number };
    await withProgram(recipe("name === 'feed'", 1), async (file) => {
      // As systemd starts it: the socket is the descriptor 3.
      const start = 'LISTEN_PID=$$ LISTEN_FDS=1 LISTEN_FDNAMES=feed exec "$0" "$@"';
      const child = spawn('/bin/sh', ['-c', start, process.execPath, file], {
        stdio: ['ignore', 'inherit', 'inherit', own.fd],
      });
      try {
        const ended = once(child, 'exit');
        await new Promise((resolve) => own.close(resolve));
        // Who comes before it listens waits in the socket.
        const client = new WebSocket(`ws://127.0.0.1:${port}`);
        assert.equal(String((await once(client, 'message'))[0]), 'welcome');
        const closed = once(client, 'close');
        child.kill();
        assert.equal((await closed)[0], 1001);
        assert.deepEqual(await ended, [0, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });
  });

  it('a server that starts its successor', async () => {
    const port = await freePort('::');
    await withProgram(recipe("'--inherit'", port), async (file) => {
      const stdio = ['ignore', 'inherit', 'inherit', 'ipc'] as const;
      const first = spawn(process.execPath, [file], { stdio: [...stdio] });
      let successor: number | undefined;
      try {
        const ended = once(first, 'exit');
        await once(first, 'message');
        const welcome = async (): Promise<[WebSocket, number]> => {
          const socket = new WebSocket(`ws://localhost:${port}`);
          const [data] = (await once(socket, 'message')) as [Buffer];
          return [socket, Number(data.toString().replace('welcome to ', ''))];
        };
        const [socket, pid] = await welcome();
        assert.equal(pid, first.pid);
        const closed = once(socket, 'close');
        first.kill('SIGUSR2');
        assert.equal((await closed)[0], 1001);
        assert.deepEqual(await ended, [0, null]);
        let other: WebSocket;
        [other, successor] = await welcome();
        assert.notEqual(successor, pid);
        other.terminate();
      } finally {
        first.kill('SIGKILL');
        if (successor !== undefined) process.kill(successor, 'SIGKILL');
      }
    });
  });

  it('has no other recipes', () => {
    assert.equal(snippets.length, 3);
  });
});
