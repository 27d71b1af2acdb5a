/** completeUpgrade(), the second half of handleUpgrade(): what subclasses see of it, and what it does, as in ws. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import * as http2 from 'node:http2';
import type { IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Duplex, PassThrough } from 'node:stream';
import * as ws from 'ws';
import { WebSocket, WebSocketServer } from '../../lib';
import { exchange, head, KEY, upgradeRequest, WAYS } from './support/ways';

type Complete = WebSocketServer['completeUpgrade'];
type Arguments = Parameters<Complete>;

const OFFERS = {
  'Sec-WebSocket-Protocol': 'a, b',
  'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits=10',
};

/** What a server was given, as far as it is the same with ws. */
function given([extensions, key, protocols, request, socket, early, callback]: Arguments): object {
  const { params } = extensions['permessage-deflate'] ?? {};
  return {
    names: Object.keys(extensions),
    params: { ...params },
    key,
    protocols: [...protocols],
    url: request.url,
    isDuplex: socket instanceof Duplex,
    early: early.length,
    callback: typeof callback,
  };
}

async function ofWs(request: string): Promise<object> {
  const server = new ws.WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: true });
  const proto = server as unknown as { completeUpgrade: Complete };
  const original = proto.completeUpgrade;
  let seen: object = {};
  proto.completeUpgrade = function (...args) {
    seen = given(args);
    original.apply(this, args);
  };
  await once(server, 'listening');
  const { connect } = await import('node:net');
  await head(connect((server.address() as AddressInfo).port, '127.0.0.1'), request);
  for (const socket of server.clients) socket.terminate();
  await new Promise((resolve) => server.close(resolve));
  return seen;
}

/** A request of Node's for a socket that is made here. */
function requestOf(headers: Record<string, string> = {}): IncomingMessage {
  return { method: 'GET', url: '/', headers, socket: new PassThrough() } as never;
}

/** A socket of which the test sees what is written to it. */
class Seen extends Duplex {
  text = '';
  override _read(): void {
    // Nothing comes.
  }
  override _write(chunk: Buffer, _: BufferEncoding, callback: () => void): void {
    this.text += chunk.toString('latin1');
    callback();
  }
}

const NONE = Buffer.alloc(0);

describe('completeUpgrade()', () => {
  for (const [way, make] of Object.entries(WAYS)) {
    it(`of a subclass is asked, with what ws gives it, and can go on later: ${way}`, async () => {
      const request = upgradeRequest(OFFERS, 'GET /feed HTTP/1.1');
      const seen: object[] = [];
      const running = await make({ perMessageDeflate: true });
      const { server } = running;
      server.completeUpgrade = function (...args) {
        seen.push(given(args));
        setImmediate(() => WebSocketServer.prototype.completeUpgrade.apply(this, args));
      };
      const connected = once(server, 'connection') as Promise<[WebSocket]>;
      const socket = running.connect();
      try {
        const answer = await head(socket, request);
        const [made] = await connected;
        assert.match(answer, /^HTTP\/1\.1 101 /);
        assert.match(answer, /\r\nSec-WebSocket-Protocol: a\r\n/);
        assert.equal(made.protocol, 'a');
        assert.equal(made.extensions, 'permessage-deflate');
        assert.match(answer, /: permessage-deflate; client_max_window_bits=10\r\n/);
        assert.deepEqual(seen, [await ofWs(request)]);
      } finally {
        await running.close();
      }
    });

    it(`may be refused by a subclass: ${way}`, async () => {
      const running = await make({});
      running.server.completeUpgrade = (_extensions, _key, _protocols, _request, socket) => {
        socket.end('HTTP/1.1 418 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      };
      try {
        const answer = await exchange(running.connect(), upgradeRequest());
        assert.match(answer, /^HTTP\/1\.1 418 /);
      } finally {
        await running.close();
      }
    });

    it(`takes what it is given, not what was asked for: ${way}`, async () => {
      const running = await make({ perMessageDeflate: true });
      running.server.completeUpgrade = function (_extensions, key, _protocols, ...rest) {
        const offered = new Set(['chosen']);
        WebSocketServer.prototype.completeUpgrade.call(this, {}, key, offered, ...rest);
      };
      try {
        const answer = await head(running.connect(), upgradeRequest(OFFERS));
        assert.match(answer, /\r\nSec-WebSocket-Protocol: chosen\r\n/);
        assert.doesNotMatch(answer, /Extensions/);
      } finally {
        await running.close();
      }
    });
  }

  it('is the way of a WebSocket over HTTP/2, too', async () => {
    const web = http2.createServer();
    class Server extends WebSocketServer {
      keys: string[] = [];
      override completeUpgrade(...args: Arguments): void {
        this.keys.push(args[1]);
        super.completeUpgrade(...args);
      }
    }
    const server = new Server({ server: web });
    web.listen(0, '127.0.0.1');
    await once(web, 'listening');
    const session = http2.connect(`http://127.0.0.1:${(web.address() as AddressInfo).port}`);
    await once(session, 'remoteSettings');
    const connected = once(server, 'connection');
    const stream = session.request({
      ':method': 'CONNECT',
      ':protocol': 'websocket',
      ':path': '/',
      'sec-websocket-version': '13',
    });
    stream.on('error', () => undefined);
    const [answer] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    const [socket] = (await connected) as [WebSocket];
    assert.equal(answer[':status'], 200);
    assert.deepEqual(server.keys, ['']);
    socket.terminate();
    session.destroy();
    await new Promise((resolve) => web.close(resolve));
  });

  it('throws for a socket that is a WebSocket already', async () => {
    const server = new WebSocketServer({ noServer: true });
    const socket = new Seen();
    const complete = (): void => {
      server.completeUpgrade({}, KEY, new Set(), requestOf(), socket, NONE, () => undefined);
    };
    complete();
    assert.throws(complete, {
      name: 'Error',
      message:
        'server.handleUpgrade() was called more than once with the same socket, ' +
        'possibly due to a misconfiguration',
    });
    assert.throws(() => {
      const { server: other } = { server: new WebSocketServer({ noServer: true }) };
      other.completeUpgrade({}, KEY, new Set(), requestOf(), socket, NONE, () => undefined);
    }, /more than once/);
    for (const client of server.clients) client.terminate();
    await once(socket, 'close');
  });

  it('destroys a socket whose client has gone, and tells nobody', async () => {
    const server = new WebSocketServer({ noServer: true });
    const ended = new Seen();
    ended.push(null);
    ended.resume();
    await once(ended, 'end');
    const destroyed = new Seen().destroy();
    for (const socket of [ended, destroyed]) {
      server.completeUpgrade({}, KEY, new Set(), requestOf(), socket, NONE, () => {
        assert.fail('it is a WebSocket');
      });
      assert.ok(socket.destroyed);
      assert.equal(socket.text, '');
    }
    assert.equal(server.clients.size, 0);
  });

  it('answers 503 when the server is closed', async () => {
    const server = new WebSocketServer({ noServer: true });
    await new Promise((resolve) => server.close(resolve));
    const socket = new Seen();
    server.completeUpgrade({}, KEY, new Set(), requestOf(), socket, NONE, () => {
      assert.fail('it is a WebSocket');
    });
    await once(socket, 'close');
    assert.match(socket.text, /^HTTP\/1\.1 503 /);
  });

  it('takes the parameters of an extension from any object that has them, as from ws’s own class', async () => {
    const options = { threshold: 0 };
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: options });
    // @types/ws does not declare it.
    const { PerMessageDeflate } = ws as unknown as {
      PerMessageDeflate: new (options: object) => {
        accept(offers: object[]): void;
        params: Record<string, string | number | boolean>;
      };
    };
    const theirs = new PerMessageDeflate({ isServer: true, ...options });
    theirs.accept([{ server_no_context_takeover: [true], server_max_window_bits: ['9'] }]);
    const socket = new Seen();
    const extensions = { 'permessage-deflate': theirs };
    const made = await new Promise<WebSocket>((resolve) => {
      server.completeUpgrade(extensions, KEY, new Set(), requestOf(), socket, NONE, resolve);
    });
    assert.match(
      socket.text,
      /\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; server_max_window_bits=9\r\n/,
    );
    await new Promise<void>((resolve) => made.send('x'.repeat(2000), () => resolve()));
    assert.ok(made.stats.compressedBytesSent > 0);
    made.terminate();
    await once(socket, 'close');
  });

  it('refuses parameters that no connection can have', () => {
    const server = new WebSocketServer({ noServer: true, perMessageDeflate: true });
    const socket = new Seen();
    const extensions = { 'permessage-deflate': { params: { server_max_window_bits: 99 } } };
    assert.throws(() => {
      server.completeUpgrade(
        extensions,
        KEY,
        new Set(),
        requestOf(),
        socket,
        NONE,
        () => undefined,
      );
    }, /server_max_window_bits/);
    assert.equal(socket.text, '');
    socket.destroy();
  });
});
