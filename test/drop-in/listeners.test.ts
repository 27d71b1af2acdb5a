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
