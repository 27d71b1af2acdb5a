/** RFC 6455 §5.2: base framing. */
import { binary, continuation, frame, ping, text } from '../support/frames';
import {
  describeSides,
  assertClosed,
  assertFailed,
  type Case,
  goodbye,
  type Side,
  Stage,
  table,
} from './harness';

const stage = new Stage();

/** Bytes that differ everywhere, so that nothing can be lost or doubled unseen. */
function pattern(size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let at = 0; at + 4 <= size; at += 4) bytes.writeUInt32LE((at * 2_654_435_761) >>> 0, at);
  for (let at = size & ~3; at < size; ++at) bytes[at] = at & 0xff;
  return bytes;
}

/** ASCII, with a character of each longer length now and then. */
function letters(size: number): string {
  const unit = `${'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(4)}é€😀`;
  const bytes = Buffer.from(unit.repeat(Math.ceil(size / Buffer.byteLength(unit)) + 1));
  let end = size;
  while (((bytes[end] as number) & 0xc0) === 0x80) end--;
  return bytes.toString('utf8', 0, end) + 'x'.repeat(size - end);
}

const kibi = 1024;
const sizes = [
  0,
  1,
  2,
  3,
  7,
  8,
  124,
  125,
  126,
  127,
  128,
  129,
  255,
  256,
  1000,
  4095,
  4096,
  4097,
  16_383,
  16_384,
  65_534,
  65_535,
  65_536,
  65_537,
  128 * kibi,
  256 * kibi,
  kibi * kibi,
  4 * kibi * kibi,
  16 * kibi * kibi,
];
const chops = [0, 1, 2, 3, 5, 7, 64, 128, 997, 1460, 4096, 16_384, 65_536, 1 << 20];

/** Writes that one case may cost. */
const mostWrites = 6000;

function lengths(): Case[] {
  const cases: Case[] = [];
  for (const kind of ['text', 'binary']) {
    for (const size of sizes) {
      const data = kind === 'text' ? letters(size) : pattern(size);
      const bytes = typeof data === 'string' ? text(data) : binary(data);
      for (const chop of chops) {
        if (chop > 0 && (bytes.length / chop > mostWrites || chop >= bytes.length + 4)) continue;
        cases.push({
          name: `${kind} of ${size} bytes in pieces of ${chop || 'any size'}`,
          run: async () => {
            const send = Buffer.concat([bytes, goodbye]);
            assertClosed(await stage.play({ send, chop }), [data]);
          },
        });
      }
    }
  }
  return cases;
}

/** A message whose header and payload are cut at every place, in two. */
function everyCut(): Case[] {
  const cases: Case[] = [];
  for (const size of [0, 1, 5, 125, 126, 130, 65_536]) {
    const data = pattern(size);
    const bytes = Buffer.concat([binary(data), text('next'), goodbye]);
    const cuts = size > 200 ? 40 : bytes.length;
    for (let cut = 1; cut < cuts; ++cut) {
      cases.push({
        name: `binary of ${size} bytes, cut at ${cut}`,
        run: async () => {
          const send = [bytes.subarray(0, cut), bytes.subarray(cut)];
          assertClosed(await stage.play({ send }), [data, 'next']);
        },
      });
    }
  }
  return cases;
}

/** Two cuts, at all pairs of places, of two short messages. */
function everyTwoCuts(): Case[] {
  const bytes = Buffer.concat([text('ab'), binary(Buffer.from([1, 2, 3])), goodbye]);
  const cases: Case[] = [];
  for (let first = 1; first < bytes.length; ++first) {
    for (let second = first + 1; second < bytes.length; ++second) {
      cases.push({
        name: `cut at ${first} and ${second}`,
        run: async () => {
          const send = [
            bytes.subarray(0, first),
            bytes.subarray(first, second),
            bytes.subarray(second),
          ];
          assertClosed(await stage.play({ send }), ['ab', Buffer.from([1, 2, 3])]);
        },
      });
    }
  }
  return cases;
}

function manyMessages(): Case[] {
  return [1, 2, 3, 16, 125, 126, 127, 1000, 70_000].flatMap((size) =>
    [0, 1, 13, 1000, 4096].flatMap((chop) => {
      const messages = Math.min(1000, Math.ceil(2_000_000 / (size + 10)));
      if (chop > 0 && (messages * (size + 4)) / chop > mostWrites) return [];
      return [
        {
          name: `${messages} messages of ${size} bytes in pieces of ${chop || 'any size'}`,
          run: async () => {
            const all = Array.from({ length: messages }, (_, index) =>
              pattern(size).fill(index & 0xff, 0, 1),
            );
            const send = Buffer.concat([...all.map((data) => binary(data)), goodbye]);
            assertClosed(await stage.play({ send, chop }), all);
          },
        },
      ];
    }),
  );
}

/** Lengths in a longer form than they need: §5.2 forbids that to senders and asks nothing of receivers. */
function longForms(): Case[] {
  const cases: Case[] = [];
  for (const [form, size] of [
    [126, 0],
    [126, 1],
    [126, 125],
    [127, 0],
    [127, 125],
    [127, 126],
    [127, 65_535],
  ] as const) {
    cases.push({
      name: `${size} bytes with a length in form ${form}`,
      run: async () => {
        const data = pattern(size);
        const send = Buffer.concat([binary(data, { lengthForm: form }), goodbye]);
        assertClosed(await stage.play({ send }), [data]);
      },
    });
  }
  return cases;
}

/** A frame that must not be, after a message that must be delivered, whole and in pieces, and with more behind it. */
function refused(name: string, bytes: Buffer, code: number, options = {}): Case[] {
  const good = text('before');
  return [
    {
      name,
      run: async () => assertFailed(await stage.play({ send: bytes, options }), code),
    },
    {
      name: `${name}, after a message, a byte at a time`,
      run: async () => {
        const send = Buffer.concat([good, bytes]);
        assertFailed(await stage.play({ send, chop: 1, options }), code, ['before']);
      },
    },
    {
      name: `${name}, between messages`,
      run: async () => {
        const send = Buffer.concat([good, bytes, text('after'), goodbye]);
        assertFailed(await stage.play({ send, options }), code, ['before']);
      },
    },
  ];
}

const payloads: [string, Buffer][] = [
  ['empty', Buffer.alloc(0)],
  ['short', Buffer.from('short')],
  ['of 200 bytes', Buffer.alloc(200, 0x61)],
];

function reservedBits(): Case[] {
  const cases: Case[] = [];
  for (let rsv = 1; rsv < 8; ++rsv) {
    for (const opcode of [1, 2, 8, 9, 10]) {
      for (const [what, payload] of payloads) {
        if (opcode >= 8 && payload.length > 125) continue;
        // A Close frame's payload begins with a code.
        const content =
          opcode === 8 && payload.length > 0
            ? Buffer.concat([Buffer.from([3, 232]), payload])
            : payload;
        cases.push(
          ...refused(
            `RSV ${rsv}, opcode ${opcode}, ${what}`,
            frame({ rsv, opcode, payload: content }),
            1002,
          ),
        );
      }
    }
    cases.push(
      ...refused(
        `RSV ${rsv} on a continuation`,
        Buffer.concat([text('a', { fin: false }), continuation('b', { rsv })]),
        1002,
      ),
    );
  }
  return cases;
}

function opcodes(): Case[] {
  const cases: Case[] = [];
  for (const opcode of [3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) {
    for (const [what, payload] of payloads) {
      for (const fin of [true, false]) {
        cases.push(
          ...refused(
            `opcode ${opcode}, ${what}, FIN ${fin}`,
            frame({ opcode, payload, fin }),
            1002,
          ),
        );
      }
    }
    cases.push(
      ...refused(
        `opcode ${opcode} within a fragmented message`,
        Buffer.concat([
          text('a', { fin: false }),
          frame({ opcode, payload: 'x' }),
          continuation('b'),
        ]),
        1002,
      ),
    );
  }
  return cases;
}

/** A frame of each kind, with these options. */
function ofEachKind(options: { mask?: Buffer }): [string, Buffer][] {
  return [1, 2, 8, 9, 10].flatMap((opcode) =>
    payloads
      .filter(([, payload]) => opcode < 8 || payload.length <= 125)
      .map(([what, payload]): [string, Buffer] => {
        const isClose = opcode === 8 && payload.length > 0;
        const content = isClose ? Buffer.concat([Buffer.from([3, 232]), payload]) : payload;
        return [`opcode ${opcode}, ${what}`, frame({ ...options, opcode, payload: content })];
      }),
  );
}

function masked(): Case[] {
  return [Buffer.alloc(4), Buffer.from([1, 2, 3, 4])].flatMap((mask) => [
    ...ofEachKind({ mask }).flatMap(([what, bytes]) =>
      refused(`masked with ${mask.toString('hex')}, ${what}`, bytes, 1002),
    ),
    ...refused(
      'a masked continuation',
      Buffer.concat([text('a', { fin: false }), continuation('b', { mask })]),
      1002,
    ),
  ]);
}

const key = Buffer.from([1, 2, 3, 4]);

function unmasked(): Case[] {
  const begun = text('a', { fin: false, mask: key });
  const kinds: [string, Buffer][] = [
    ...ofEachKind({}),
    ['a continuation', Buffer.concat([begun, continuation('b')])],
  ];
  return kinds.flatMap(([what, bytes]) =>
    [0, 1].map((chop) => ({
      name: `${what}, not masked, between messages, in pieces of ${chop || 'any size'}`,
      run: async () => {
        const around = [text('before', { mask: key }), bytes, text('after', { mask: key })];
        const outcome = await stage.play({ send: Buffer.concat(around), chop, asItIs: true });
        assertFailed(outcome, 1002, ['before']);
      },
    })),
  );
}

/** As `everyCut`, and within the masking key. */
function everyMaskedCut(): Case[] {
  return [0, 1, 5, 125, 126, 65_536].flatMap((size) => {
    const data = pattern(size);
    const bytes = Buffer.concat([
      binary(data, { mask: key }),
      text('next', { mask: Buffer.from([0xff, 0, 0x80, 7]) }),
      frame({ opcode: 8, payload: Buffer.from([3, 232]), mask: Buffer.alloc(4) }),
    ]);
    return Array.from({ length: Math.min(40, bytes.length - 1) }, (_, index) => ({
      name: `binary of ${size} bytes, masked, cut at ${index + 1}`,
      run: async () => {
        const send = [bytes.subarray(0, index + 1), bytes.subarray(index + 1)];
        assertClosed(await stage.play({ send, asItIs: true }), [data, 'next']);
      },
    }));
  });
}

function impossibleLengths(): Case[] {
  const claim = (claimedLength: bigint): Buffer =>
    frame({ opcode: 2, claimedLength, payload: 'x' });
  return [
    ...refused('the highest bit of the length', claim(1n << 63n), 1009),
    ...refused('all bits of the length', claim((1n << 64n) - 1n), 1009),
    ...refused('2^62 bytes', claim(1n << 62n), 1009),
    ...refused('2^53 bytes', claim(1n << 53n), 1009),
    ...refused('2^32 bytes', claim(1n << 32n), 1009),
    ...refused('2^53 bytes, without a limit of ours', claim(1n << 53n), 1009, { maxPayload: 0 }),
  ];
}

/** A frame is judged by its header, without waiting for a payload that may never come. */
function judgedByHeader(side: Side): Case[] {
  const heads: [string, Buffer, number][] = [
    ['RSV1', frame({ opcode: 1, rsv: 4, claimedLength: 1000n }), 1002],
    ['opcode 3', frame({ opcode: 3, claimedLength: 1000n }), 1002],
    ['a long ping', ping('', { claimedLength: 1000n }), 1002],
    ['a continuation of nothing', continuation('', { claimedLength: 1000n }), 1002],
    [
      'only the first two bytes, RSV1',
      frame({ opcode: 1, rsv: 4, claimedLength: 1000n }).subarray(0, 2),
      1002,
    ],
  ];
  const mask = side === 'client' ? { mask: Buffer.alloc(4) } : {};
  const wrong = side === 'client' ? 'masked' : 'not masked';
  const asTheyAre: [string, Buffer][] = [
    [`a frame that is ${wrong}`, frame({ opcode: 1, ...mask, claimedLength: 1000n })],
    [
      `only the first two bytes, ${wrong}`,
      frame({ opcode: 1, ...mask, claimedLength: 1n }).subarray(0, 2),
    ],
  ];
  return [
    ...heads.map(([name, send, code]) => ({
      name,
      run: async () => assertFailed(await stage.play({ send }), code),
    })),
    ...asTheyAre.map(([name, send]) => ({
      name,
      run: async () => assertFailed(await stage.play({ send, asItIs: true }), 1002),
    })),
  ];
}

describeSides('RFC 6455 §5.2 base framing', stage, (side) => {
  table('lengths and pieces', lengths(), 8);
  table('a message cut in two', everyCut());
  table('messages cut in three', everyTwoCuts());
  table('many messages', manyMessages(), 8);
  table('longer forms of lengths', longForms());
  table('reserved bits', reservedBits());
  table('reserved opcodes', opcodes());
  if (side === 'client') table('masked frames of a server', masked());
  else table('frames of a client that are not masked', unmasked());
  if (side !== 'client') table('a masked message cut in two', everyMaskedCut());
  table('impossible lengths', impossibleLengths());
  table('headers that suffice to fail', judgedByHeader(side));
});
