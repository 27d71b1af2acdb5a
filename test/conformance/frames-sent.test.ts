/** RFC 6455 §5.1, §5.3, §5.4, §5.6: what an endpoint puts on the wire. */
import { strict as assert } from 'node:assert';
import { close, type Frame, Opcode } from '../support/frames';
import type { RawConnection } from '../support/raw-server';
import {
  describeSides,
  assertFrames,
  brief,
  type Case,
  type Endpoint,
  type Outcome,
  framesUntil,
  hasClose,
  Stage,
  table,
} from './harness';

const stage = new Stage();

/** The peer reads as the chop says, and answers the Close frame. */
function reading(chop: number) {
  return async (connection: RawConnection, frames: Frame[]): Promise<void> => {
    if (chop === 0) await framesUntil(frames, hasClose);
    while (!frames.some(({ opcode }) => opcode === Opcode.Close)) {
      // Small reads: its writes are taken in pieces, and its queue fills up.
      connection.socket.resume();
      await new Promise((resolve) => setImmediate(resolve));
      connection.socket.pause();
    }
    connection.socket.resume();
    connection.write(close(1000));
  };
}

async function sent(act: (endpoint: Endpoint) => void, chop = 0): Promise<Frame[]> {
  const outcome: Outcome = await stage.play({
    endpoint: (one) => {
      act(one);
      one.socket.close(1000);
    },
    script: reading(chop),
  });
  assert.deepEqual(outcome.errors.map(String), []);
  assertFrames(outcome.frames, stage.side);
  return outcome.frames.filter(({ opcode }) => opcode !== Opcode.Close);
}

function equal(actual: Frame | undefined, opcode: number, payload: Buffer, fin = true): void {
  assert.equal(actual?.opcode, opcode);
  assert.equal(actual.fin, fin);
  assert.equal(actual.rsv, 0);
  if (!actual.payload.equals(payload))
    assert.fail(`${brief(actual.payload)} instead of ${brief(payload)}`);
}

const sizes = [
  0,
  1,
  2,
  3,
  4,
  5,
  7,
  8,
  15,
  16,
  17,
  31,
  32,
  33,
  63,
  64,
  65,
  124,
  125,
  126,
  127,
  128,
  1000,
  4095,
  4096,
  16_384,
  65_534,
  65_535,
  65_536,
  65_537,
  131_072,
  1 << 20,
  4 << 20,
  16 << 20,
];

function lengths(): Case[] {
  return sizes.flatMap((size) =>
    ['text', 'binary'].flatMap((kind) =>
      [0, 1].map((chop) => ({
        name: `${kind} of ${size} bytes${chop ? ', read slowly' : ''}`,
        run: async () => {
          const data = Buffer.alloc(size);
          for (let at = 0; at < size; ++at)
            data[at] = kind === 'text' ? 0x20 + (at % 90) : (at * 13) & 0xff;
          const frames = await sent(
            ({ socket }) => socket.send(kind === 'text' ? data.toString() : data),
            chop,
          );
          assert.equal(frames.length, 1);
          equal(frames[0], kind === 'text' ? Opcode.Text : Opcode.Binary, data);
        },
      })),
    ),
  );
}

/** Views that begin at every offset of their buffer: masking in words must not look beyond, or shift. */
function alignments(): Case[] {
  const cases: Case[] = [];
  for (let offset = 0; offset < 16; ++offset) {
    for (const length of [0, 1, 3, 7, 8, 9, 31, 64, 100, 1000]) {
      cases.push({
        name: `a view of ${length} bytes at ${offset}`,
        run: async () => {
          const memory = new Uint8Array(2048).map((_, at) => (at * 7) & 0xff);
          const view = new Uint8Array(memory.buffer, offset, length);
          const frames = await sent(({ socket }) => socket.send(view));
          equal(frames[0], Opcode.Binary, Buffer.from(view));
        },
      });
    }
  }
  return cases;
}

function kinds(): Case[] {
  const source = Uint8Array.from([1, 2, 3, 4, 5, 6, 7, 8]);
  const data: [string, () => unknown, number, Buffer][] = [
    ['a string', () => 'text ✓', Opcode.Text, Buffer.from('text ✓')],
    ['an empty string', () => '', Opcode.Text, Buffer.alloc(0)],
    ['a lone surrogate, replaced', () => 'a\ud800b', Opcode.Text, Buffer.from('a\ufffdb')],
    [
      'a string of 100,000 characters of three bytes',
      () => '€'.repeat(100_000),
      Opcode.Text,
      Buffer.from('€'.repeat(100_000)),
    ],
    ['a Buffer', () => Buffer.from(source), Opcode.Binary, Buffer.from(source)],
    ['an ArrayBuffer', () => source.slice().buffer, Opcode.Binary, Buffer.from(source)],
    [
      'a SharedArrayBuffer view',
      () => new Uint8Array(new SharedArrayBuffer(4)),
      Opcode.Binary,
      Buffer.alloc(4),
    ],
    [
      'a DataView',
      () => new DataView(source.slice().buffer, 2, 3),
      Opcode.Binary,
      Buffer.from([3, 4, 5]),
    ],
    [
      'a Float64Array',
      () => new Float64Array([1, 2]),
      Opcode.Binary,
      Buffer.from(new Float64Array([1, 2]).buffer),
    ],
    [
      'a Uint16Array of a part',
      () => new Uint16Array(source.slice().buffer, 2, 2),
      Opcode.Binary,
      Buffer.from([3, 4, 5, 6]),
    ],
  ];
  return data.map(([name, make, opcode, payload]) => ({
    name,
    run: async () => {
      const frames = await sent(({ socket }) => socket.send(make() as string));
      assert.equal(frames.length, 1);
      equal(frames[0], opcode, payload);
    },
  }));
}

function fragmentsOfTheUser(): Case[] {
  const cases: Case[] = [];
  for (const pieces of [2, 3, 10]) {
    for (const size of [0, 1, 125, 126, 70_000]) {
      for (const isText of [true, false]) {
        cases.push({
          name: `${pieces} fragments of ${size} bytes, ${isText ? 'text' : 'binary'}`,
          run: async () => {
            const frames = await sent(({ socket }) => {
              for (let n = 0; n < pieces; ++n) {
                const piece = Buffer.alloc(size, 0x61 + n);
                socket.send(isText ? piece.toString() : piece, { fin: n === pieces - 1 });
                // Control frames may come in between (§5.4).
                if (n < pieces - 1) socket.ping(`ping ${n}`);
              }
            });
            const data = frames.filter(({ opcode }) => opcode !== Opcode.Ping);
            assert.equal(data.length, pieces);
            data.forEach((one, n) => {
              const opcode = n > 0 ? Opcode.Continuation : isText ? Opcode.Text : Opcode.Binary;
              equal(one, opcode, Buffer.alloc(size, 0x61 + n), n === pieces - 1);
            });
          },
        });
      }
    }
  }
  return cases;
}

/** §5.3: the key of each frame is fresh and not to be foreseen. */
function maskingKeys(): Case[] {
  return [
    {
      name: '5,000 frames have keys of their own, whose bits are spread evenly',
      run: async () => {
        const frames = await sent(({ socket }) => {
          for (let n = 0; n < 5000; ++n) socket.send('x');
        });
        assert.equal(frames.length, 5000);
        const keys = new Set(frames.map(({ mask }) => mask.readUInt32BE()));
        // The chance of three pairs among 5,000 random keys is about 2 in a million.
        assert.ok(keys.size >= 4998, `${5000 - keys.size} keys twice`);
        for (let bit = 0; bit < 32; ++bit) {
          const ones = frames.filter(({ mask }) => (mask.readUInt32BE() >>> bit) & 1).length;
          assert.ok(ones > 2200 && ones < 2800, `bit ${bit} is set in ${ones} of 5000`);
        }
      },
    },
    {
      name: 'two connections do not share keys',
      run: async () => {
        const keys = await Promise.all(
          [1, 2].map(async () => {
            const frames = await sent(({ socket }) => {
              for (let n = 0; n < 100; ++n) socket.send('x');
            });
            return frames.map(({ mask }) => mask.toString('hex'));
          }),
        );
        const shared = (keys[0] as string[]).filter((key) => (keys[1] as string[]).includes(key));
        assert.deepEqual(shared, []);
      },
    },
  ];
}

function order(): Case[] {
  return [0, 1].map((chop) => ({
    name: `1,000 messages of mixed sizes and kinds keep their order${chop ? ', read slowly' : ''}`,
    run: async () => {
      const size = (n: number): number => (n % 50 === 0 ? 80_000 : (n * 37) % 300);
      const frames = await sent(({ socket }) => {
        for (let n = 0; n < 1000; ++n) {
          const data = Buffer.alloc(size(n), 0x61 + (n % 26));
          socket.send(n % 2 ? data.toString() : data);
        }
      }, chop);
      assert.equal(frames.length, 1000);
      frames.forEach((one, n) =>
        equal(one, n % 2 ? Opcode.Text : Opcode.Binary, Buffer.alloc(size(n), 0x61 + (n % 26))),
      );
    },
  }));
}

describeSides('RFC 6455 §5 frames sent', stage, (side) => {
  table('lengths', lengths(), 4);
  table('alignments', alignments());
  table('kinds of data', kinds());
  table('fragments sent by the user', fragmentsOfTheUser());
  if (side === 'client') table('masking keys', maskingKeys());
  table('order', order());
});
