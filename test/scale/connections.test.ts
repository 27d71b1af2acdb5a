/**
 * A thousand connections at once from one process, a hundred messages each way on each, twice.
 */
import { strict as assert } from 'node:assert';
import { Child } from '../support/child';
import { echoProgram } from '../support/echo-process';

const connections = 1000;
const messages = 100;

/**
 * V8 lets its young generation grow with the garbage it has seen; pinned, so that what is measured
 * is the package's.
 */
const nodeOptions = ['--expose-gc', '--min-semi-space-size=8', '--max-semi-space-size=8'];

const client = `
  const round = () => new Promise((resolve, reject) => {
    let open = 0;
    let closed = 0;
    const all = [];
    for (let i = 0; i < args.connections; ++i) {
      let next = 0;
      const wso = lib.create({ url: args.url, event_handlers: {
        1(reason, error) { reject(error); },
        3() {
          if (++open < args.connections) return;
          // All are open at once. Now everybody sends everything.
          for (const one of all) for (let n = 0; n < args.messages; ++n) lib.send(one, String(n));
        },
        8(data) {
          if (data !== String(next++)) reject(new Error('connection ' + i + ': ' + data + ' instead of ' + (next - 1)));
          if (next === args.messages) lib.close(wso);
        },
        4() {
          if (next !== args.messages) reject(new Error('connection ' + i + ' closed after ' + next));
          if (++closed === args.connections) resolve();
        },
      } });
      all.push(wso);
    }
    for (const one of all) lib.connect(one);
  });
  const settle = async () => {
    for (let i = 0; i < 5; ++i) { gc(); await new Promise((resolve) => setImmediate(resolve)); }
    return process.memoryUsage.rss();
  };
  // What is kept for reuse is given back some seconds after a burst (ARCHITECTURE.md, Limits).
  const settleTo = async (limit) => {
    const end = Date.now() + 20_000;
    let level = await settle();
    while (level > limit && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 100));
      level = await settle();
    }
    return level;
  };
  const ask = () => new Promise((resolve) => process.stdin.once('data', resolve));
  (async () => {
    let limit = Infinity;
    for (let i = 0; i < 2; ++i) {
      await round();
      const level = await settleTo(limit);
      console.log(level);
      limit = level * 1.1;
      await ask();
    }
    process.stdin.unref();
  })();
`;

describe('scale', () => {
  it(`${connections} connections at once, ${messages} messages each way, memory is given back`, async () => {
    const server = new Child(echoProgram, { timeout: 100_000 });
    const url = `ws://127.0.0.1:${await server.line()}/`;
    const child = new Child(client, {
      args: { url, connections, messages },
      nodeOptions,
      timeout: 90_000,
    });
    try {
      const levels: number[] = [];
      for (let i = 0; i < 2; ++i) {
        levels.push(Number(await child.line()));
        server.write('report\n');
        const seen = JSON.parse(await server.line()) as Record<string, number>;
        assert.equal(seen.connections, connections);
        assert.equal(seen.messages, connections * messages);
        assert.equal(seen.wrong, 0);
        child.write('\n');
      }
      const [first, second] = levels as [number, number];
      // Less is no fault: what the first round has left may be given back during the second.
      assert.ok(
        second - first <= first / 10,
        `${first} bytes after the first round, ${second} after the second`,
      );
      const { code, stderr } = await child.ended;
      assert.equal(code, 0, stderr);
    } finally {
      child.kill();
      server.kill();
      await server.ended;
    }
  }).timeout(100_000);
});
