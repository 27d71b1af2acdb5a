/**
 * Connections come and go, and what they held goes with them: descriptors, threads, memory, and the objects themselves.
 */
import { strict as assert } from 'node:assert';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

const prelude = `
const fs = require('node:fs');
const count = (what) => fs.readdirSync('/proc/self/' + what).length;
const settle = async () => { for (let i = 0; i < 5; ++i) { gc(); await new Promise((resolve) => setImmediate(resolve)); } };
/** One connection, from beginning to end, with a message of that size both ways. */
const visit = (url, size = 1000) => new Promise((resolve, reject) => {
  const wso = lib.create({ url, ssl_settings: args.ssl, event_handlers: {
    1(reason, error) { if (url === args.refused) resolve(); else reject(error); },
    3() { lib.send(wso, Buffer.alloc(size)); },
    8() { lib.close(wso); },
    4: resolve,
  } });
  lib.connect(wso);
});
// A log function keeps the engine, so that what is counted does not depend on the moment in which it would go.
lib.set_log_level(1, () => {});
const visits = async (times, ...rest) => { for (let i = 0; i < times; ++i) await visit(...rest); };
const measure = async () => { await settle(); return { rss: process.memoryUsage.rss(), fd: count('fd'), task: count('task') }; };
/**
 * The least of each there was after some rounds: how much the allocator keeps for later goes up and down, and the
 * engine may close the last descriptor a moment after the event.
 */
const lowest = async (round) => {
  const low = { rss: Infinity, fd: Infinity, task: Infinity };
  for (let i = 0; i < 5; ++i) {
    await round();
    const now = await measure();
    for (const name of Object.keys(low)) low[name] = Math.min(low[name], now[name]);
  }
  return low;
};
/**
 * Memory that goes on growing after warming up is a leak: so much at most in ten rounds. What the allocator takes once
 * more, it does not take in the ten rounds after that; a leak does.
 */
const leak = async (round, most) => {
  // libuv opens /dev/null, once, with a loop's first stream: here that is standard output.
  console.log('leak');
  for (let i = 0; i < 5; ++i) await round();
  let before = await lowest(round);
  let after;
  for (let window = 1; ; ++window) {
    for (let i = 0; i < 5; ++i) await round();
    after = await lowest(round);
    console.log(JSON.stringify({ before, after }));
    if (after.rss - before.rss <= most) break;
    if (window === 3) throw new Error('grown by ' + (after.rss - before.rss));
    before = after;
  }
  if (after.fd !== before.fd) throw new Error('descriptors');
  // Threads that look up names are begun as they are needed.
  if (after.task > before.task + 3) throw new Error('threads');
};
`;

const nodeOptions = ['--expose-gc', '--min-semi-space-size=8', '--max-semi-space-size=8'];
const mebibyte = 1 << 20;

describe('what connections leave behind', () => {
  let plain: WsServer;
  let secure: WsServer;
  let args: Record<string, unknown>;
  before(async () => {
    plain = await startWsServer();
    secure = await startWsServer({ tls: true });
    const ssl = { client_ssl_ca_filepath: certificates().caPath };
    args = { plain: plain.url, secure: secure.url, refused: 'ws://127.0.0.1:9/', ssl };
  });
  after(() => Promise.all([plain.close(), secure.close()]));

  /** name, round, what ten of them may leave behind */
  const rounds: [string, string, number][] = [
    ['1,000 connections, one after the other', `visits(100, args.plain)`, 2 * mebibyte],
    ['500 TLS connections', `visits(50, args.secure)`, 2 * mebibyte],
    ['1,000 connections that fail', `visits(100, args.refused)`, 2 * mebibyte],
    ['connections with a large message each', `visits(2, args.plain, 16 << 20)`, 24 * mebibyte],
    [
      'objects that never connect',
      `(async () => { for (let i = 0; i < 5000; ++i) lib.create({ url: args.plain }); })()`,
      4 * mebibyte,
    ],
  ];
  for (const [name, round, most] of rounds) {
    it(name, async () => {
      await expectExit(`${prelude} leak(() => ${round}, ${most});`, {
        args,
        nodeOptions,
        timeout: 40_000,
      });
    }).timeout(45_000);
  }

  it('an object that nobody holds lives until it has closed, and is collected then', async () => {
    const snippet = `${prelude}
      let collected = 0;
      const registry = new FinalizationRegistry(() => { collected++; });
      (async () => {
        await new Promise((resolve) => {
          let closed = 0;
          for (let i = 0; i < 20; ++i) {
            const wso = lib.create({ url: args.plain, event_handlers: {
              3() { gc(); lib.send(this, 'x'); },
              8() { gc(); lib.close(this); },
              4() { if (++closed === 20) resolve(); },
            } });
            registry.register(wso, i);
            lib.connect(wso);
          }
        });
        for (let i = 0; i < 50 && collected < 18; ++i) await settle();
        console.log(collected >= 18);
      })();
    `;
    const { stdout } = await expectExit(snippet, { args, nodeOptions });
    assert.equal(stdout, 'true\n');
  });

  it('descriptors and threads are where they were when the last connection has gone', async () => {
    const snippet = `${prelude}
      (async () => {
        await visit(args.plain);
        const before = await measure();
        await Promise.all(Array.from({ length: 100 }, (_, i) => visit(i % 2 ? args.plain : args.secure)));
        const after = await measure();
        console.log(before.fd === after.fd, after.task - before.task);
      })();
    `;
    const { stdout } = await expectExit(snippet, { args, nodeOptions });
    assert.match(stdout, /^true [0-4]\n$/, stdout);
  });
});
