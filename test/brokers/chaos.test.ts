/** What `npm run test:chaos` finds wrong: each kind of fault is found, and nothing else. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { root } from '../support/root';

type Settled = [topic: string, number: number, time: number, outcome: 0 | 1];

interface Seen {
  union: [key: string, numbers: number[]][];
  runs: [key: string, first: number, last: number, count: number][];
  violations: string[];
}

interface Run {
  seen: Map<string, Seen>;
  settled: Map<string, Settled[]>;
  calm: [number, number][];
  away: [number, number][];
  last: Map<string, object>;
  faithful: string[];
}

// eslint-disable-next-line @typescript-eslint/no-require-imports -- a program that is not compiled
const { check } = require(join(root, 'test', 'chaos', 'check.js')) as {
  check: (run: Run) => { problems: string[]; counts: Record<string, unknown>[] };
};

/** A publishes four messages to B: the third when there is no broker. */
function good(): Run {
  const brokerStats = { published: 3, lost: 1, received: 0, late: 0, waitingBytes: 0 };
  const all = [1, 2, 3, 4];
  return {
    seen: new Map([
      ['A', { union: [['A1 t', all]], runs: [['A1 t', 1, 4, 4]], violations: [] }],
      ['B', { union: [['A1 t', [1, 2, 4]]], runs: [['A1 t', 1, 4, 3]], violations: [] }],
    ]),
    settled: new Map([['A1', [1, 2, 3, 4].map((n): Settled => ['t', n, n * 10, n === 3 ? 0 : 1])]]),
    calm: [
      [5, 25],
      [35, 45],
    ],
    away: [[26, 34]],
    last: new Map([['A', { name: 'A1', brokerStats, received: 0, dropped: 0 }]]),
    faithful: ['A'],
  };
}

describe('brokers: the chaos test', () => {
  it('finds nothing where all is as it may be, and counts', () => {
    const { problems, counts } = check(good());
    assert.deepEqual(problems, []);
    const counted = { published: 4, reached: 3, lost: 1, cameAllTheSame: 0, notByAll: 0 };
    assert.deepEqual(counts, [{ name: 'A1', ...counted }]);
  });

  const faults: [what: string, break_: (run: Run) => void, problem: RegExp][] = [
    [
      'a message that came twice, or late',
      (run) => run.seen.get('B')?.violations.push('A1 t 1 came after 2'),
      /^B: A1 t 1 came after 2$/,
    ],
    [
      'a message that one client has, and another has not',
      (run) => run.seen.get('B')?.runs.push(['A1 t', 1, 4, 2]),
      /^B: a client got 2 of 3 of A1 t from 1 to 4$/,
    ],
    [
      'a message that did not come while nothing was disturbed',
      (run) => {
        (run.seen.get('B') as Seen).union = [['A1 t', [2, 4]]];
        (run.seen.get('B') as Seen).runs = [['A1 t', 2, 4, 2]];
      },
      /^A1 t 1 did not come to B$/,
    ],
    [
      'a loss for no reason',
      (run) => ((run.settled.get('A1') as Settled[])[3] = ['t', 4, 40, 0]),
      /^A1 t 4 was lost for no reason$/,
    ],
    [
      'a message that is said to have reached nobody',
      (run) => ((run.settled.get('A1') as Settled[])[2] = ['t', 3, 30, 1]),
      /^A1 t 3 has reached a broker that was not there$/,
    ],
    [
      'a message that came without a broker',
      (run) => ((run.seen.get('B') as Seen).union = [['A1 t', [1, 2, 3, 4]]]),
      /^A1 t 3 came without a broker$/,
    ],
    [
      'counters that are wrong',
      (run) => {
        const brokerStats = { published: 3, lost: 0, received: 1, late: 0, waitingBytes: 0 };
        run.last.set('A', { name: 'A1', brokerStats, received: 1, dropped: 0 });
      },
      /^A1: lost: 0 by the library, 1 by the test$/,
    ],
    [
      'messages that the library had, and clients have not',
      (run) => {
        const brokerStats = { published: 3, lost: 1, received: 1, late: 0, waitingBytes: 0 };
        run.last.set('A', { name: 'A1', brokerStats, received: 1, dropped: 0 });
      },
      /^A1: received, and what clients got: 1 by the library, 0 by the test$/,
    ],
  ];
  for (const [what, break_, problem] of faults) {
    it(`finds ${what}`, () => {
      const run = good();
      break_(run);
      const { problems } = check(run);
      assert.ok(
        problems.some((text) => problem.test(text)),
        JSON.stringify(problems),
      );
    });
  }
});
