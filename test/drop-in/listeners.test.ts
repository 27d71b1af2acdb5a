/** `verawebsockets/ws` beside ws: what `listeners()`, `listenerCount()` and `off()` know of `addEventListener`. */
import { strict as assert } from 'node:assert';
import ours from '../../lib/ws';

// eslint-disable-next-line @typescript-eslint/no-require-imports
const theirs = require('ws') as typeof ours;

const nothing = (): void => undefined;

/** Counts for each type, after each of the steps. */
function counts(module: typeof ours, steps: ((socket: ours) => unknown)[]): number[][] {
  const socket = new module(null, undefined, { autoPong: true });
  const types = ['open', 'message', 'close', 'error', 'unknown'];
  return steps.map((step) => {
    step(socket);
    return types.flatMap((type) => [
      socket.listenerCount(type),
      socket.listeners(type).length,
      socket.rawListeners(type).length,
    ]);
  });
}

describe('verawebsockets/ws: listeners', () => {
  it('of both kinds are counted, as with ws', () => {
    const object = { handleEvent: nothing };
    const steps: ((socket: ours) => unknown)[] = [
      (socket) => socket.on('close', nothing),
      (socket) => (socket.onclose = nothing),
      (socket) => (socket.onclose = (): void => undefined),
      (socket) => socket.addEventListener('unknown', nothing),
      (socket) => socket.addEventListener('open', nothing),
      (socket) => socket.addEventListener('open', nothing),
      (socket) => socket.addEventListener('message', object, { once: true }),
      (socket) => socket.emit('message', Buffer.alloc(0), false),
      (socket) => socket.addEventListener('message', object),
      (socket) => socket.removeEventListener('message', nothing),
      (socket) => socket.removeEventListener('message', object),
      (socket) => (socket.onerror = nothing),
      (socket) => (socket.onerror = null),
      (socket) => socket.removeAllListeners('open'),
      (socket) => socket.removeAllListeners(),
    ];
    assert.deepEqual(counts(ours, steps), counts(theirs, steps));
  });

  it('of both kinds are called in the order in which they were added', () => {
    const order = (module: typeof ours): string[] => {
      const seen: string[] = [];
      const note = (name: string) => (): void => void seen.push(name);
      const socket = new module(null, undefined, { autoPong: true });
      const say = (): void => {
        socket.emit('message', Buffer.alloc(0), false);
        seen.push('|');
      };
      socket.onmessage = note('attribute');
      const behind = note('behind');
      socket.on('message', behind);
      socket.prependListener('message', note('before'));
      socket.once('message', note('once'));
      say();
      say();
      // The attribute goes, and comes back as the last.
      socket.onmessage = null;
      say();
      socket.onmessage = note('again');
      say();
      socket.on('message', note('last'));
      say();
      socket.off('message', behind);
      say();
      socket.removeAllListeners('message');
      say();
      socket.on('message', note('new'));
      socket.addEventListener('message', note('target'));
      say();
      return seen;
    };
    assert.deepEqual(order(ours), order(theirs));
  });

  it('an error goes to listeners of one kind alone, and to both', () => {
    const heard = (module: typeof ours, add: (socket: ours, note: () => void) => void): number => {
      let count = 0;
      const socket = new module(null, undefined, { autoPong: true });
      add(socket, () => void count++);
      socket.emit('error', new Error('x'));
      return count;
    };
    for (const module of [ours, theirs]) {
      assert.equal(
        heard(module, (socket, note) => (socket.onerror = note)),
        1,
      );
      const both = (socket: ours, note: () => void): void => {
        socket.onerror = note;
        socket.on('error', note);
      };
      assert.equal(heard(module, both), 2);
      const left = (socket: ours, note: () => void): void => {
        both(socket, note);
        socket.off('error', note);
      };
      assert.equal(heard(module, left), 1);
    }
  });

  for (const module of [ours, theirs]) {
    describe(module === ours ? 'those of addEventListener, as functions' : 'with ws', () => {
      it('make an event of what they are called with', () => {
        const socket = new module(null, undefined, { autoPong: true });
        const seen: unknown[] = [];
        socket.addEventListener('message', function (this: unknown, { type, data, target }) {
          seen.push(type, data, target === socket, this === socket);
        });
        socket.addEventListener('close', { handleEvent: ({ code }) => seen.push(code) });
        socket.listeners('message')[0]?.call(socket, Buffer.from('text'), false);
        socket.listeners('close')[0]?.call(socket, 4000, Buffer.alloc(0));
        assert.deepEqual(seen, ['message', 'text', true, true, 4000]);
      });

      it('can be removed, and given to on()', () => {
        const socket = new module(null, undefined, { autoPong: true });
        const seen: unknown[] = [];
        socket.addEventListener('message', ({ data }) => seen.push(data));
        const listeners = socket.listeners('message') as (() => void)[];
        for (const listener of listeners) socket.off('message', listener);
        assert.equal(socket.listenerCount('message'), 0);
        socket.emit('message', Buffer.from('none'), false);
        for (const listener of listeners) socket.on('message', listener);
        socket.emit('message', Buffer.from('one'), false);
        assert.deepEqual(seen, ['one']);
      });
    });
  }
});
