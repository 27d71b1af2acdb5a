/** Every example runs, says what it should, and ends by itself. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../support/root';

const EXAMPLES: Record<string, RegExp> = {
  reconnect:
    /^lost; attempt 1 in \d+ ms\n(lost; attempt 1 in \d+ ms\n|back after 1 attempt\(s\)\n)+echo of a message that waits\nclosed with 1000\n$/,
  heartbeat: /^open\nclosed with 1006, in time\n$/,
  proxy: /^connected through a proxy; tunnels made by our own: 1\nreceived: hello\n$/,
  iteration:
    /^message 50\nmessage 100\nmessage 150\nmessage 200\n200 messages, then the server closed\n$/,
  abort: /^gave up: TimeoutError\ngave up: the user pressed "cancel"\nconnected in time\n$/,
  observe:
    /^open, permessage-deflate.*\n(pong, 0 bytes\n)?10000 characters came back; sent: 1 message\n10000 bytes, compressed: true\nround trip measured: true\nclosed with 1000, clean\n$/,
  'echo-server': /^came back: hello\nclosed with 1000\nthe server has closed\n$/,
  'chat-server':
    /^Ann hears "Bob has joined"\nAnn hears "Bob: hello"\nUnexpected server response: 401\nAnn hears "Bob has left"\nall gone\n$/,
  'auth-server':
    /^(Unexpected server response: 401\n){2}Unexpected server response: 403\nheard: hello Ann\nthe server has closed\n$/,
  'tls-server':
    /^heard: hello .+, over TLSv1\.3\na client without a certificate does not get in\nthe server has closed\n$/,
  'graceful-server':
    /^SIGTERM: 3 clients\nAnn: 1001 restarting\nBob: 1001 restarting\nclosed: 2, left by themselves: 0, cut off: 1\n$/,
  drain: /^64000 KiB arrived; waited: true; never more than 512 KiB queued: true\n$/,
};

/** They need packages that are not installed here: test/programs/cases/examples.mjs runs them. */
const WITH_PACKAGES = ['express-server', 'fastify-server'];

describe('examples', () => {
  it('there are no others; the demo has a test of its own', () => {
    const programs = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.js'));
    const tested = [...Object.keys(EXAMPLES), ...WITH_PACKAGES, 'demo'].map((name) => `${name}.js`);
    assert.deepEqual(programs.sort(), tested.sort());
  });

  for (const [name, expected] of Object.entries(EXAMPLES)) {
    it(`examples/${name}.js`, () => {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(root, 'examples', `${name}.js`)],
        {
          encoding: 'utf8',
          timeout: 15_000,
        },
      );
      assert.equal(stderr, '');
      assert.match(stdout, expected);
      assert.equal(status, 0);
    }).timeout(20_000);
  }
});
