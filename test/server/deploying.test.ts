/** The recipes of docs/deploying.md do what they say, as printed but for their ports. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { root } from '../support/root';

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

  it('has no other recipes', () => {
    assert.equal(snippets.length, 1);
  });
});
