/** What a message's callback says that could not be sent any more: ws's words for what it was doing. */
import { strict as assert } from 'node:assert';
import { startWsServer, type WsServer } from '../support/ws-server';
import { closed, endSockets, open, opening } from './support/sockets';
import type { ClientOptions, WebSocket } from '../../lib';

describe('WebSocket: messages that are not sent', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer({ ws: { perMessageDeflate: true } })));
  after(() => server.close());
  afterEach(endSockets);

  /** The words for each message. */
  async function words(
    options: ClientOptions,
    send: (socket: WebSocket, callback: (error?: Error) => void) => void,
  ): Promise<unknown[]> {
    const socket = await opening(open(server.url, options));
    const told: unknown[] = [];
    send(socket, (error) => {
      told.push((error as { code?: string }).code, error?.message, socket.readyState);
    });
    socket.terminate();
    await closed(socket);
    return told;
  }

  it('since a Blob is still being read, it or one before it', async () => {
    const blob = 'The socket was closed while the blob was being read';
    const told = await words({}, (socket, callback) => {
      socket.send(new Blob(['foo']), callback);
      socket.send('bar');
      socket.send('baz', callback);
    });
    assert.deepEqual(told, ['ERR_NOT_SENT', blob, 2, 'ERR_NOT_SENT', blob, 2]);
  });

  it('and would be compressed', async () => {
    const compressed = 'The socket was closed while data was being compressed';
    const plain = 'the connection was closed before the message was sent';
    const options = { perMessageDeflate: { threshold: 0 } };
    const told = await words(options, (socket, callback) => {
      socket.send('foo', callback);
      socket.send('bar', { compress: false }, callback);
      socket.ping('baz', true, callback);
    });
    assert.deepEqual(
      told.filter((_, index) => index % 3 === 1),
      [compressed, plain, plain],
    );
  });

  it('and would not be', async () => {
    const told = await words({ perMessageDeflate: false }, (socket, callback) =>
      socket.send('foo', callback),
    );
    assert.deepEqual(told, [
      'ERR_NOT_SENT',
      'the connection was closed before the message was sent',
      2,
    ]);
  });
});
