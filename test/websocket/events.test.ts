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
    assert.deepEqual([bare.error, bare.message], [null, '']);
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
});
