/** loop(): in processes of their own, because it blocks. */
import { strict as assert } from 'node:assert';
import { Api } from '../../lib/functions/api';
import { Environment } from '../../lib/addon/environment';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { libraryPath } from '../support/root';
import { startWsServer, type WsServer } from '../support/ws-server';
import { cleanClose, established, FakeAddon, Kinds } from './fake-addon';
import { throws } from './throws';

/** In scope of snippets: a standalone object that is connecting. */
const prelude = `
const alone = (handlers, more) => {
  const wso = lib.create({ url: args.url, standalone: true, event_handlers: handlers, ...more });
  lib.connect(wso);
  return wso;
};
const { log } = console;
`;

describe('loop()', () => {
  let server: WsServer;
  let refused: string;
  before(async () => {
    server = await startWsServer();
    refused = `ws://127.0.0.1:${await freePort()}/`;
  });
  after(() => server.close());

  const child = async (snippet: string, code = 0): Promise<string[]> => {
    const args = { url: server.url, refused };
    const { stdout } = await expectExit(prelude + snippet, { args, code });
    return stdout.split('\n').slice(0, -1);
  };

  it('returns nothing, at once, when there is no standalone object', async () => {
    const lines = await child(`
      log(lib.loop());
      lib.create({ url: args.url, standalone: true });
      log(lib.loop());
      const wso = lib.create({ url: args.url, event_handlers: { 3() { log('detached'); lib.close(wso); } } });
      lib.connect(wso);
      log(lib.loop());
    `);
    assert.deepEqual(lines, ['undefined', 'undefined', 'undefined', 'detached']);
  });

  it('blocks until the object has closed, calling its handlers', async () => {
    const lines = await child(`
      setTimeout(() => log('timer'), 1);
      setImmediate(() => log('immediate'));
      const wso = alone({
        3() { log('open'); lib.send(wso, 'x'); },
        8(data) { log(data); const end = Date.now() + 10; while (Date.now() < end); lib.close(wso); },
        4() { log('closed'); },
      });
      lib.loop();
      log('returned');
    `);
    assert.deepEqual(lines.slice(0, 4), ['open', 'x', 'closed', 'returned']);
    assert.deepEqual(lines.slice(4).sort(), ['immediate', 'timer']);
  });

  it('returns when the object fails', async () => {
    const lines = await child(`
      alone({ 1(reason, error) { log(error.code); } }, { url: args.refused });
      lib.loop();
      log('returned');
    `);
    assert.deepEqual(lines, ['ECONNREFUSED', 'returned']);
  });

  it('waits for the last of several', async () => {
    const lines = await child(`
      const all = [];
      for (let i = 0; i < 5; i++) {
        const wso = alone({ 3() { lib.send(wso, String(i)); }, 8(data) { all.push(data); lib.close(wso); }, 4() { all.push('closed'); } });
      }
      lib.loop();
      log(all.length, all.filter((what) => what === 'closed').length, all.at(-1));
    `);
    assert.deepEqual(lines, ['10 5 closed']);
  });

  it('goes on when a handler makes and connects another object, or connects again', async () => {
    const lines = await child(`
      let rounds = 0;
      const first = alone({
        3() { lib.close(first); },
        4() {
          log('first');
          if (++rounds < 3) return lib.connect(first);
          const second = alone({ 3() { lib.close(second); }, 4() { log('second'); } });
        },
      });
      lib.loop();
      log('returned');
    `);
    assert.deepEqual(lines, ['first', 'first', 'first', 'second', 'returned']);
  });

  it('can be called again for the next object', async () => {
    const lines = await child(`
      for (let i = 0; i < 3; i++) {
        const wso = alone({ 3() { lib.close(wso); }, 4() { log(i); } });
        lib.loop();
        log('returned');
      }
    `);
    assert.deepEqual(lines, ['0', 'returned', '1', 'returned', '2', 'returned']);
  });

  it('runs callbacks of promises and nextTick', async () => {
    const lines = await child(`
      const wso = alone({
        async 3() {
          log('open');
          await null;
          log('awaited');
          process.nextTick(() => { log('tick'); lib.send(wso, 'x'); });
        },
        8(data) { return Promise.resolve(data).then((text) => { log(text); queueMicrotask(() => lib.close(wso)); }); },
        4() { Promise.resolve().then(() => log('after closed')); },
      });
      lib.loop();
      log('returned');
    `);
    assert.deepEqual(lines, ['open', 'awaited', 'tick', 'x', 'after closed', 'returned']);
  });

  it('runs what was queued before it was called', async () => {
    const lines = await child(`
      const wso = alone({ 4() { log('closed'); } });
      Promise.resolve().then(() => { log('promise'); lib.close(wso); });
      alone({ 1() { log('failed'); } }, { url: args.refused });
      lib.loop();
    `);
    assert.deepEqual(lines.sort(), ['failed', 'promise']);
  });

  it('an exception of a handler comes out, and the next call goes on where it stopped', async () => {
    const lines = await child(`
      let n = 0;
      const wso = alone({
        3() { for (let i = 0; i < 4; i++) lib.send(wso, String(i)); throw new Error('three'); },
        8(data) { log(data); if (++n === 4) lib.close(wso); if (n % 2 === 0) throw new Error('eight'); },
        4() { throw new Error('four'); },
      });
      for (;;) {
        try { lib.loop(); break; } catch (error) { log(error.message); }
      }
      log('returned');
    `);
    assert.deepEqual(lines, ['three', '0', '1', 'eight', '2', '3', 'eight', 'four', 'returned']);
  });

  it('after an exception the event loop goes on with the rest', async () => {
    const lines = await child(`
      let n = 0;
      const wso = alone({
        3() { lib.send(wso, 'a'); lib.send(wso, 'b'); },
        8(data) { log(data); if (++n === 1) throw new Error('once'); lib.close(wso); },
        4() { log('closed'); },
      });
      try { lib.loop(); } catch (error) { log(error.message); }
      log('end of script');
    `);
    assert.deepEqual(lines, ['a', 'once', 'end of script', 'b', 'closed']);
  });

  it('an exception of a nextTick callback or a promise goes where it always does', async () => {
    const lines = await child(`
      process.on('uncaughtException', (error) => log('uncaught', error.message));
      process.on('unhandledRejection', (error) => log('unhandled', error.message));
      const wso = alone({
        3() { process.nextTick(() => { throw new Error('tick'); }); queueMicrotask(() => { throw new Error('microtask'); }); lib.send(wso, 'x'); },
        async 8() { lib.close(wso); throw new Error('promise'); },
        4() { process.nextTick(() => { throw new Error('last'); }); log('closed'); },
      });
      lib.loop();
      log('returned');
      // The stack of asynchronous contexts is in order: Node checks it when it leaves.
      setTimeout(() => log('timer'), 1);
    `);
    assert.deepEqual(lines.sort(), [
      'closed',
      'returned',
      'timer',
      'uncaught last',
      'uncaught microtask',
      'uncaught tick',
      'unhandled promise',
    ]);
  });

  it('without a listener such an exception ends the process', async () => {
    const lines = await child(
      `const wso = alone({ 3() { log('open'); process.nextTick(() => { throw new Error('tick'); }); } }); lib.loop(); log('returned');`,
      1,
    );
    assert.deepEqual(lines, ['open']);
  });

  it('dispatches the events of objects that are not standalone as well, in order', async () => {
    const lines = await child(`
      const got = [];
      const other = lib.create({ url: args.url, event_handlers: {
        3() { for (let i = 0; i < 3; i++) lib.send(other, String(i)); },
        8(data) { got.push(data); if (got.length === 3) { log(got.join()); lib.send(wso, 'now'); } },
        4() { log('other closed'); },
      } });
      lib.connect(other);
      const wso = alone({ 8() { lib.close(wso); }, 4() { log('closed'); } });
      lib.loop();
      log('returned');
      lib.close(other);
    `);
    assert.deepEqual(lines, ['0,1,2', 'closed', 'returned', 'other closed']);
  });

  it('follows redirects', async () => {
    const http = await startWsServer();
    http.http.removeAllListeners('upgrade');
    http.http.on('upgrade', (_request, socket) => {
      socket.end(`HTTP/1.1 302 Found\r\nLocation: ${server.url}\r\n\r\n`);
    });
    try {
      const args = { url: http.url, refused };
      const snippet = `const wso = alone({ 3() { log('open'); lib.close(wso); }, 1(reason) { log(reason); } }); lib.loop();`;
      const { stdout } = await expectExit(prelude + snippet, { args });
      assert.equal(stdout, 'open\n');
    } finally {
      await http.close();
    }
  });

  it('cannot be called in a handler, nor from inside of itself', async () => {
    const lines = await child(`
      const attempt = () => { try { lib.loop(); } catch (error) { log(error.code); } };
      const wso = alone({ 3() { attempt(); process.nextTick(() => { attempt(); lib.close(wso); }); } });
      lib.loop();
      const other = lib.create({ url: args.url, event_handlers: { 3() {
        const inner = alone({ 3() { lib.close(inner); lib.close(other); } });
        attempt();
      } } });
      lib.connect(other);
    `);
    assert.deepEqual(lines, ['ERR_LOOP_IN_HANDLER', 'ERR_LOOP_RUNNING', 'ERR_LOOP_IN_HANDLER']);
  });

  it('a standalone object works without it, too', async () => {
    const lines = await child(
      `const wso = alone({ 3() { log('open'); lib.close(wso); }, 4() { log('closed'); } });`,
    );
    assert.deepEqual(lines, ['open', 'closed']);
  });

  describe('where promises cannot run, because it is called inside of one', () => {
    const runModule = async (source: string): Promise<{ lines: string[]; stderr: string }> => {
      const snippet = `
        const { spawn } = require('node:child_process');
        const fs = require('node:fs');
        const folder = fs.mkdtempSync(require('node:os').tmpdir() + '/vws-');
        const file = folder + '/test.mjs';
        fs.writeFileSync(file, ${JSON.stringify(
          `import { createRequire } from 'node:module';
           const lib = createRequire(import.meta.url)(${JSON.stringify(libraryPath)});
           const args = ${JSON.stringify({ url: server.url })};
           ${prelude}${source}`,
        )});
        spawn(process.execPath, [file], { stdio: 'inherit' }).on('exit', (code) => {
          fs.rmSync(folder, { recursive: true });
          process.exit(code);
        });
      `;
      const { stdout, stderr } = await expectExit(snippet);
      return { lines: stdout.split('\n').slice(0, -1), stderr };
    };

    it('they run after it has returned, and a handler that returns one is warned of', async () => {
      const { lines, stderr } = await runModule(`
        const wso = alone({
          async 3() { log('open'); lib.close(wso); await null; log('awaited'); },
          4() { log('closed'); },
        });
        lib.loop();
        log('returned');
      `);
      assert.deepEqual(lines, ['open', 'closed', 'returned', 'awaited']);
      assert.match(stderr, /VERAWEBSOCKETS_NESTED_LOOP/);
    });

    it('there is no warning without promises, and nextTick runs', async () => {
      const { lines, stderr } = await runModule(`
        const wso = alone({ 3() { process.nextTick(() => { log('tick'); lib.close(wso); }); }, 4() { log('closed'); } });
        await null;
        lib.loop();
        log('returned');
      `);
      assert.deepEqual(lines, ['tick', 'closed', 'returned']);
      assert.equal(stderr, '');
    });

    it('an exception of a nextTick callback waits as well', async () => {
      const { lines } = await runModule(`
        process.on('uncaughtException', (error) => log('uncaught', error.message));
        const wso = alone({ 3() { process.nextTick(() => { throw new Error('tick'); }); lib.close(wso); } });
        lib.loop();
        log('returned');
        await new Promise((resolve) => setTimeout(resolve, 1));
        log('end');
      `);
      assert.deepEqual(lines, ['returned', 'uncaught tick', 'end']);
    });
  });

  describe('with records made by hand', () => {
    const url = 'ws://host/';

    it('waits only when everything was dispatched, and for as long as it takes', () => {
      const addon = new FakeAddon();
      const api = new Api(new Environment(addon));
      const events: unknown[] = [];
      const wso = api.create({
        url,
        standalone: true,
        event_handlers: {
          3: () => void events.push(3),
          8: (data) => void events.push(data),
          4: () => void events.push(4),
        },
      });
      api.connect(wso);
      const steps = [
        () => addon.batch([1, Kinds.Established, established]),
        () => {
          for (let i = 0; i < 10; i++) addon.batch([1, Kinds.ReceiveText, i]);
        },
        () => addon.batch([1, Kinds.Closed, 1000, cleanClose]),
      ];
      addon.onWait = () => (steps.shift() as () => void)();
      api.loop();
      assert.deepEqual(events, [3, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 4]);
      assert.deepEqual(
        addon.calls.filter(([name]) => name === 'wait'),
        [
          ['wait', -1],
          ['wait', -1],
          ['wait', -1],
        ],
      );
      assert.equal(addon.count('release'), 1);
    });

    it('hands everything over before it waits', () => {
      const addon = new FakeAddon();
      const api = new Api(new Environment(addon));
      const wso = api.create({
        url,
        standalone: true,
        event_handlers: { 3: () => void api.send(wso, 'x') },
      });
      api.connect(wso);
      addon.onWait = () => {
        if (addon.count('wait') === 1) addon.batch([1, Kinds.Established, established]);
        else {
          assert.equal(addon.sent.length, 1);
          assert.equal(addon.calls.at(-2)?.[0], 'take');
          assert.ok(addon.count('flush') > 0);
          addon.batch([1, Kinds.Closed, 1000, cleanClose]);
        }
      };
      api.loop();
    });

    describe('in runtimes that run no callbacks of promises', () => {
      const process_ = process as { _tickCallback?: unknown };
      const saved = process_._tickCallback;
      beforeEach(() => {
        process_._tickCallback = undefined;
      });
      afterEach(() => {
        process_._tickCallback = saved;
      });

      it('does without', () => {
        const addon = new FakeAddon();
        const api = new Api(new Environment(addon));
        const wso = api.create({ url, standalone: true });
        api.connect(wso);
        addon.onWait = () =>
          addon.batch([1, Kinds.ConnectionError, { code: 'ENGINE', reason: 'x', detail: '' }]);
        api.loop();
        assert.equal(wso.state, 'closed');
      });

      it('a handler that returns a promise is refused, instead of waiting for ever', () => {
        const addon = new FakeAddon();
        const api = new Api(new Environment(addon));
        const wso = api.create({ url, standalone: true, event_handlers: { 3: async () => {} } });
        api.connect(wso);
        addon.onWait = () => addon.batch([1, Kinds.Established, established]);
        throws(
          () => api.loop(),
          'Error',
          'ERR_FEATURE_UNAVAILABLE',
          'promise',
          process.version.slice(1),
        );
        assert.equal(wso.state, 'open');
        addon.onWait = () => addon.batch([1, Kinds.Closed, 1000, cleanClose]);
        api.loop();
        assert.equal(wso.state, 'closed');
      });
    });

    it('an engine that cannot start leaves no object to wait for', () => {
      const addon = new FakeAddon();
      addon.init = () => {
        throw Object.assign(new Error('no thread'), { code: 'ERR_ENGINE_START' });
      };
      const api = new Api(new Environment(addon));
      const wso = api.create({ url, standalone: true });
      throws(() => api.connect(wso), 'Error', 'ERR_ENGINE_START');
      assert.equal(wso.state, 'idle');
      api.loop();
    });
  });
});
