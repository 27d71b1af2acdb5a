/** An engine without connections gives back its thread and descriptors; one of a copy out of use does so at once. */
import { strict as assert } from 'node:assert';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

const prelude = `
const fs = require('node:fs');
const path = require('node:path');
const threads = () => fs.readdirSync('/proc/self/task').map((id) => {
  try { return fs.readFileSync('/proc/self/task/' + id + '/comm', 'latin1').trim(); } catch { return ''; }
});
const services = () => threads().filter((name) => name === 'vws-service').length;
const descriptors = () => fs.readdirSync('/proc/self/fd').length;
const tick = () => new Promise((resolve) => setTimeout(resolve, 20));
const until = async (done) => { while (!done()) await tick(); };
const talk = (one, url = args.url) => new Promise((resolve, reject) => {
  const wso = one.create({ url, event_handlers: {
    1(reason, error) { reject(error); },
    3() { one.send(wso, 'x'); },
    8() { one.close(wso); },
    4: resolve,
  } });
  one.connect(wso);
});
const fresh = () => {
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(path.dirname(libraryPath))) delete require.cache[file];
  }
  return require(libraryPath);
};
const run = (body) => body().catch((error) => { console.error(error); process.exit(1); });
`;

describe('an engine without connections', () => {
  let server: WsServer;
  const child = async (body: string): Promise<string> => {
    const snippet = `${prelude} run(async () => { ${body} });`;
    const { stdout } = await expectExit(snippet, { args: { url: server.url }, timeout: 50_000 });
    return stdout.trim();
  };

  // They wait for the most part: all begin at once.
  const bodies: string[] = [];
  const results: Promise<string>[] = [];
  before(async () => {
    server = await startWsServer();
    for (const body of bodies) results.push(child(body));
    for (const result of results) result.catch(() => {});
  });
  after(() => server.close());
  const waits = (name: string, expected: string, body: string): void => {
    const index = bodies.push(body) - 1;
    it(name, async () => {
      assert.equal(await results[index], expected);
    }).timeout(60_000);
  };

  for (const service of ['adaptive', 'thread', 'loop']) {
    waits(
      `${service}: gives back its thread and descriptors, and starts again for the next`,
      'given back',
      `
        lib.configure({ service: '${service}' });
        // What Node itself opens lazily.
        await tick();
        const before = descriptors();
        for (let round = 0; round < 2; ++round) {
          await talk(lib);
          await Promise.all([talk(lib), talk(lib)]);
          if (descriptors() <= before) throw new Error('nothing was open');
          await until(() => services() === 0 && descriptors() === before);
        }
        console.log('given back');
      `,
    );
  }

  waits(
    'is kept by an open connection, whoever has let go of it',
    'closed',
    `
      const other = fresh();
      const alive = setInterval(() => {}, 1000);
      let wso;
      await new Promise((resolve) => {
        wso = lib.create({ url: args.url, event_handlers: { 3: resolve, 8() { lib.close(wso); }, 4() { console.log('closed'); } } });
        lib.connect(wso);
        lib.unref(wso);
      });
      await talk(other);
      await until(() => services() === 1);
      clearInterval(alive);
      lib.ref(wso);
      lib.send(wso, 'x');
    `,
  );

  it('a connection that begins in that moment, again and again, loses nothing', async () => {
    // From a moment before the engine goes to one after it.
    const stdout = await child(`
      await talk(lib);
      await until(() => services() === 0);
      let began = Date.now();
      await talk(lib);
      await until(() => services() === 0);
      const moment = Date.now() - began;
      await Promise.all(Array.from({ length: 12 }, async (_, i) => {
        const { Worker } = require('node:worker_threads');
        const worker = new Worker(
          'const args = ' + JSON.stringify(args) + ', libraryPath = ' + JSON.stringify(libraryPath) + ', lib = require(libraryPath);' +
          ${JSON.stringify(prelude)} +
          'run(async () => { await talk(lib); await new Promise((resolve) => setTimeout(resolve, ' + (moment - 60 + 10 * i) + ')); await talk(lib); });',
          { eval: true },
        );
        const [code] = await require('node:events').once(worker, 'exit');
        if (code !== 0) throw new Error('a worker ended with ' + code);
      }));
      console.log('done');
    `);
    assert.equal(stdout, 'done');
  }).timeout(60_000);

  it('200 copies, one after the other: threads and descriptors are as with one', async () => {
    const stdout = await child(`
      const count = () => [services(), descriptors()].join();
      await talk(fresh());
      const before = count();
      for (let i = 0; i < 10; ++i) await talk(fresh());
      // The rest without reading all files again: each has an instance of the addon, and what belongs to it.
      const parts = ['functions/api', 'addon/environment', 'addon/load'];
      const [{ Api }, { Environment }, { loadNative }] = parts.map((name) =>
        require(path.join(path.dirname(libraryPath), name)),
      );
      for (let i = 0; i < 190; ++i) await talk(new Api(new Environment(loadNative())));
      console.log(before === count() ? 'flat' : before + ' became ' + count());
      await until(() => services() === 0);
    `);
    assert.equal(stdout, 'flat');
  }).timeout(60_000);

  waits(
    'two copies at once, and in turns',
    'done',
    `
      const copies = [fresh(), fresh()];
      for (let i = 0; i < 10; ++i) await talk(copies[i % 2]);
      await Promise.all(copies.flatMap((copy) => [talk(copy), talk(copy)]));
      await until(() => services() === 0);
      console.log('done');
    `,
  );

  it('a copy that is used in a handler of another', async () => {
    const stdout = await child(`
      lib.configure({ service: 'loop' });
      const other = fresh();
      other.configure({ service: 'loop' });
      await new Promise((resolve, reject) => {
        const wso = lib.create({ url: args.url, event_handlers: {
          3() { lib.close(wso); },
          4() { Promise.resolve().then(() => talk(other)).then(() => talk(lib)).then(resolve, reject); },
        } });
        lib.connect(wso);
      });
      console.log('done');
    `);
    assert.equal(stdout, 'done');
  }).timeout(60_000);

  waits(
    'an unreferenced look-up that takes longer finds the engine again',
    'closed',
    `
      const { port } = new URL(args.url);
      const alive = setInterval(() => {}, 1000);
      const result = new Promise((resolve) => {
        const wso = lib.create({
          url: 'ws://name.test:' + port,
          lookup(name, options, callback) {
            until(() => services() === 0).then(() => callback(null, [{ address: '127.0.0.1', family: 4 }]));
          },
          event_handlers: { 1(reason) { resolve(reason); }, 3() { lib.close(wso); }, 4() { resolve('closed'); } },
        });
        lib.connect(wso);
        lib.unref(wso);
      });
      console.log(await result);
      clearInterval(alive);
    `,
  );

  waits(
    'a referenced look-up keeps the process alive meanwhile',
    'closed',
    `
      const { port } = new URL(args.url);
      const wso = lib.create({
        url: 'ws://name.test:' + port,
        lookup(name, options, callback) {
          setTimeout(callback, 4000, null, [{ address: '127.0.0.1', family: 4 }]).unref();
        },
        event_handlers: { 3() { lib.close(wso); }, 4() { console.log('closed'); } },
      });
      lib.connect(wso);
    `,
  );

  waits(
    'a log function keeps it, for lines of other threads; stderr does not',
    'gone',
    `
      lib.set_log_level(1, () => {});
      await talk(lib);
      const other = fresh();
      await talk(other);
      await until(() => services() === 1);
      lib.set_log_level(1);
      await until(() => services() === 0);
      console.log('gone');
    `,
  );

  waits(
    'wakes up an idle process once, and then no more',
    'quiet',
    `
      await talk(lib);
      await until(() => services() === 0);
      const switches = () => Number(/^voluntary_ctxt_switches:\\s*(\\d+)/m.exec(fs.readFileSync('/proc/self/status', 'latin1'))[1]);
      const before = switches();
      await new Promise((resolve) => setTimeout(resolve, 4000));
      console.log(switches() - before <= 10 ? 'quiet' : switches() - before);
    `,
  );
});
