/** The event classes: members, defaults, inheritance. */
import { strict as assert } from 'node:assert';
import { CloseEvent, ErrorEvent, MessageEvent, ReconnectingEvent } from '../../lib';

describe('WebSocket: event classes', () => {
  it('MessageEvent', () => {
    const event = new MessageEvent('message', { data: 'x', origin: 'ws://h', cancelable: true });
    assert.ok(event instanceof Event);
    assert.deepEqual(
      [
        event.type,
        event.data,
        event.origin,
        event.lastEventId,
        event.source,
        event.ports.length,
        event.cancelable,
      ],
      ['message', 'x', 'ws://h', '', null, 0, true],
    );
    const bare = new MessageEvent('message');
    assert.deepEqual([bare.data, bare.origin, bare.target], [null, '', null]);
  });

  it('CloseEvent', () => {
    const event = new CloseEvent('close', { code: 3000, reason: 'r', wasClean: true });
    assert.ok(event instanceof Event);
    assert.deepEqual([event.code, event.reason, event.wasClean], [3000, 'r', true]);
    const bare = new CloseEvent('close');
    assert.deepEqual([bare.code, bare.reason, bare.wasClean], [0, '', false]);
  });

  it('ErrorEvent', () => {
    const error = new Error('m');
    const event = new ErrorEvent('error', { error, message: error.message });
    assert.ok(event instanceof Event);
    assert.deepEqual([event.error, event.message], [error, 'm']);
    const bare = new ErrorEvent('error');
    assert.deepEqual([bare.error, bare.message], [undefined, '']);
  });

  it('ReconnectingEvent', () => {
    const error = new Error('m');
    const event = new ReconnectingEvent({ attempt: 2, delay: 3, code: 1006, reason: 'r', error });
    assert.deepEqual(
      [event.type, event.attempt, event.delay, event.code, event.reason, event.error],
      ['reconnecting', 2, 3, 1006, 'r', error],
    );
  });

  it('cannot be written to', () => {
    const event = new MessageEvent('message', { data: 1 }) as unknown as { data: unknown };
    assert.throws(() => {
      event.data = 2;
    }, TypeError);
  });

  it('take no source but a MessagePort', () => {
    for (const source of [1, 'x', {}, new EventTarget()] as object[])
      assert.throws(() => new MessageEvent('message', { source }), TypeError);
    for (const source of [null, undefined])
      assert.equal(new MessageEvent('message', { source: source ?? null }).source, null);
  });

  it('take what the standard lets users give', () => {
    const { port1, port2 } = new MessageChannel();
    const message = new MessageEvent('message', {
      lastEventId: 'id',
      source: port1,
      ports: [port1, port2],
    });
    assert.deepEqual([message.lastEventId, message.source], ['id', port1]);
    assert.deepEqual(message.ports, [port1, port2]);
    assert.ok(Object.isFrozen(message.ports));
    port1.close();
    const error = new ErrorEvent('error', { filename: 'f', lineno: 2 ** 32 + 1, colno: 2 });
    assert.deepEqual([error.filename, error.lineno, error.colno], ['f', 1, 2]);
    assert.deepEqual(
      [65_536 + 3, -1, NaN, 1.9].map((code) => new CloseEvent('close', { code }).code),
      [3, 65_535, 0, 1],
    );
    assert.equal(new CloseEvent('close', { reason: '\ud800' }).reason, '\ufffd');
    assert.equal(new CloseEvent('close', null).code, 0);
  });

  it('refuse what Web IDL refuses', () => {
    for (const Type of [MessageEvent, CloseEvent, ErrorEvent] as unknown as (new (
      ...args: unknown[]
    ) => Event)[]) {
      assert.throws(() => new Type(), TypeError);
      assert.throws(() => new Type('x', 5), TypeError);
    }
    assert.throws(() => new MessageEvent('x', { ports: 5 as never }), TypeError);
    assert.throws(() => new MessageEvent('x', { ports: [{} as never] }), TypeError);
  });

  it('have enumerable members and a name', () => {
    for (const Type of [MessageEvent, CloseEvent, ErrorEvent]) {
      const event: Event = new (Type as new (type: string) => Event)('x');
      assert.equal(Object.prototype.toString.call(event), `[object ${Type.name}]`);
      const members = Object.entries(Object.getOwnPropertyDescriptors(Type.prototype));
      for (const [name, { enumerable }] of members)
        assert.equal(enumerable, name !== 'constructor', name);
    }
  });
});
