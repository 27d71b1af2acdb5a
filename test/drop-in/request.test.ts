/** `verawebsockets/ws`: the request, as ws's own members and options have it. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { ClientRequest, type IncomingMessage } from 'node:http';
import { createConnection, type AddressInfo } from 'node:net';
import WebSocket from '../../lib/ws';
import { RawServer, response } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { endSockets, track } from '../websocket/support/sockets';

describe('verawebsockets/ws: the request', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());
  afterEach(endSockets);

  it('is _req while it is under way', async () => {
    const headers = { Cookie: 'a=b' };
    const socket = track(new WebSocket(server.url, { headers, auth: 'foo:bar' }));
    const request = socket._req;
    assert.ok(request instanceof ClientRequest);
    assert.equal(request.getHeader('cookie'), 'a=b');
    assert.equal(request.getHeader('host'), new URL(server.url).host);
    assert.equal(request.getHeader('authorization'), 'Basic Zm9vOmJhcg==');
    assert.equal(socket._req, request);
    await once(socket, 'open');
    assert.deepEqual([socket._req, socket._redirects], [null, 0]);
  });

  it('is _req over a stream, and what finishRequest gets', () => {
    for (const options of [{}, { createConnection }]) {
      let given: unknown;
      const finishRequest = (request: ClientRequest, socket: WebSocket): void => {
        given = request === socket._req && request;
        request.end();
      };
      const socket = track(new WebSocket(server.url, { ...options, finishRequest }));
      socket.on('error', () => undefined);
      assert.ok(given instanceof ClientRequest);
      assert.equal(given, socket._req);
    }
  });

  it('has been redirected so many times', async () => {
    const redirecting = await RawServer.listen(async (connection) => {
      const request = await connection.readRequest();
      const next = Number(request.path.slice(1)) + 1;
      if (next > 3) connection.write(response(request));
      else
        connection.write(`HTTP/1.1 302 Found\r\nLocation: /${next}\r\nContent-Length: 0\r\n\r\n`);
      await connection.ended;
    });
    try {
      const socket = track(new WebSocket(`${redirecting.url}1`, { followRedirects: true }));
      const seen: unknown[] = [];
      socket.on('redirect', (_url, request) =>
        seen.push([socket._redirects, request === socket._req]),
      );
      await once(socket, 'open');
      assert.deepEqual(
        [seen, socket._redirects],
        [
          [
            [1, true],
            [2, true],
          ],
          2,
        ],
      );
    } finally {
      await endSockets();
      await redirecting.close();
    }
  });

  for (const protocolVersion of [8, 13]) {
    it(`has version ${protocolVersion}, and the origin in the header of that version`, async () => {
      const connection = once(server.wss, 'connection') as Promise<[unknown, IncomingMessage]>;
      const origin = 'https://app.example';
      const socket = track(new WebSocket(server.url, { protocolVersion, origin }));
      const [[, { headers }]] = await Promise.all([connection, once(socket, 'open')]);
      assert.equal(headers['sec-websocket-version'], String(protocolVersion));
      const names = ['origin', 'sec-websocket-origin'];
      const expected = protocolVersion === 8 ? [undefined, origin] : [origin, undefined];
      assert.deepEqual(
        names.map((name) => headers[name]),
        expected,
      );
      const message = once(socket, 'message');
      for (const client of server.wss.clients) client.send('hello');
      assert.equal(String((await message)[0]), 'hello');
    });
  }

  it('gives createConnection the port as the URL has it', async () => {
    const { port } = server.wss.address() as AddressInfo;
    const ports: unknown[] = [];
    for (const url of ['ws://example.test:22/', 'ws://example.test/']) {
      const options = {
        createConnection: (asked: { port: unknown }) => {
          ports.push(asked.port);
          return createConnection({ port, host: '127.0.0.1' });
        },
      };
      const socket = new WebSocket(url, options as WebSocket.ClientOptions);
      await once(track(socket), 'open');
    }
    assert.deepEqual(ports, ['22', 80]);
  });
});
