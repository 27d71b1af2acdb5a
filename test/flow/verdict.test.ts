/** A certificate waits for JavaScript's verdict, which is busy with something else: nobody else works meanwhile. */
import { strict as assert } from 'node:assert';
import { certificates } from '../support/certificates';
import { Child } from '../support/child';
import { RawServer } from '../support/raw-server';

/** Connects, and blocks its thread until a line comes on its input. */
const client = `
  const fs = require('node:fs');
  lib.configure({ service: args.service });
  const socket = new lib.WebSocket(args.url, { ca: args.ca, checkServerIdentity: () => undefined });
  socket.on('error', (error) => fs.writeSync(1, error.message + '\\n'));
  socket.on('open', () => { fs.writeSync(1, 'open\\n'); process.exit(); });
  setTimeout(() => {
    fs.readSync(0, Buffer.alloc(1));
    const before = process.cpuUsage();
    const start = performance.now();
    fs.writeSync(1, 'blocked\\n');
    fs.readSync(0, Buffer.alloc(1));
    const { user, system } = process.cpuUsage(before);
    fs.writeSync(1, (user + system) / 1000 / (performance.now() - start) + '\\n');
  });
`;

describe('a certificate that waits for a verdict', () => {
  for (const service of ['thread', 'adaptive']) {
    it(`${service}: costs no processor, whatever the server sends meanwhile`, async () => {
      let connected = (): void => {};
      const handshake = new Promise<void>((resolve) => (connected = resolve));
      const server = await RawServer.listen(
        async (connection) => {
          // TLS 1.3: the server's session tickets lie in the socket from here on.
          connected();
          await connection.accept();
          await connection.readToEnd();
        },
        { tls: true },
      );
      const { ca } = certificates();
      const args = { url: server.url, ca: String(ca), service };
      const child = new Child(client, { args });
      try {
        await handshake;
        child.write('\n');
        assert.equal(await child.line(), 'blocked');
        await new Promise((resolve) => setTimeout(resolve, 300));
        child.write('\n');
        const share = Number(await child.line());
        assert.ok(share < 0.1, `${share} of the time`);
        assert.equal(await child.line(), 'open');
      } finally {
        child.kill();
        await server.close();
      }
    });
  }
});
