/** A listening socket that goes from one process to the next: nobody who connects notices. */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { WebSocket, WebSocketServer } from '../../lib';
import { root } from '../support/root';

const run = promisify(execFile);

describe('a listening socket that is handed over', () => {
  it('loses no attempt to connect: 600 of them, two hand-overs', async () => {
    const script = join(root, 'test', 'handover', 'run.js');
    const { stdout } = await run(process.execPath, [script, '600', '2', '2']);
    const result = JSON.parse(stdout) as Record<string, number> & { accepted: number[] };
    const { attempts, failed, handovers, terminated, accepted } = result;
    assert.ok(attempts >= 600, stdout);
    assert.deepEqual([failed, handovers, terminated], [0, 2, 0]);
    assert.equal(accepted.length, 3);
    assert.equal(
      accepted.reduce((sum, one) => sum + one, 0),
      attempts,
    );
    // Each had a share.
    for (const one of accepted) assert.ok(one > 0, accepted.join(' '));
  }).timeout(60_000);

  it('is known by `fd` while the server listens itself', async () => {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    const { fd } = server;
    assert.ok(typeof fd === 'number' && fd > 2);
    // In one process, too: two servers on one socket.
    const other = new WebSocketServer({ fd });
    await once(other, 'listening');
    assert.deepEqual(other.address(), server.address());
    const closed = once(server, 'close');
    server.close();
    await closed;
    assert.equal(server.fd, undefined);
    const { port } = other.address() as { port: number };
    const client = await WebSocket.connect(`ws://127.0.0.1:${port}`);
    const ended = once(client, 'close');
    await other.drain({ spread: 0 });
    assert.equal((await ended)[0], 1001);
    assert.equal(new WebSocketServer({ noServer: true }).fd, undefined);
  });

  it('leaves the path of a Unix socket to who has it now', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vws-'));
    const path = join(folder, 's');
    try {
      const server = new WebSocketServer({ port: path });
      await once(server, 'listening');
      const other = new WebSocketServer({ fd: server.fd as number });
      await new Promise((resolve) => server.close(resolve));
      assert.ok(existsSync(path));
      const client = await WebSocket.connect(`ws+unix://${path}:/`);
      client.terminate();
      await new Promise((resolve) => other.close(resolve));
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
