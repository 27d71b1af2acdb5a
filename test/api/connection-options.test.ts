/** Options of connections, given to create(), against real servers. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, connect as dial, type AddressInfo, type Socket } from 'node:net';
import { send } from '../../lib';
import { Attempt } from '../support/attempt';
import * as frames from '../support/frames';
import { RawServer, type Script } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';

async function withServer(
  test: (server: WsServer) => Promise<void>,
  ws: object = {},
): Promise<void> {
  const server = await startWsServer({ ws });
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

async function withRaw(script: Script, test: (server: RawServer) => Promise<void>): Promise<void> {
  const server = await RawServer.listen(script);
  try {
    await test(server);
  } finally {
    await server.close();
  }
}

/** An HTTP proxy that makes tunnels, and what it was asked. */
async function withProxy(
  test: (url: string, requests: string[]) => Promise<void>,
  answer = '200 OK',
): Promise<void> {
  const requests: string[] = [];
  const sockets = new Set<Socket>();
  const proxy = createServer((client) => {
    sockets.add(client);
    client.on('error', () => {});
    client.once('data', (data: Buffer) => {
      const request = data.toString('latin1');
      requests.push(request);
      const [, host = '', port = ''] = /^CONNECT ([^ ]*):(\d+) /.exec(request) ?? [];
      if (!answer.startsWith('200')) {
        client.end(`HTTP/1.1 ${answer}\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const upstream = dial(Number(port), host, () => {
        client.write(`HTTP/1.1 ${answer}\r\n\r\n`);
        upstream.pipe(client).pipe(upstream);
      });
      sockets.add(upstream);
      upstream.on('error', () => client.destroy());
    });
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  try {
    await test(`http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, requests);
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.close();
    await once(proxy, 'close');
  }
}

const ids = (attempt: Attempt): number[] => attempt.events.map(({ id }) => id);

describe('options of create()', () => {
  it('perMessageDeflate: offered on request, and used', () =>
    withServer(
      async (server) => {
        const plain = new Attempt(server.url).connect();
        await plain.established();
        assert.equal(plain.wso.extensions, '');
        await plain.finish();

        const attempt = new Attempt(server.url, { perMessageDeflate: { threshold: 0 } }).connect();
        await attempt.established();
        assert.match(attempt.wso.extensions, /^permessage-deflate/);
        const message = 'compressible '.repeat(1000);
        send(attempt.wso, message);
        assert.equal((await attempt.seen(8)).args[0], message);
        const { stats } = attempt.wso;
        assert.ok(stats);
        assert.ok(stats.wireBytesSent < message.length / 10, String(stats.wireBytesSent));
        assert.ok(stats.wireBytesReceived < message.length / 10, String(stats.wireBytesReceived));
        await attempt.finish();
      },
      { perMessageDeflate: true },
    ));

  it('maxPayload: a larger message ends the connection with 1009', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url, { maxPayload: 10 }).connect();
      await attempt.established();
      const { socket } = await server.nextConnection();
      const closed = once(socket, 'close');
      socket.send('0123456789');
      socket.send('0123456789x');
      await attempt.seen(4);
      assert.deepEqual(ids(attempt), [3, 8, 4]);
      assert.equal((await closed)[0], 1009);
      assert.equal(attempt.wso.error?.closeCode, 1009);
    }));

  it('handshakeTimeout: a server that says nothing', () =>
    withRaw(
      () => {},
      async (server) => {
        const failure = await new Attempt(server.url, { handshakeTimeout: 50 }).connect().failure();
        assert.equal(failure.code, 'ERR_HANDSHAKE_TIMEOUT');
      },
    ));

  it('closeTimeout: a server that does not answer the Close frame', () =>
    withRaw(
      async (connection) => {
        await connection.accept();
      },
      async (server) => {
        const attempt = new Attempt(server.url, { closeTimeout: 50 }).connect();
        await attempt.established();
        await attempt.finish();
        assert.equal(attempt.wso.closeCode, 1006);
      },
    ));

  it('heartbeat: a server that is alive stays, one that is not is given up', async () => {
    await withServer(async (server) => {
      const attempt = new Attempt(server.url, {
        heartbeat: { interval: 20, timeout: 5000 },
      }).connect();
      await attempt.established();
      assert.equal(attempt.wso.stats?.roundTripTime, -1);
      const { socket } = await server.nextConnection();
      for (let i = 0; i < 3; i++) await once(socket, 'ping');
      assert.ok((attempt.wso.stats?.roundTripTime ?? -1) >= 0);
      assert.deepEqual(ids(attempt), [3]);
      await attempt.finish();
    });
    await withRaw(
      async (connection) => {
        await connection.accept();
      },
      async (server) => {
        const attempt = new Attempt(server.url, {
          heartbeat: { interval: 20, timeout: 20 },
        }).connect();
        await attempt.seen(4);
        assert.equal(attempt.wso.closeCode, 1006);
      },
    );
  });

  it('autoPong: pings are answered, or not', async () => {
    for (const autoPong of [true, false]) {
      await withRaw(
        async (connection) => {
          await connection.accept();
          connection.write(Buffer.concat([frames.ping('are you there'), frames.close(1000)]));
          const seen = await connection.readFrames(true);
          assert.deepEqual(
            seen.map(({ opcode }) => opcode),
            autoPong ? [frames.Opcode.Pong, frames.Opcode.Close] : [frames.Opcode.Close],
          );
          connection.end();
        },
        async (server) => {
          const attempt = new Attempt(server.url, { autoPong }).connect();
          await attempt.seen(4);
        },
      );
    }
  });

  it('skipUTF8Validation: invalid text ends the connection, or not', async () => {
    for (const skipUTF8Validation of [false, true]) {
      await withRaw(
        async (connection) => {
          await connection.accept();
          connection.write(Buffer.concat([frames.text(Buffer.from([0xff])), frames.close(1000)]));
          await connection.readFrames(true);
          connection.end();
        },
        async (server) => {
          const attempt = new Attempt(server.url, { skipUTF8Validation }).connect();
          await attempt.seen(4);
          const texts = attempt.events.filter(({ id }) => id === 8).map(({ args }) => args[0]);
          assert.deepEqual(texts, skipUTF8Validation ? ['\ufffd'] : []);
          assert.equal(attempt.wso.error?.closeCode, skipUTF8Validation ? undefined : 1007);
        },
      );
    }
  });

  it('localAddress and family', () =>
    withServer(async (server) => {
      const attempt = new Attempt(server.url, { localAddress: '127.0.0.1', family: 4 }).connect();
      await attempt.established();
      const { request } = await server.nextConnection();
      assert.equal(request.socket.remoteAddress, '127.0.0.1');
      await attempt.finish();
      const failure = await new Attempt(server.url, { family: 6 }).connect().failure();
      assert.match(failure.code, /^E/);
    }));

  it('proxy: through an HTTP tunnel, with credentials and headers', () =>
    withServer((server) =>
      withProxy(async (url, requests) => {
        const proxy = { url: url.replace('//', '//user:pass@'), headers: { 'X-Via': 'test' } };
        const attempt = new Attempt(server.url, { proxy }).connect();
        await attempt.established();
        send(attempt.wso, 'through');
        assert.deepEqual((await attempt.seen(8)).args, ['through']);
        await attempt.finish();
        const [request = ''] = requests;
        assert.ok(request.startsWith(`CONNECT localhost:${server.port} HTTP/1.1\r\n`), request);
        assert.match(request, /\r\nX-Via: test\r\n/);
        const credentials = Buffer.from('user:pass').toString('base64');
        assert.ok(request.includes(`\r\nProxy-Authorization: Basic ${credentials}\r\n`), request);
      }),
    ));

  it('proxy: one that refuses', async () => {
    for (const [answer, code] of [
      ['403 Forbidden', 'ERR_PROXY_REFUSED'],
      ['407 Proxy Authentication Required', 'ERR_PROXY_AUTH_REQUIRED'],
    ] as const) {
      await withProxy(async (proxy) => {
        const failure = await new Attempt('ws://host.example/', { proxy }).connect().failure();
        assert.equal(failure.reason, 'HS: Server did not return 200');
        assert.equal(failure.code, code);
        assert.equal(failure.status, Number(answer.slice(0, 3)));
      }, answer);
    }
  });

  it('protocols: the one the server chose', () =>
    withServer(
      async (server) => {
        const attempt = new Attempt(server.url, { protocols: ['one', 'two'] }).connect();
        await attempt.established();
        assert.equal(attempt.wso.protocol, 'two');
        await attempt.finish();
        assert.equal(attempt.wso.protocol, 'two');
      },
      { handleProtocols: () => 'two' },
    ));
});
