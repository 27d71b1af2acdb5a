/** `verawebsockets/ws` against ws: what is on the module, for `require` and for `import`. */
import { strict as assert } from 'node:assert';
import { EventEmitter, once } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { root } from '../support/root';
import ours from '../../lib/ws';
import { WebSocket as Socket, WebSocketServer as Server } from '../../lib';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const theirs = require('ws') as typeof ours;

type Properties = Record<string, unknown>;

/** Names and kinds of an object's own properties; for constants, the value. */
function shape(object: object): Properties {
  const kind = (value: unknown): unknown => (typeof value === 'number' ? value : typeof value);
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, kind((object as Properties)[key])]),
  );
}

describe('verawebsockets/ws: the module', () => {
  it('has the names of ws, and things of the same kind', () => {
    assert.deepEqual(shape(ours), shape(theirs));
    assert.deepEqual(shape(ours.extension), shape(theirs.extension));
    assert.deepEqual(shape(ours.subprotocol), shape(theirs.subprotocol));
  });

  it('is the class, which has the names of ws', () => {
    assert.equal(ours.WebSocket, ours);
    assert.equal(ours.Server, ours.WebSocketServer);
    assert.equal(ours.name, 'WebSocket');
    assert.equal(ours.WebSocketServer.name, 'WebSocketServer');
    assert.ok(ours.prototype instanceof Socket);
    assert.ok(ours.WebSocketServer.prototype instanceof Server);
  });

  it('has constants that cannot be changed', () => {
    for (const name of ['CONNECTING', 'OPEN', 'CLOSING', 'CLOSED']) {
      const expected = Object.getOwnPropertyDescriptor(theirs, name);
      assert.deepEqual(Object.getOwnPropertyDescriptor(ours, name), expected, name);
    }
  });

  it('has the constants and the attributes on its prototype, where a `for … in` sees them', () => {
    const kind = (value: unknown): unknown => (typeof value === 'number' ? value : typeof value);
    const own = (prototype: object): Record<string, Properties> =>
      Object.fromEntries(
        Object.keys(prototype).map((name) => {
          const descriptor = Object.getOwnPropertyDescriptor(prototype, name);
          const { get, set, value, ...flags } = descriptor as PropertyDescriptor;
          return [name, { ...flags, get: kind(get), set: kind(set), value: kind(value) }];
        }),
      );
    assert.deepEqual(own(ours.prototype), own(theirs.prototype));
  });

  it("has what ws's class has of EventEmitter", async () => {
    for (const name of Object.getOwnPropertyNames(EventEmitter)) {
      if (name === 'prototype' || name === 'name' || name === 'length') continue;
      assert.equal(Reflect.get(ours, name), Reflect.get(theirs, name), name);
    }
    const socket = new ours(null);
    const event = ours.once(socket, 'something');
    socket.emit('something', 1);
    assert.deepEqual(await event, [1]);
    assert.equal('once' in Socket, false);
  });

  it('has the path of a server, which frameworks may set', () => {
    const server = new ours.Server({ noServer: true, path: '/chat' });
    assert.equal(server.path, '/chat');
    server.path = '/other';
    assert.equal(server.path, '/other');
    assert.equal(server.options.path, '/chat');
  });

  it('takes null in front of options for no subprotocols, as ws 7 does', async () => {
    const socket = new ours('ws://localhost:1', null as never, { headers: {} });
    const failed = once(socket, 'error');
    socket.terminate();
    await failed;
    assert.throws(() => new ours('ws://localhost:1', null as never), SyntaxError);
  });

  it("leaves the package's own class as it is", () => {
    for (const name of ['Server', 'WebSocketServer', 'Sender', 'Receiver', 'extension'])
      assert.equal(name in Socket, false, name);
  });

  it('exports for import what ws does', async () => {
    const oursImported = (await import(
      pathToFileURL(join(root, 'dist', 'ws.mjs')).href
    )) as Properties;
    const theirsImported = (await import('ws')) as unknown as Properties;
    assert.deepEqual(shape(oursImported), shape(theirsImported));
    assert.equal(oursImported.default, oursImported.WebSocket);
    const { prototype } = oursImported.WebSocketServer as typeof ours.WebSocketServer;
    assert.ok(prototype instanceof Server);
  });

  it('reads and writes headers as ws does', () => {
    const header = 'permessage-deflate; client_max_window_bits; server_max_window_bits=10, x; y=z';
    const offers = ours.extension.parse(header);
    assert.deepEqual({ ...offers }, { ...theirs.extension.parse(header) });
    assert.equal(ours.extension.format(offers), theirs.extension.format(offers));
    assert.deepEqual(ours.subprotocol.parse('a, b'), theirs.subprotocol.parse('a, b'));
  });

  it('says of headers that it cannot read what ws does', () => {
    const words = (parse: (header: string) => unknown, header: string): string => {
      try {
        parse(header);
        return 'none';
      } catch (error) {
        return String(error);
      }
    };
    const headers = [
      '',
      ' ',
      ',',
      'a,',
      'a b',
      'a,,b',
      'a, a',
      'a;',
      'a;b=',
      'a;b=""',
      'a;b="',
      'a;b="c d"',
      'é',
    ];
    for (const name of ['extension', 'subprotocol'] as const) {
      for (const header of headers) {
        assert.equal(words(ours[name].parse, header), words(theirs[name].parse, header), header);
      }
    }
  });

  it('says that its Receiver, Sender and PerMessageDeflate cannot be constructed', () => {
    for (const Class of [ours.Receiver, ours.Sender, ours.PerMessageDeflate]) {
      const message = new RegExp(`^verawebsockets has no ${Class.name} to construct: `);
      assert.throws(() => new Class(), { code: 'ERR_FEATURE_UNAVAILABLE', message });
    }
    const { extensionName } = theirs.PerMessageDeflate;
    assert.equal(ours.PerMessageDeflate.extensionName, extensionName);
  });
});
