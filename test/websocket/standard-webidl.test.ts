/** The standard's face to the letter of Web IDL, and what it does where ws does otherwise. */
import { strict as assert } from 'node:assert';
import { closed, endSockets, track } from './support/sockets';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';
import { StandardWebSocket, WebSocket } from '../../lib';

const Any = StandardWebSocket as unknown as new (...args: unknown[]) => StandardWebSocket;

/** The next event of a type. */
function next<E extends Event>(socket: EventTarget, type: string): Promise<E> {
  return new Promise((resolve) =>
    socket.addEventListener(type, (event) => resolve(event as E), { once: true }),
  );
}

describe('StandardWebSocket: Web IDL', () => {
  afterEach(endSockets);

  it('has its members on the prototype, enumerable', () => {
    const { prototype } = StandardWebSocket;
    const names = ['url', 'readyState', 'protocol', 'extensions', 'bufferedAmount', 'binaryType'];
    names.push('onopen', 'onmessage', 'onclose', 'onerror', 'close', 'send', 'OPEN');
    for (const name of names) {
      assert.equal(Object.getOwnPropertyDescriptor(prototype, name)?.enumerable, true, name);
    }
    const socket = track(new StandardWebSocket('ws://127.0.0.1:1'));
    socket.onmessage = () => {};
    assert.deepEqual(Object.keys(socket), []);
  });

  it('counts the arguments that must be given', () => {
    const { length, prototype } = StandardWebSocket;
    assert.deepEqual([length, prototype.send.length, prototype.close.length], [1, 1, 0]);
    assert.throws(() => new Any(), TypeError);
  });

  it('makes strings of subprotocols that are none', () => {
    for (const protocols of [5, true, [1, 2], ['a', null], new String('abc'), new Set(['x'])]) {
      assert.equal(track(new Any('ws://127.0.0.1:1', protocols)).readyState, 0);
    }
  });

  it('refuses subprotocols that differ by case only; the other face takes them, as ws does', () => {
    assert.throws(() => new StandardWebSocket('ws://127.0.0.1:1', ['a', 'A']), {
      name: 'SyntaxError',
    });
    track(new WebSocket('ws://127.0.0.1:1', ['a', 'A'])).on('error', () => {});
  });

  it('makes no string of a symbol', () => {
    assert.throws(() => new Any(Symbol('x')), TypeError);
    assert.throws(() => new Any('ws://127.0.0.1:1', Symbol('x')), TypeError);
    const socket = track(new StandardWebSocket('ws://127.0.0.1:1'));
    assert.throws(() => socket.close(1000, Symbol('x') as never), TypeError);
  });

  it('addEventListener() and removeEventListener() want two arguments', () => {
    const socket = track(new StandardWebSocket('ws://127.0.0.1:1')) as unknown as {
      addEventListener(type: string): void;
      removeEventListener(type: string): void;
    };
    assert.throws(() => socket.addEventListener('x'), TypeError);
    assert.throws(() => socket.removeEventListener('x'), TypeError);
  });
});

describe('StandardWebSocket: what ws does otherwise', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  afterEach(endSockets);
  after(() => server.close());

  const connect = async (): Promise<StandardWebSocket> => {
    const socket = track(new StandardWebSocket(server.url));
    await next(socket, 'open');
    return socket;
  };

  it('no message arrives after close()', async () => {
    const socket = await connect();
    const seen: unknown[] = [];
    socket.onmessage = ({ data }) => {
      seen.push(data);
      socket.close();
    };
    for (const text of ['1', '2', '3']) socket.send(text);
    await closed(socket);
    assert.deepEqual(seen, ['1']);
  });

  it('a breach of the protocol is an error when the socket is CLOSED, just before close', async () => {
    const raw = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(Buffer.from([0x83, 0]));
      await connection.readFrame();
      connection.end();
    });
    try {
      const socket = track(new StandardWebSocket(raw.url));
      const seen: string[] = [];
      for (const type of ['open', 'error', 'close'])
        socket.addEventListener(type, () => seen.push(`${type} ${socket.readyState}`));
      await next(socket, 'close');
      assert.deepEqual(seen, ['open 1', 'error 3', 'close 3']);
    } finally {
      await raw.close();
    }
  });

  it('a handler that returns false cancels the event', async () => {
    const socket = await connect();
    socket.onclose = (() => false) as () => void;
    const event = new Event('close', { cancelable: true });
    socket.dispatchEvent(event);
    assert.equal(event.defaultPrevented, true);
  });

  it('send() makes no string of a symbol', async () => {
    const socket = await connect();
    assert.throws(() => socket.send(Symbol('x') as never), TypeError);
  });
});
