/**
 * Worker threads end at every stage of a connection's life. Each runs in a process of its own, so that a crash is one
 * failing test, and that nothing but what is tested keeps it alive.
 */
import { expectExit } from '../support/child';
import { stageNames, stagesSource, startStageServers, type StageServers } from './stages';

/** `END` becomes the end; the worker reports "reached" before. Exit code of the worker, and whether it has an error. */
const endings = [
  {
    name: 'terminate()',
    then: '() => { setInterval(() => {}, 1000); port.postMessage(0); }',
    terminate: true,
    code: 1,
    error: false,
  },
  {
    name: 'process.exit()',
    then: '() => process.exit(5)',
    terminate: false,
    code: 5,
    error: false,
  },
  {
    name: 'an exception',
    then: `() => { throw new Error('on purpose'); }`,
    terminate: false,
    code: 1,
    error: true,
  },
  {
    name: 'unref()',
    then: '(wso, all = [wso]) => all.forEach((one) => lib.unref(one))',
    terminate: false,
    code: 0,
    error: false,
  },
  {
    name: 'close()',
    then: '(wso, all = [wso]) => { for (const one of all) try { lib.close(one); } catch {} }',
    terminate: false,
    code: 0,
    error: false,
  },
];

/** Defines run(source, terminate): resolves with [exit code, error message]. */
const runner = `
const { Worker } = require('node:worker_threads');
const prelude = 'const args = ' + JSON.stringify(args) + '; const lib = require(' + JSON.stringify(libraryPath) + ');' +
  'const port = require("node:worker_threads").parentPort;';
const run = (source, terminate) => new Promise((resolve) => {
  const worker = new Worker(prelude + source, { eval: true });
  let problem = '';
  worker.on('message', () => { if (terminate) worker.terminate(); });
  worker.on('error', (error) => { problem = error.message; });
  worker.on('exit', (code) => resolve([code, problem]));
});
`;

describe('a worker ends', () => {
  let servers: StageServers;
  before(async () => {
    servers = await startStageServers();
  });
  after(() => servers.close());

  for (const stage of stageNames) {
    it(`at the stage: ${stage}`, async () => {
      const cases = endings.map((ending) => ({
        ...ending,
        source: `${stagesSource}\nreach[${JSON.stringify(stage)}](${ending.then});`,
      }));
      const snippet = `${runner}
        (async () => {
          for (const { name, source, terminate, code, error } of ${JSON.stringify(cases)}) {
            const [actual, problem] = await run(source, terminate);
            if (actual !== code || (error ? problem !== 'on purpose' : problem !== '')) {
              console.error(name + ': exit code ' + actual + ' instead of ' + code + '; ' + problem);
              process.exitCode = 1;
            }
          }
        })();
      `;
      await expectExit(snippet, { args: servers.urls, timeout: 20_000 });
    }).timeout(30_000);
  }

  it('many times: threads and descriptors are given back', async () => {
    const source = `${stagesSource}\nreach['many at once']((wso, all) => { for (const one of all) lib.close(one); });`;
    const snippet = `${runner}
      const fs = require('node:fs');
      const count = (what) => fs.readdirSync('/proc/self/' + what).length;
      const terminated = ${JSON.stringify(`${stagesSource}\nreach.receiving(() => port.postMessage(0));`)};
      (async () => {
        const source = ${JSON.stringify(source)};
        await run(source, false);
        await run(terminated, true);
        const look = () => [count('task'), count('fd')];
        const before = look();
        for (let i = 0; i < 10; ++i) await Promise.all([run(source, false), run(terminated, true)]);
        // Threads that look up names, more of them where the machine is busy, end when they had nothing to do for 5 s.
        const end = Date.now() + 15_000;
        while (look().join() !== before.join() && Date.now() < end)
          await new Promise((resolve) => setTimeout(resolve, 20));
        console.log(JSON.stringify([before, look()]));
      })();
    `;
    const { stdout } = await expectExit(snippet, { args: servers.urls, timeout: 30_000 });
    const [before, after] = JSON.parse(stdout) as [number[], number[]];
    if (before.join() !== after.join())
      throw new Error(`threads, descriptors: ${before.join()} became ${after.join()}`);
  }).timeout(40_000);

  it('while the main thread has connections of its own', async () => {
    const source = `${stagesSource}\nreach.receiving(() => port.postMessage(0));`;
    const snippet = `${runner}${stagesSource}
      let n = 0;
      let closing = false;
      const wso = start(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { n++; if (!closing) lib.send(wso, 'x'); } });
      (async () => {
        for (let i = 0; i < 5; ++i) await run(${JSON.stringify(source)}, true);
        const then = n;
        await new Promise((resolve) => { const wait = () => (n > then + 10 ? resolve() : setImmediate(wait)); wait(); });
        closing = true;
        lib.close(wso);
      })();
    `;
    await expectExit(snippet, { args: servers.urls });
  });

  it('several share the addon, each with objects of its own', async () => {
    const source = `${stagesSource}
      let n = 0;
      const wso = start(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { if (++n < 200) lib.send(wso, 'x'); else lib.close(wso); } });
    `;
    const snippet = `${runner}
      (async () => {
        const results = await Promise.all(Array.from({ length: 6 }, () => run(${JSON.stringify(source)}, false)));
        for (const [code, problem] of results) if (code !== 0) { console.error(problem); process.exitCode = 1; }
      })();
    `;
    await expectExit(snippet, { args: servers.urls });
  });

  it('ends by terminate() while it makes messages for many', async () => {
    // Where it ends inside prepare() there is no message, and nothing may look for one.
    await expectExit(`
      const { Worker } = require('node:worker_threads');
      const source = \`
        const { workerData, parentPort } = require('node:worker_threads');
        const { prepare } = require(workerData);
        const go = () => { for (let i = 0; i < 200; ++i) prepare('x'); setImmediate(go); };
        go();
        parentPort.postMessage(0);
      \`;
      (async () => {
        for (let i = 0; i < 40; ++i) {
          const worker = new Worker(source, { eval: true, workerData: libraryPath });
          await new Promise((resolve) => worker.once('message', resolve));
          await worker.terminate();
        }
      })();
    `);
  });
});
