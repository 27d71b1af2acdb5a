/** `_sender.sendFrame()`: frames that were made before, as socket.io sends one to many. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import WebSocket from '../../lib/ws';
import { startWsServer, type WsServer } from '../support/ws-server';
import { endSockets, message, pair } from './support/sockets';

const { frame } = WebSocket.Sender;

describe('WebSocket: _sender.sendFrame()', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());
  afterEach(endSockets);

  for (const mask of [false, true]) {
    for (const size of [0, 4, 126, 70_000]) {
      it(`sends text and binary, ${size} bytes${mask ? ', masked' : ''}`, async () => {
        const [socket] = await pair(server);
        for (const opcode of [1, 2]) {
          const data = Buffer.alloc(size, 'a');
          const options = { opcode, fin: true, mask, readOnly: true };
          const sent = new Promise((resolve) =>
            socket._sender.sendFrame(frame(data, options), resolve),
          );
          assert.deepEqual(await message(socket), [data, opcode === 2]);
          assert.equal(await sent, undefined);
        }
      });
    }
  }

  it('the same list again is the same message, unless its bytes have changed', async () => {
    const [socket, peer] = await pair(server);
    const [other] = await pair(server);
    const got: string[] = [];
    peer.on('message', (data: Buffer, isBinary) => got.push(`${isBinary} ${data.toString()}`));
    const data = Buffer.from('one');
    const list = frame(data, { opcode: 1, fin: true, readOnly: false });
    for (let i = 0; i < 3; ++i) socket._sender.sendFrame(list);
    data.write('two');
    socket._sender.sendFrame(list);
    other._sender.sendFrame(list);
    (list[0] as Uint8Array)[0] = 0x82;
    socket._sender.sendFrame(list);
    list.push(Buffer.from('more'));
    (list[0] as Uint8Array)[1] = 7;
    socket._sender.sendFrame(list);
    list.pop();
    (list[0] as Uint8Array)[1] = 3;
    socket._sender.sendFrame(list);
    assert.deepEqual(await message(other), [Buffer.from('two'), false]);
    while (got.length < 7) await once(peer, 'message');
    const ones = Array<string>(3).fill('false one');
    assert.deepEqual(got, [...ones, 'false two', 'true two', 'true twomore', 'true two']);
  });

  it('tells its callback of text that is none', async () => {
    const [socket] = await pair(server);
    const list = frame(Buffer.from([0xc3, 0x28]), { opcode: 1, fin: true });
    const error = await new Promise((resolve) => socket._sender.sendFrame(list, resolve));
    assert.equal((error as { code?: string }).code, 'ERR_INVALID_UTF8');
  });

  it('sends a ping and a pong', async () => {
    const [socket, peer] = await pair(server);
    for (const [opcode, name] of [
      [9, 'ping'],
      [10, 'pong'],
    ] as const) {
      const got = once(peer, name);
      socket._sender.sendFrame(frame(Buffer.from('x'), { opcode, fin: true }));
      assert.equal(String((await got)[0]), 'x');
    }
  });

  it('refuses what is no whole frame', async () => {
    const [socket] = await pair(server);
    for (const options of [
      { opcode: 1 },
      { opcode: 1, fin: true, rsv1: true },
      { opcode: 8, fin: true },
    ]) {
      const list = frame(Buffer.alloc(4), options);
      assert.throws(() => socket._sender.sendFrame(list), { code: 'ERR_FEATURE_UNAVAILABLE' });
    }
  });
});
