/**
 * What other runtimes lack is refused: simulated here by their versions, and seen in themselves by the smoke suite.
 */
import { strict as assert } from 'node:assert';
import { Api } from '../../lib/functions/api';
import { Environment } from '../../lib/addon/environment';
import { isNode, loopObstacle, runtimeName } from '../../lib/base/runtime';
import { FakeAddon } from './fake-addon';
import { throws } from './throws';

describe('other runtimes', () => {
  const own = Object.getOwnPropertyDescriptor(process, 'versions') as PropertyDescriptor;
  const pretend = (versions: Record<string, string>): void => {
    Object.defineProperty(process, 'versions', {
      ...own,
      value: { ...process.versions, ...versions },
    });
  };
  afterEach(() => {
    Object.defineProperty(process, 'versions', own);
  });

  it('Node.js has libuv', () => {
    assert.equal(runtimeName(), `Node.js ${process.versions.node}`);
    assert.ok(isNode());
    assert.equal(loopObstacle(), undefined);
    new Api(new Environment(new FakeAddon())).configure({ service: 'loop' });
  });

  for (const [name, versions] of [
    ['Bun 1.4.5', { bun: '1.4.5' }],
    ['Deno 2.9.6', { deno: '2.9.6' }],
  ] as [string, Record<string, string>][]) {
    it(`${name} is refused service 'loop', and nothing else`, () => {
      pretend(versions);
      const api = new Api(new Environment(new FakeAddon()));
      throws(
        () => api.configure({ service: 'loop' }),
        'Error',
        'ERR_FEATURE_UNAVAILABLE',
        name,
        "'loop'",
      );
      api.configure({ service: 'thread' });
      api.configure({ service: 'adaptive' });
    });
  }
});
