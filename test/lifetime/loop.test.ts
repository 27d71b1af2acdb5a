/**
 * Ends from inside loop(), which blocks the JavaScript thread.
 */
import { expectExit } from '../support/child';
import { stagesSource, startStageServers, type StageServers } from './stages';

const standalone = `
const alone = (url, handlers, more) => {
  const wso = make(url, handlers, { standalone: true, ...more });
  lib.connect(wso);
  return wso;
};
`;

describe('the end comes inside loop()', () => {
  let servers: StageServers;
  before(async () => {
    servers = await startStageServers();
  });
  after(() => servers.close());

  const child = (snippet: string, code = 0): Promise<string> =>
    expectExit(stagesSource + standalone + snippet, {
      code,
      args: servers.urls,
      nodeOptions: ['--expose-gc'],
    }).then(({ stdout }) => stdout);

  const handlers: [string, string][] = [
    ['3', `alone(args.echo, { 3() { END } });`],
    ['8', `const wso = alone(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { END } });`],
    ['4', `const wso = alone(args.echo, { 3() { lib.close(wso); }, 4() { END } });`],
    ['1', `alone(args.refused, { 1() { END } });`],
  ];
  for (const [id, begin] of handlers) {
    it(`process.exit() in handler ${id}`, async () => {
      await child(`${begin.replace('END', 'process.exit(7);')} lib.loop();`, 7);
    });

    it(`an exception in handler ${id} comes out of loop()`, async () => {
      const snippet = `
        ${begin.replace('END', `throw new Error('on purpose');`)}
        try { lib.loop(); console.log('returned'); } catch (error) { console.log(error.message); process.exitCode = 3; process.exit(); }
      `;
      const stdout = await child(snippet, 3);
      if (stdout !== 'on purpose\n') throw new Error(stdout);
    });

    it(`an exception in handler ${id} that nobody catches`, async () => {
      await child(`${begin.replace('END', `throw new Error('on purpose');`)} lib.loop();`, 1);
    });
  }

  it('the last object closes: it returns, and the process ends by itself', async () => {
    const snippet = `
      const wso = alone(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { gc(); lib.close(wso); }, 4() { console.log('closed'); } });
      lib.loop();
      console.log('returned');
    `;
    const stdout = await child(snippet);
    if (stdout !== 'closed\nreturned\n') throw new Error(stdout);
  });

  it('the only object fails: it returns', async () => {
    const stdout = await child(
      `alone(args.refused, { 1() { console.log('failed'); } }); lib.loop(); console.log('returned');`,
    );
    if (stdout !== 'failed\nreturned\n') throw new Error(stdout);
  });

  it('a flood is being received', async () => {
    await child(
      `let n = 0; const wso = alone(args.flood, { 8() { if (++n === 5000) process.exit(7); } }); lib.loop();`,
      7,
    );
  });

  it('loop() is called within loop()', async () => {
    const snippet = `
      const wso = alone(args.echo, { 3() { try { lib.loop(); } catch (error) { console.log(error.code); } lib.close(wso); } });
      lib.loop();
      console.log('returned');
    `;
    const stdout = await child(snippet);
    if (!/^ERR_\w+\nreturned\n$/.test(stdout)) throw new Error(stdout);
  });

  it('an object that is not standalone lives on afterwards', async () => {
    const snippet = `
      const other = start(args.echo, { 8() { lib.close(other); }, 4() { console.log('other closed'); } });
      const wso = alone(args.echo, { 3() { lib.close(wso); }, 4() { console.log('closed'); } });
      lib.loop();
      console.log('returned');
      lib.send(other, 'x');
    `;
    const stdout = await child(snippet);
    if (stdout !== 'closed\nreturned\nother closed\n') throw new Error(stdout);
  });

  it('a worker is terminated while it is inside', async () => {
    const worker = `
      ${stagesSource}${standalone}
      const { parentPort } = require('node:worker_threads');
      const wso = alone(args.echo, { 3() { parentPort.postMessage('inside'); } });
      lib.loop();
    `;
    const snippet = `
      const { Worker } = require('node:worker_threads');
      const prelude = 'const args = ' + JSON.stringify(args) + '; const lib = require(' + JSON.stringify(libraryPath) + ');';
      const worker = new Worker(prelude + ${JSON.stringify(worker)}, { eval: true });
      worker.once('message', () => worker.terminate().then((code) => console.log('ended', code)));
    `;
    const stdout = await child(snippet);
    if (stdout !== 'ended 1\n') throw new Error(stdout);
  });

  it('a worker loops while the main thread works on', async () => {
    const worker = `
      ${stagesSource}${standalone}
      let n = 0;
      const wso = alone(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { if (++n === 100) lib.close(wso); else lib.send(wso, 'x'); } });
      lib.loop();
      require('node:worker_threads').parentPort.postMessage(n);
    `;
    const snippet = `
      const { Worker } = require('node:worker_threads');
      const prelude = 'const args = ' + JSON.stringify(args) + '; const lib = require(' + JSON.stringify(libraryPath) + ');';
      const worker = new Worker(prelude + ${JSON.stringify(worker)}, { eval: true });
      worker.once('message', (n) => console.log('worker', n));
      const wso = start(args.echo, { 3() { lib.send(wso, 'x'); }, 8() { lib.close(wso); }, 4() { console.log('main'); } });
    `;
    const stdout = await child(snippet);
    if (stdout.trim().split('\n').sort().join() !== 'main,worker 100') throw new Error(stdout);
  });
});
