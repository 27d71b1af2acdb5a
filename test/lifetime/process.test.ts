/**
 * A process ends at every stage of a connection's life, in every way: no crash, no hang, the exit code it should have.
 */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { expectExit, runChild } from '../support/child';
import { stageNames, stagesSource, startStageServers, type StageServers } from './stages';

/** What `then` does, and the exit code that follows. */
const endings: { name: string; then: string; code: number; stderr?: string }[] = [
  { name: 'process.exit()', then: '() => process.exit(7)', code: 7 },
  {
    name: 'an exception',
    then: `() => { throw new Error('on purpose'); }`,
    code: 1,
    stderr: 'on purpose',
  },
  {
    name: 'a rejection',
    then: `() => { Promise.reject(new Error('on purpose')); }`,
    code: 1,
    stderr: 'on purpose',
  },
  { name: 'unref()', then: `(wso, all = [wso]) => all.forEach((one) => lib.unref(one))`, code: 0 },
  {
    name: 'close()',
    then: `(wso, all = [wso]) => { for (const one of all) try { lib.close(one); } catch {} }`,
    code: 0,
  },
  {
    name: 'garbage collection, then close()',
    then: `(wso, all = [wso]) => {
      gc();
      setImmediate(() => { gc(); for (const one of all) try { lib.close(one); } catch {} setImmediate(gc); });
    }`,
    code: 0,
  },
  {
    name: 'an exception that is caught, then close()',
    then: `(wso, all = [wso]) => {
      process.once('uncaughtException', () => { for (const one of all) try { lib.close(one); } catch {} });
      throw new Error('on purpose');
    }`,
    code: 0,
  },
];

describe('the process ends', () => {
  let servers: StageServers;
  before(async () => {
    servers = await startStageServers();
  });
  after(() => servers.close());

  for (const stage of stageNames) {
    it(`at the stage: ${stage}`, async () => {
      await Promise.all(
        endings.map(async ({ name, then, code, stderr }) => {
          const snippet = `${stagesSource}\nreach[${JSON.stringify(stage)}](${then});`;
          try {
            const result = await expectExit(snippet, {
              code,
              args: servers.urls,
              nodeOptions: ['--expose-gc'],
            });
            if (stderr && !result.stderr.includes(stderr))
              throw new Error(`stderr lacks "${stderr}": ${result.stderr}`);
          } catch (error) {
            throw new Error(`${name}: ${(error as Error).message}`);
          }
        }),
      );
    }).timeout(30_000);
  }

  // The engine can run otherwise than by default (configure()).
  for (const service of ['thread', 'loop']) {
    for (const stage of stageNames) {
      it(`at the stage: ${stage}; the engine runs as "${service}"`, async () => {
        const chosen = ['process.exit()', 'unref()', 'close()'];
        await Promise.all(
          endings
            .filter(({ name }) => chosen.includes(name))
            .map(async ({ name, then, code }) => {
              const start = `lib.configure({ service: '${service}' });`;
              const snippet = `${start}${stagesSource}\nreach[${JSON.stringify(stage)}](${then});`;
              await expectExit(snippet, { code, args: servers.urls }).catch((error: Error) => {
                throw new Error(`${name}: ${error.message}`);
              });
            }),
        );
      }).timeout(30_000);
    }
  }

  // Nothing that the service thread needs may be taken away by exit handlers: it runs until the process is gone.
  it('while TLS handshakes begin', async () => {
    const server = createServer((socket) => {
      socket.on('error', () => {}).once('data', () => socket.destroy());
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const snippet = `${stagesSource}
      lib.configure({ service: 'thread' });
      let failed = 0;
      const again = () => start(args.url, { 1() { if (++failed === 500) process.exit(7); again(); } });
      for (let i = 0; i < 64; ++i) again();
    `;
    const args = { url: `wss://127.0.0.1:${(server.address() as AddressInfo).port}` };
    try {
      const children = Array.from({ length: 8 }, () => expectExit(snippet, { code: 7, args }));
      await Promise.all(children);
    } finally {
      server.close();
    }
  }).timeout(30_000);

  it('without having done anything', async () => {
    await expectExit('');
  });

  it('by a signal', async () => {
    const result = await runChild(
      `${stagesSource}\nreach.receiving(() => process.kill(process.pid, 'SIGTERM'));`,
      {
        args: servers.urls,
      },
    );
    if (result.signal !== 'SIGTERM')
      throw new Error(`${result.code} ${result.signal} ${result.stderr}`);
  });

  it('within its exit handler a connection is made and dropped', async () => {
    await expectExit(
      `${stagesSource}\nreach.open(() => process.exit(0)); process.on('exit', () => { start(args.echo); });`,
      {
        args: servers.urls,
      },
    );
  });

  it('by itself only when the last connection has closed', async () => {
    const snippet = `${stagesSource}
      const first = start(args.echo, { 3() { lib.close(first); }, 4() { console.log('first'); } });
      const second = start(args.echo, { 3() { lib.send(second, 'x'); }, 8() { lib.close(second); }, 4() { console.log('second'); } });
    `;
    const { stdout } = await expectExit(snippet, { args: servers.urls });
    const lines = stdout.trim().split('\n').sort();
    if (lines.join() !== 'first,second') throw new Error(stdout);
  });

  it('not while an open connection is referenced again', async () => {
    const snippet = `${stagesSource}
      const wso = start(args.echo, {
        3() { lib.unref(wso); lib.ref(wso); lib.send(wso, 'x'); },
        8() { lib.close(wso); },
        4() { console.log('closed'); },
      });
    `;
    const { stdout } = await expectExit(snippet, { args: servers.urls });
    if (stdout !== 'closed\n') throw new Error(stdout);
  });
});
