/** Emitter and EventTarget in one: listeners of both kinds, their order, their removal. */
import { strict as assert } from 'node:assert';
import { EventEmitter, getEventListeners, once } from 'node:events';
import { EmitterTarget } from '../../lib/websocket/emitter';
import { uncaught } from './support/sockets';
import { MessageEvent } from '../../lib';

class Both extends EmitterTarget {
  added: string[] = [];

  protected override eventFactory(type: string | symbol) {
    if (type === 'plain') return undefined;
    return ([data]: readonly unknown[]) => new MessageEvent(String(type), { data });
  }

  protected override listenerAdded(type: string | symbol): void {
    this.added?.push(String(type));
  }
}

describe('WebSocket: emitter and EventTarget', () => {
  it('is an EventTarget', () => {
    assert.ok(new Both() instanceof EventTarget);
  });

  it('has every method of an EventEmitter', () => {
    const socket = new Both() as unknown as Record<string, unknown>;
    for (const name of Object.getOwnPropertyNames(EventEmitter.prototype)) {
      if (name === 'constructor' || name.startsWith('_')) continue;
      assert.equal(typeof socket[name], 'function', name);
    }
  });

  it('calls listeners in the order of adding, those of the EventTarget at the place of the first', () => {
    const both = new Both();
    const seen: number[] = [];
    both.addEventListener('message', () => seen.push(3));
    both.on('message', () => seen.push(1));
    both.addEventListener('message', () => seen.push(4));
    both.on('message', () => seen.push(2));
    assert.equal(both.emit('message', 'x'), true);
    assert.deepEqual(seen, [3, 4, 1, 2]);
  });

  it('gives emitter listeners the arguments and this, EventTarget listeners an event', () => {
    const both = new Both();
    const seen: unknown[] = [];
    both.on('message', function (this: unknown, ...args: unknown[]) {
      seen.push(this, ...args);
    });
    both.addEventListener('message', (event: MessageEvent) => seen.push(event.data, event.target));
    both.emit('message', 'data', true);
    assert.deepEqual(seen, [both, 'data', true, 'data', both]);
  });

  it('honours once', () => {
    const both = new Both();
    let count = 0;
    both.addEventListener('message', () => count++, { once: true });
    both.once('message', () => count++);
    both.emit('message', 1);
    both.emit('message', 2);
    assert.equal(count, 2);
    assert.equal(both.emit('message', 3), false);
  });

  it('honours signal', () => {
    const both = new Both();
    const controller = new AbortController();
    let count = 0;
    both.addEventListener('message', () => count++, { signal: controller.signal });
    both.addEventListener('message', () => count++, { signal: AbortSignal.abort() });
    both.emit('message', 1);
    controller.abort();
    assert.equal(both.emit('message', 2), false);
    assert.equal(count, 1);
  });

  it('calls handleEvent with the object as this, looked up each time', () => {
    const both = new Both();
    const seen: unknown[] = [];
    const listener = {
      handleEvent(this: unknown, event: MessageEvent) {
        seen.push(this, event.data);
      },
    };
    both.addEventListener('message', listener);
    both.emit('message', 1);
    listener.handleEvent = function (this: unknown) {
      seen.push('other');
    };
    both.emit('message', 2);
    assert.deepEqual(seen, [listener, 1, 'other']);
  });

  it('takes a listener once for each phase, and removes it for each', () => {
    const both = new Both();
    let count = 0;
    const listener = (): void => void count++;
    both.addEventListener('message', listener);
    both.addEventListener('message', listener);
    both.addEventListener('message', listener, true);
    both.emit('message', 1);
    assert.equal(count, 2);
    both.removeEventListener('message', listener);
    both.emit('message', 2);
    assert.equal(count, 3);
    both.removeEventListener('message', listener, { capture: true });
    assert.equal(both.emit('message', 3), false);
  });

  it('ignores null as a listener', () => {
    const both = new Both();
    both.addEventListener('message', null);
    both.removeEventListener('message', null);
    assert.equal(both.emit('message', 1), false);
  });

  it('stops at stopImmediatePropagation()', () => {
    const both = new Both();
    const seen: number[] = [];
    both.addEventListener('message', (event: Event) => {
      seen.push(1);
      event.stopImmediatePropagation();
    });
    both.addEventListener('message', () => seen.push(2));
    both.emit('message', 1);
    assert.deepEqual(seen, [1]);
  });

  it('dispatches events of others', () => {
    const both = new Both();
    const seen: string[] = [];
    both.addEventListener('custom', (event: Event) => seen.push(event.type));
    assert.equal(both.dispatchEvent(new Event('custom')), true);
    assert.deepEqual(seen, ['custom']);
  });

  it('does not dispatch what is for emitter listeners only', () => {
    const both = new Both();
    both.addEventListener('plain', () => assert.fail());
    assert.equal(both.emit('plain'), false);
  });

  it('throws an error that nobody listens to, and no other', () => {
    const both = new Both();
    assert.throws(() => both.emit('error', new Error('lost')), /lost/);
    let seen = 0;
    both.addEventListener('error', () => seen++);
    assert.equal(both.emit('error', new Error('seen')), true);
    assert.equal(seen, 1);
  });

  it('shows errors to a monitor, whatever the kind of listener', () => {
    const both = new Both();
    const seen: string[] = [];
    both.on(EventEmitter.errorMonitor, (error) => seen.push((error as Error).message));
    both.addEventListener('error', () => undefined);
    both.emit('error', new Error('a'));
    both.on('error', () => undefined);
    both.emit('error', new Error('b'));
    assert.deepEqual(seen, ['a', 'b']);
  });

  it('works with events.once() and getEventListeners()', async () => {
    const both = new Both();
    const waiting = once(both as unknown as EventEmitter, 'message');
    assert.equal(getEventListeners(both, 'message').length, 1);
    both.emit('message', 'x', false);
    assert.deepEqual(await waiting, ['x', false]);
    const failing = once(both as unknown as EventEmitter, 'message');
    both.emit('error', new Error('no'));
    await assert.rejects(failing, /no/);
  });

  it('tells newListener and removeListener', () => {
    const both = new Both();
    const seen: unknown[] = [];
    both.on('newListener', (name) => seen.push('new', name));
    both.on('removeListener', (name) => seen.push('gone', name));
    const listener = (): void => undefined;
    both.once('message', listener);
    both.off('message', listener);
    assert.deepEqual(seen, ['new', 'removeListener', 'new', 'message', 'gone', 'message']);
  });

  it('prepends', () => {
    const both = new Both();
    const seen: number[] = [];
    both.on('message', () => seen.push(3));
    both.prependListener('message', () => seen.push(2));
    both.prependOnceListener('message', () => seen.push(1));
    both.emit('message');
    both.emit('message');
    assert.deepEqual(seen, [1, 2, 3, 2, 3]);
  });

  it('removes everything, of a type or at all', () => {
    const both = new Both();
    for (const type of ['message', 'close']) {
      both.on(type, () => assert.fail(type));
      both.addEventListener(type, () => assert.fail(type));
    }
    both.removeAllListeners('message');
    assert.equal(both.emit('message'), false);
    both.removeAllListeners();
    assert.equal(both.emit('close'), false);
    assert.deepEqual(both.eventNames(), []);
  });

  it('says when a listener of either kind was added', () => {
    const both = new Both();
    both.on('a', () => undefined);
    both.once('b', () => undefined);
    both.addListener('c', () => undefined);
    both.prependListener('d', () => undefined);
    both.addEventListener('e', () => undefined);
    assert.deepEqual(both.added, ['a', 'b', 'c', 'd', 'e']);
  });

  it('goes on after an EventTarget listener that throws', async () => {
    const both = new Both();
    const seen: string[] = [];
    const thrown = uncaught();
    both.addEventListener('message', () => {
      throw new Error('thrown');
    });
    both.addEventListener('message', () => seen.push('second'));
    both.emit('message', 1);
    assert.deepEqual(seen, ['second']);
    assert.equal((await thrown).message, 'thrown');
  });
});

describe('WebSocket: listeners that remove themselves', () => {
  it('one added with once can add itself again while it is called', () => {
    const both = new Both();
    const seen: unknown[] = [];
    const listener = (event: MessageEvent): void => {
      seen.push(event.data);
      both.addEventListener('message', listener, { once: true });
    };
    both.addEventListener('message', listener, { once: true });
    for (const data of [1, 2, 3]) both.emit('message', data);
    assert.deepEqual(seen, [1, 2, 3]);
  });

  it('one added with once is removed by its own name', () => {
    const both = new Both();
    const listener = (): void => assert.fail();
    both.addEventListener('message', listener, { once: true });
    both.addEventListener('message', listener);
    both.removeEventListener('message', listener);
    assert.equal(both.emit('message', 1), false);
  });

  it('one that stopImmediatePropagation() passed over waits for the next event', () => {
    const both = new Both();
    const seen: number[] = [];
    const stop = (event: Event): void => event.stopImmediatePropagation();
    both.addEventListener('message', stop);
    both.addEventListener('message', () => seen.push(1), { once: true });
    both.emit('message', 1);
    both.removeEventListener('message', stop);
    both.emit('message', 2);
    both.emit('message', 3);
    assert.deepEqual(seen, [1]);
  });

  it('handleEvent is called once, on its object', () => {
    const both = new Both();
    const seen: unknown[] = [];
    const listener = {
      handleEvent(event: MessageEvent) {
        seen.push(this === listener, event.data);
      },
    };
    both.addEventListener('message', listener, { once: true });
    both.emit('message', 1);
    both.emit('message', 2);
    assert.deepEqual(seen, [true, 1]);
  });

  it('a signal does not remove the listener that was added after it', () => {
    const both = new Both();
    const control = new AbortController();
    let count = 0;
    const listener = (): void => void count++;
    both.addEventListener('message', listener, { signal: control.signal });
    both.removeEventListener('message', listener);
    both.addEventListener('message', listener);
    control.abort();
    both.emit('message', 1);
    assert.equal(count, 1);
  });
});
