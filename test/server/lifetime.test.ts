/** A server and its clients that end at any time, in any order. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type ServerOptions, type WebSocket } from '../../lib';
import { runChild } from '../support/child';
import { makeLocalPath } from '../support/local-path';
import { exchange, upgradeRequest } from './support/ways';

const REQUEST = upgradeRequest();

describe('the life of a server', () => {
  let server: WebSocketServer;
  const sockets: Socket[] = [];

  function start(options: ServerOptions = {}): number {
    server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
    return (server.address() as AddressInfo).port;
  }

  function dial(port: number, bytes: string): Socket {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(bytes);
    sockets.push(socket);
    return socket;
  }

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    for (const one of server.clients) one.terminate();
    await new Promise((resolve) => server.close(resolve));
  });

  it('does not accept a client that has ended its side before verifyClient answers', async () => {
    let accepted = 0;
    let answer: ((verified: boolean) => void) | undefined;
    let request: IncomingMessage | undefined;
    const asked = new Promise<void>((resolve) => {
      start({
        verifyClient: (info, callback) => {
          request = info.req;
          answer = callback;
          resolve();
        },
      });
    });
    server.on('connection', () => (accepted += 1));
    const client = dial((server.address() as AddressInfo).port, REQUEST);
    await asked;
    const { socket } = request as IncomingMessage;
    const ended = once(socket, 'end');
    client.end();
    await ended;
    const closed = once(socket, 'close');
    answer?.(true);
    await closed;
    assert.equal(accepted, 0);
  });

  it('lets verifyClient answer when the client has gone', async () => {
    let accepted = 0;
    const decided = new Promise<void>((resolve) => {
      start({
        verifyClient: ({ req }, callback) => {
          req.socket.once('close', () => {
            callback(true);
            resolve();
          });
          sockets[0]?.resetAndDestroy();
        },
      });
    });
    server.on('connection', () => (accepted += 1));
    dial((server.address() as AddressInfo).port, REQUEST);
    await decided;
    assert.equal(accepted, 0);
    assert.equal(server.stats.connections, 0);
  });

  it('ends the WebSocket when its request’s socket is destroyed', async () => {
    const port = start();
    dial(port, REQUEST);
    const [socket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage];
    const closed = once(socket, 'close');
    request.socket.destroy();
    assert.equal((await closed)[0], 1006);
  });

  it('closes the request’s socket when the WebSocket has ended', async () => {
    const port = start();
    dial(port, REQUEST);
    const [socket, request] = (await once(server, 'connection')) as [WebSocket, IncomingMessage];
    const closed = once(request.socket, 'close');
    socket.terminate();
    await closed;
  });

  it('sends what a listener has written before it destroyed the socket', async () => {
    const port = start();
    server.on('wsClientError', (_: Error, socket: Duplex) => {
      socket.write('HTTP/1.1 418 Teapot\r\n\r\n');
      socket.destroy();
    });
    const request = upgradeRequest({ 'Sec-WebSocket-Version': '12' });
    assert.equal(
      await exchange(connect(port, '127.0.0.1'), request),
      'HTTP/1.1 418 Teapot\r\n\r\n',
    );
  });

  for (const open of [0, 1]) {
    it(`answers 503 to a request that comes whole after close(), with ${open} open sockets`, async () => {
      const port = start();
      if (open > 0) {
        dial(port, REQUEST);
        await once(server, 'connection');
      }
      const late = connect(port, '127.0.0.1');
      await once(late, 'connect');
      late.write(REQUEST.slice(0, 30));
      // Accepted, when a client that came later is.
      dial(port, REQUEST);
      const [after] = (await once(server, 'connection')) as [WebSocket];
      if (open === 0) {
        after.terminate();
        await once(after, 'close');
      }
      server.close();
      assert.match(await exchange(late, REQUEST.slice(30)), /^HTTP\/1.1 503 /);
    });
  }

  it('removes the path of a Unix socket, or frees a pipe, so that it can listen there again', async () => {
    const { path, remove } = makeLocalPath();
    try {
      for (let i = 0; i < 2; ++i) {
        server = new WebSocketServer({ port: path });
        await once(server, 'listening');
        assert.equal(server.address(), path);
        const client = connect(path);
        client.write(REQUEST);
        const [socket] = (await once(server, 'connection')) as [WebSocket];
        const closed = once(socket, 'close');
        client.destroy();
        await closed;
        await new Promise((resolve) => server.close(resolve));
        assert.equal(existsSync(path), false);
      }
    } finally {
      remove();
    }
  });
});

describe('a process with a server', () => {
  for (const service of ['thread', 'loop', 'adaptive']) {
    it(`lets a process exit, and a worker end, at any stage (service: ${service})`, async function () {
      this.timeout(30_000);
      const result = await runChild(
        `const { Worker, isMainThread, workerData } = require('node:worker_threads');
        const net = require('node:net');
        const source = ${'`'}
          const { workerData, parentPort } = require('node:worker_threads');
          const lib = require(workerData.libraryPath);
          lib.configure({ service: workerData.service });
          const server = new lib.WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => {
            parentPort.postMessage('asked'); return true; } });
          server.on('connection', () => parentPort.postMessage('open'));
          parentPort.postMessage(server.address().port);
        ${'`'};
        (async () => {
          for (const stage of ['listening', 'head', 'asked', 'open']) {
            const worker = new Worker(source, { eval: true, workerData: { libraryPath, service: args.service } });
            const port = await new Promise((resolve) => worker.once('message', resolve));
            const client = net.connect(port, '127.0.0.1');
            client.on('error', () => {});
            await new Promise((resolve) => client.once('connect', resolve));
            if (stage === 'head') client.write(args.request.slice(0, 30));
            if (stage === 'asked' || stage === 'open') {
              client.write(args.request);
              await new Promise((resolve) => worker.on('message', (m) => m === stage && resolve()));
            }
            await worker.terminate();
            client.destroy();
          }
          lib.configure({ service: args.service });
          const server = new lib.WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => process.exit(7) });
          net.connect(server.address().port, '127.0.0.1').write(args.request);
        })();`,
        { args: { service, request: REQUEST }, timeout: 25_000 },
      );
      assert.deepEqual([result.code, result.signal, result.stderr], [7, null, '']);
    });
  }
});
