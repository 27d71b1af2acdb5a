/** The documentation's example, as `npm run demo` runs it. */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { root } from '../support/root';

describe('the demo', () => {
  it('has the conversation of the documentation, and exits with 0', async () => {
    const demo = join(root, 'examples', 'demo.js');
    // Rejects for any other exit code.
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [demo], {
      timeout: 9000,
    });
    assert.equal(stderr, '');
    const lines = stdout.split('\n').slice(0, -1);
    assert.match(lines.shift() ?? '', /^Connecting to wss:\/\/localhost:\d+\/$/);
    // The server is another process, which prints when it likes.
    const server = lines.filter((line) => line.startsWith('[server]'));
    assert.deepEqual(server, ['[server] The certificate of "example client" is in order']);
    assert.deepEqual(
      lines.filter((line) => !server.includes(line)),
      [
        'Connected',
        'Sent: Hello world!',
        'Received: Hello world!',
        'Sent: Hello again!',
        'Received: Hello again!',
        'Connection closed',
      ],
    );
  });
});
