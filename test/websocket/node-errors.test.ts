/** Errors of connections that cannot be made: message, code, errno, syscall, hostname, address and port as with ws. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { WebSocket as WsSocket } from 'ws';
import { certificates, type Identity } from '../support/certificates';
import { endSockets, track } from './support/sockets';
import { WebSocket } from '../../lib';

const FIELDS = ['message', 'code', 'errno', 'syscall', 'hostname', 'address', 'port'] as const;

/** Those that Node says; the engine may know more. */
function said(error: Error, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, (error as never)[name]]));
}

async function failureOf(socket: WebSocket | WsSocket): Promise<Error> {
  return new Promise((resolve) => (socket as WsSocket).once('error', resolve));
}

describe('WebSocket: errors in the words of Node', () => {
  afterEach(endSockets);

  async function expectSame(
    url: string,
    options: object,
    names: readonly string[],
  ): Promise<Error> {
    const theirs = await failureOf(new WsSocket(url, options));
    const ours = await failureOf(track(new WebSocket(url, options)));
    assert.deepEqual(said(ours, names), said(theirs, names));
    return ours;
  }

  it('nobody listens', () => expectSame('ws://127.0.0.1:1', {}, FIELDS));
  it('port 0', () => expectSame('ws://127.0.0.1:0', {}, ['code', 'errno', 'syscall', 'address']));
  it('nobody listens, IPv6', () => expectSame('ws://[::1]:1', {}, FIELDS));
  it('no such Unix socket', () => expectSame('ws+unix:/nowhere.sock:/', {}, FIELDS));
  it('no such name', async () => {
    const error = await expectSame('ws://nobody.invalid', {}, FIELDS);
    assert.match((error as Error & { detail: string }).detail, /^getaddrinfo /);
  });

  describe('of a server', () => {
    let server: Server;
    afterEach(() => server.close());

    async function url(scheme: string): Promise<string> {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}`;
    }

    const ENDS: [string, (socket: Socket) => void][] = [
      ['resets', (socket) => socket.resetAndDestroy()],
      ['hangs up', (socket) => socket.end()],
    ];
    for (const [what, end] of ENDS) {
      it(`that ${what}`, async () => {
        server = createServer((socket) => {
          socket.on('error', () => undefined).once('data', () => end(socket));
        });
        await expectSame(await url('ws'), {}, ['message', 'code', 'errno', 'syscall']);
      });
    }

    it('that hangs up within the TLS handshake', async () => {
      server = createServer((socket) => socket.once('data', () => socket.end()));
      await expectSame(await url('wss'), {}, ['message', 'code']);
    });

    for (const name of ['selfSigned', 'expired', 'wrongHost'] as const) {
      it(`with a certificate: ${name}`, async () => {
        const all = certificates();
        const { cert, key } = all[name] as Identity;
        server = createTlsServer({ cert, key }).on('tlsClientError', () => undefined);
        await expectSame(await url('wss'), { ca: all.ca }, ['message', 'code', 'errno', 'syscall']);
      });
    }
  });
});
