/** Descriptors and threads: what the process has none of, and what its children must not get. */
import { strict as assert } from 'node:assert';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

/** How a connection comes out: an exception at the call, event 1 or event 3. */
const outcome = `
const outcome = (url) => new Promise((resolve) => {
  const wso = lib.create({
    url,
    event_handlers: { 1(reason, error) { resolve(error.code); }, 3() { lib.close(wso); }, 4() { resolve('open'); } },
  });
  try { lib.connect(wso); } catch (error) { resolve('thrown ' + error.code); }
});
`;

describe('descriptors and threads', () => {
  let server: WsServer;
  before(async () => (server = await startWsServer()));
  after(() => server.close());

  for (const service of ['adaptive', 'thread', 'loop']) {
    it(`${service}: with few descriptors left a connection fails by name, and works when there are more`, async () => {
      const results = await Promise.all(
        [0, 1, 2, 3, 4, 5, 6, 7, 8].map(async (left) => {
          const { stdout } = await expectExit(
            `${outcome}
            const fs = require('node:fs');
            lib.configure({ service: args.service });
            const taken = [];
            try { for (;;) taken.push(fs.openSync('/dev/null')); } catch {}
            for (let i = 0; i < args.left; ++i) fs.closeSync(taken.pop());
            outcome(args.url).then(async (first) => {
              for (const fd of taken) fs.closeSync(fd);
              console.log(first + ', then ' + (await outcome(args.url)));
            });`,
            { code: 0, limit: 'ulimit -n 100', args: { left, service, url: server.url } },
          );
          return stdout.trim();
        }),
      );
      for (const result of results)
        assert.match(result, /^(thrown ERR_ENGINE_START|EMFILE|open), then open$/);
      assert.equal(results[0], 'thrown ERR_ENGINE_START, then open');
      assert.ok(results.includes('EMFILE, then open'), results.join('\n'));
      assert.equal(results.at(-1), 'open, then open');
    });
  }

  // Only root can lower its own count of threads for sure: it becomes somebody else who has none left.
  if (process.getuid?.() === 0) {
    it('without a thread left the engine does not start, and says so', async () => {
      const { stdout } = await expectExit(
        `${outcome}
        process.setgid(54321);
        process.setuid(54321);
        outcome(args.url).then((result) => console.log(result));`,
        { code: 0, limit: 'prlimit --pid $$ --nproc=1', args: { url: server.url } },
      );
      assert.equal(stdout.trim(), 'thrown ERR_ENGINE_START');
    });
  }

  it('programs that the process starts inherit none', async () => {
    const { stdout } = await expectExit(
      `
      const { spawnSync } = require('node:child_process');
      const fs = require('node:fs');
      const flagsOf = (fd) => parseInt(/flags:\\s*(\\d+)/.exec(fs.readFileSync('/proc/self/fdinfo/' + fd, 'utf8'))[1], 8);
      const before = fs.readdirSync('/proc/self/fd');
      let open = 0;
      for (const url of args.urls) {
        const wso = lib.create({
          url,
          event_handlers: {
            1(reason) { throw new Error(reason); },
            3() { if (++open === args.urls.length) look(); },
            4() {},
          },
        });
        lib.connect(wso);
      }
      const look = () => {
        const made = fs.readdirSync('/proc/self/fd').filter((fd) => !before.includes(fd));
        let seen = 0;
        for (const fd of made) {
          let what;
          try { what = fs.readlinkSync('/proc/self/fd/' + fd); } catch { continue; }
          if (what.startsWith('socket:')) ++seen;
          if (!(flagsOf(fd) & 0o2000000)) throw new Error(fd + ' is inherited: ' + what);
        }
        if (seen < open) throw new Error('the sockets were not seen');
        const child = spawnSync('/bin/sh', ['-c', 'ls -l /proc/self/fd'], { encoding: 'utf8' });
        if (/socket:|eventfd|eventpoll/.test(child.stdout.replace(/ [012] -> .*/g, ''))) throw new Error(child.stdout);
        console.log('none');
        process.exit();
      };`,
      { code: 0, args: { urls: [server.url, server.url] } },
    );
    assert.equal(stdout.trim(), 'none');
  });
});
