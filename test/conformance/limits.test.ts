/** RFC 6455 §7.4.1, §10.4: limits of the receiver, code 1009 (and 1008). */
import { deflateRawSync } from 'node:zlib';
import { binary, continuation, frame, ping, text } from '../support/frames';
import {
  describeSides,
  assertClosed,
  assertFailed,
  type Case,
  type ClientOptions,
  goodbye,
  Stage,
  table,
} from './harness';

const stage = new Stage();

const limits = [1, 125, 126, 1000, 65_535, 65_536, 1 << 20];

function wholeMessages(): Case[] {
  return limits.flatMap((maxPayload) =>
    [0, 1460].flatMap((chop): Case[] => [
      {
        name: `${maxPayload} bytes of ${maxPayload}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const data = Buffer.alloc(maxPayload, 1);
          const send = Buffer.concat([binary(data), binary(data), goodbye]);
          assertClosed(await stage.play({ send, chop, options: { maxPayload } }), [data, data]);
        },
      },
      {
        name: `${maxPayload + 1} bytes of ${maxPayload}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const send = Buffer.concat([
            text('b'),
            binary(Buffer.alloc(maxPayload + 1)),
            text('after'),
          ]);
          assertFailed(await stage.play({ send, chop, options: { maxPayload } }), 1009, ['b']);
        },
      },
      {
        name: `the header of a frame of ${maxPayload + 1} bytes suffices`,
        run: async () => {
          const send = frame({ opcode: 2, claimedLength: BigInt(maxPayload + 1) });
          assertFailed(await stage.play({ send, chop, options: { maxPayload } }), 1009);
        },
      },
    ]),
  );
}

function fragmented(): Case[] {
  const cases: Case[] = [];
  for (const maxPayload of [10, 1000, 100_000]) {
    for (const pieces of [2, 3, 10]) {
      for (const over of [0, 1]) {
        const total = maxPayload + over;
        cases.push({
          name: `${total} bytes of ${maxPayload} in ${pieces} fragments`,
          run: async () => {
            const data = Buffer.alloc(total, 1);
            const size = Math.floor(total / pieces);
            const frames: Buffer[] = [];
            for (let n = 0; n < pieces; ++n) {
              const last = n === pieces - 1;
              const piece = data.subarray(n * size, last ? total : (n + 1) * size);
              frames.push(
                n === 0 ? binary(piece, { fin: last }) : continuation(piece, { fin: last }),
                ping('not counted'),
              );
            }
            const outcome = await stage.play({
              send: Buffer.concat([...frames, goodbye]),
              options: { maxPayload },
            });
            if (over) assertFailed(outcome, 1009);
            else assertClosed(outcome, [data]);
          },
        });
      }
    }
  }
  return cases;
}

function inflated(): Case[] {
  const cases: Case[] = [];
  const extensions = 'permessage-deflate';
  for (const maxPayload of [100, 1000, 100_000]) {
    for (const [name, size] of [
      ['just', maxPayload],
      ['one more than', maxPayload + 1],
      ['a thousand times', maxPayload * 1000],
    ] as const) {
      for (const pieces of [1, 3]) {
        for (const chop of [0, 7]) {
          const deflated = Buffer.concat([
            deflateRawSync(Buffer.alloc(size, 0x61)),
            Buffer.from([0]),
          ]);
          if (chop > 0 && deflated.length > 2000) continue;
          cases.push({
            name: `${name} ${maxPayload} bytes when inflated, ${pieces} fragments, in pieces of ${chop || 'any size'}`,
            run: async () => {
              const cut = Math.ceil(deflated.length / pieces);
              const frames: Buffer[] = [];
              for (let n = 0; n < pieces; ++n) {
                const piece = deflated.subarray(n * cut, (n + 1) * cut);
                const fin = n === pieces - 1;
                frames.push(n === 0 ? text(piece, { fin, rsv: 4 }) : continuation(piece, { fin }));
              }
              const options: ClientOptions = { maxPayload, perMessageDeflate: true };
              const outcome = await stage.play({
                send: Buffer.concat([...frames, goodbye]),
                chop,
                options,
                accept: { extensions },
              });
              if (size > maxPayload) assertFailed(outcome, 1009);
              else assertClosed(outcome, ['a'.repeat(size)]);
            },
          });
        }
      }
    }
  }
  return cases;
}

function fragmentCount(): Case[] {
  const many = (count: number): Buffer[] =>
    Array.from({ length: count }, (_, n) =>
      n === 0 ? text('x', { fin: false }) : continuation('x', { fin: n === count - 1 }),
    );
  return [2, 16, 1000].flatMap((maxFragments): Case[] => [
    {
      name: `${maxFragments} fragments of ${maxFragments}`,
      run: async () => {
        const send = Buffer.concat([...many(maxFragments), goodbye]);
        assertClosed(await stage.play({ send, options: { maxFragments } as ClientOptions }), [
          'x'.repeat(maxFragments),
        ]);
      },
    },
    {
      name: `${maxFragments + 1} fragments of ${maxFragments}`,
      run: async () => {
        const send = Buffer.concat([...many(maxFragments + 1), goodbye]);
        assertFailed(await stage.play({ send, options: { maxFragments } as ClientOptions }), 1008);
      },
    },
  ]);
}

describeSides('RFC 6455 §10.4 limits', stage, () => {
  table('whole messages', wholeMessages(), 8);
  table('fragmented messages', fragmented());
  table('inflated messages', inflated(), 8);
  table('fragments of a message', fragmentCount());
});
