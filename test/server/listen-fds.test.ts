/** What a service manager has passed: LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES. */
import { strict as assert } from 'node:assert';
import { listenFds } from '../../lib';

describe('listenFds()', () => {
  const mine = String(process.pid);

  it('numbers them from 3, with their names', () => {
    const env = { LISTEN_PID: mine, LISTEN_FDS: '3', LISTEN_FDNAMES: 'feed::chat' };
    assert.deepEqual(listenFds(env), [
      { fd: 3, name: 'feed' },
      { fd: 4, name: 'unknown' },
      { fd: 5, name: 'chat' },
    ]);
    assert.deepEqual(listenFds({ LISTEN_PID: mine, LISTEN_FDS: '1' }), [
      { fd: 3, name: 'unknown' },
    ]);
  });

  const NONE: Record<string, NodeJS.ProcessEnv> = {
    'for another process': { LISTEN_PID: String(process.pid + 1), LISTEN_FDS: '1' },
    'without a process': { LISTEN_FDS: '1' },
    'without a number': { LISTEN_PID: mine },
    'with what is no number': { LISTEN_PID: mine, LISTEN_FDS: '1x' },
    'with a negative one': { LISTEN_PID: mine, LISTEN_FDS: '-1' },
    'with none': { LISTEN_PID: mine, LISTEN_FDS: '0' },
  };
  for (const [what, env] of Object.entries(NONE)) {
    it(`gives none ${what}`, () => assert.deepEqual(listenFds(env), []));
  }

  it("looks at the process's environment", () => assert.deepEqual(listenFds(), []));
});
