/** What a server says of itself and of what it was told: options, events, answers. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, type Socket } from 'node:net';
import { WebSocketServer, type ServerOptions } from '../../lib';
import { exchange, upgradeRequest, WAYS } from './support/ways';

const REQUEST = upgradeRequest();

describe('a server', () => {
  for (const [way, make] of Object.entries(WAYS)) {
    it(`writes all that it is given in UTF-8, and no character becomes a line's end: ${way}`, async () => {
      const words = 'caf\u00e9 \u010d\u010aX: y';
      const running = await make({
        verifyClient: ({ req }, callback) => {
          if (req.url === '/no') callback(false, 403, words);
          else callback(true);
        },
      });
      running.server.on('headers', (lines: string[]) => lines.push(`X-Words: ${words}`));
      try {
        const refused = await exchange(running.connect(), upgradeRequest({}, 'GET /no HTTP/1.1'));
        const text = Buffer.from(refused, 'latin1').toString();
        assert.ok(text.endsWith(`Content-Length: ${Buffer.byteLength(words)}\r\n\r\n${words}`));
        const socket: Socket = running.connect();
        socket.on('error', () => undefined);
        socket.write(REQUEST);
        const [answer] = (await once(socket, 'data')) as [Buffer];
        assert.ok(answer.toString().includes(`\r\nX-Words: ${words}\r\n`), answer.toString());
        socket.destroy();
      } finally {
        await running.close();
      }
    });
  }

  const WRONG: readonly [string, ServerOptions][] = [
    ['heartbeat.interval', { heartbeat: { interval: -1 } }],
    ['zlibDeflateOptions.level', { perMessageDeflate: { zlibDeflateOptions: { level: 99 } } }],
    ['zlibDeflateOptions.memLevel', { perMessageDeflate: { zlibDeflateOptions: { memLevel: 0 } } }],
  ];
  for (const [name, options] of WRONG) {
    it(`refuses a wrong ${name} when it is made`, () => {
      assert.throws(() => new WebSocketServer({ noServer: true, ...options }), new RegExp(name));
    });
  }

  it('emits the error of a port that is taken, and can be closed then', async () => {
    const first = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    const { port } = first.address() as AddressInfo;
    const second = new WebSocketServer({ port, host: '127.0.0.1' });
    const [error] = (await once(second, 'error')) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'EADDRINUSE');
    await new Promise((resolve) => second.close(resolve));
    await new Promise((resolve) => first.close(resolve));
    assert.equal(first.address(), null);
    const problem = await new Promise((resolve) => first.close(resolve));
    assert.match(String(problem), /not running/);
  });
});
