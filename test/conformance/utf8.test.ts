/** RFC 6455 §8.1: text is UTF-8, and fails fast where it is not. */
import { close, closePayload, continuation, frame, Opcode, ping, text } from '../support/frames';
import {
  describeSides,
  assertClosed,
  assertFailed,
  type Case,
  goodbye,
  Stage,
  table,
} from './harness';

const stage = new Stage();

const bytes = (hex: string): Buffer => Buffer.from(hex.replace(/ /g, ''), 'hex');

/** Sequences that are right, most of them next to ones that are wrong. */
const valid = [
  '00',
  '7f',
  'c2 80',
  'df bf',
  'e0 a0 80',
  'ed 9f bf',
  'ee 80 80',
  'ef bf bf',
  'ef bf be',
  'ef b7 90',
  'ef bb bf',
  'f0 90 80 80',
  'f0 9f 98 80',
  'f3 bf bf bf',
  'f4 8f bf bf',
  'ce ba e1 bd b9 cf 83 ce bc ce b5',
  'e2 82 ac',
  '61 cc 88',
  'f0 9f 91 a9 e2 80 8d f0 9f 92 bb',
  'e2 80 a8',
  '48 65 6c 6c 6f 2d c2 b5 40 c3 9f c3 b6 c3 a4 c3 bc c3 a0 c3 a1',
].map(bytes);

/** Sequences that are wrong, and how many of their bytes suffice to know; 0: only their end tells. */
const invalid: [string, number][] = [
  ['80', 1],
  ['bf', 1],
  ['80 bf', 1],
  ['61 80', 2],
  ['c2 80 80', 3],
  ['e2 82 ac 80', 4],
  ['f0 9f 98 80 80', 5],
  // Never allowed.
  ['c0', 1],
  ['c1', 1],
  ['f5', 1],
  ['f6', 1],
  ['f7', 1],
  ['f8', 1],
  ['fb', 1],
  ['fc', 1],
  ['fd', 1],
  ['fe', 1],
  ['ff', 1],
  ['fe fe ff ff', 1],
  // Overlong.
  ['c0 80', 1],
  ['c0 af', 1],
  ['c1 bf', 1],
  ['e0 80 80', 2],
  ['e0 80 af', 2],
  ['e0 9f bf', 2],
  ['f0 80 80 80', 2],
  ['f0 80 80 af', 2],
  ['f0 8f bf bf', 2],
  ['f8 88 80 80 80', 1],
  ['fc 84 80 80 80 80', 1],
  // Surrogates.
  ['ed a0 80', 2],
  ['ed ad bf', 2],
  ['ed ae 80', 2],
  ['ed af bf', 2],
  ['ed b0 80', 2],
  ['ed bf bf', 2],
  ['ed a0 80 ed b0 80', 2],
  ['ed af bf ed bf bf', 2],
  // Past U+10FFFF.
  ['f4 90 80 80', 2],
  ['f4 bf bf bf', 2],
  ['f7 bf bf bf', 1],
  // Cut in the middle.
  ['c2 61', 2],
  ['e2 61', 2],
  ['e2 82 61', 3],
  ['f0 61', 2],
  ['f0 9f 61', 3],
  ['f0 9f 98 61', 4],
  ['c2 c2 80', 2],
  ['e2 82 e2 82 ac', 3],
  ['f0 9f 98 f0', 4],
  ['c2', 0],
  ['df', 0],
  ['e0', 0],
  ['e2', 0],
  ['ef', 0],
  ['f0', 0],
  ['f4', 0],
  ['e0 a0', 0],
  ['e2 82', 0],
  ['ed 9f', 0],
  ['ef bf', 0],
  ['f0 90', 0],
  ['f0 9f 98', 0],
  ['f4 8f bf', 0],
  // In the middle of good text.
  ['ce ba e1 bd b9 cf 83 ce bc ce b5 ed a0 80 65 64 69 74 65 64', 13],
  ['ce ba e1 bd b9 cf 83 ce bc ce b5 f4 90 80 80 65 64 69 74 65 64', 13],
];

/** In front and behind: nothing; ASCII short and long enough for fast paths; and characters of every length. */
const surroundings: [string, Buffer][] = [
  ['alone', Buffer.alloc(0)],
  ['among ASCII', Buffer.from('hello')],
  ['among 64 bytes of ASCII', Buffer.alloc(64, 0x41)],
  ['among others', Buffer.from('aé€😀')],
  ['among 999 bytes', Buffer.alloc(999, 0x7a)],
];

function validSequences(): Case[] {
  const cases: Case[] = [];
  for (const sequence of valid) {
    for (const [where, around] of surroundings) {
      const whole = Buffer.concat([around, sequence, around]);
      for (const chop of [0, 1, 3]) {
        if (chop > 0 && whole.length > 500) continue;
        cases.push({
          name: `${sequence.toString('hex')} ${where}, in pieces of ${chop || 'any size'}`,
          run: async () =>
            assertClosed(await stage.play({ send: Buffer.concat([text(whole), goodbye]), chop }), [
              whole.toString(),
            ]),
        });
      }
    }
  }
  return cases;
}

/** All characters there are, in messages of 16,384. */
function everyCharacter(): Case[] {
  const cases: Case[] = [];
  for (let first = 0; first < 0x110000; first += 0x4000) {
    cases.push({
      name: `U+${first.toString(16)} to U+${(first + 0x3fff).toString(16)}`,
      run: async () => {
        let all = '';
        for (let code = first; code < first + 0x4000; ++code)
          if (code < 0xd800 || code > 0xdfff) all += String.fromCodePoint(code);
        const messages = all ? [all] : [];
        const send = Buffer.concat([...messages.map((one) => text(one)), goodbye]);
        assertClosed(await stage.play({ send }), messages);
      },
    });
  }
  return cases;
}

/** Valid text as fragments, at every split, with a ping at the split. */
function validSplits(): Case[] {
  const whole = Buffer.from('aé€😀z');
  const cases: Case[] = [];
  for (let first = 0; first <= whole.length; ++first) {
    for (let second = first; second <= whole.length; ++second) {
      cases.push({
        name: `split at ${first} and ${second}`,
        run: async () => {
          const send = [
            text(whole.subarray(0, first), { fin: false }),
            ping('between'),
            continuation(whole.subarray(first, second), { fin: false }),
            continuation(whole.subarray(second)),
            goodbye,
          ];
          assertClosed(await stage.play({ send: Buffer.concat(send) }), [whole.toString()]);
        },
      });
    }
  }
  return cases;
}

function invalidSequences(): Case[] {
  const cases: Case[] = [];
  for (const [hex] of invalid) {
    const sequence = bytes(hex);
    for (const [where, around] of surroundings) {
      const whole = Buffer.concat([
        around,
        sequence,
        hex.endsWith('61') || around.length > 0 ? around : Buffer.alloc(0),
      ]);
      for (const chop of [0, 1]) {
        if (chop > 0 && whole.length > 500) continue;
        cases.push({
          name: `${hex} ${where}, in pieces of ${chop || 'any size'}`,
          run: async () => {
            const send = Buffer.concat([text('before'), text(whole), text('after')]);
            assertFailed(await stage.play({ send, chop }), 1007, ['before']);
          },
        });
      }
    }
  }
  return cases;
}

/** Each sequence in two fragments, at every split. */
function invalidSplits(): Case[] {
  return invalid.flatMap(([hex]) => {
    const sequence = Buffer.concat([Buffer.from('x'), bytes(hex)]);
    return Array.from({ length: sequence.length + 1 }, (_, split) => ({
      name: `${hex}, split at ${split}`,
      run: async () => {
        const send = Buffer.concat([
          text(sequence.subarray(0, split), { fin: false }),
          continuation(sequence.subarray(split)),
        ]);
        assertFailed(await stage.play({ send }), 1007);
      },
    }));
  });
}

/** The bytes that suffice have come, the frame or the message has not ended: the endpoint must not wait for more. */
function failsFast(): Case[] {
  return invalid
    .filter(([, enough]) => enough > 0)
    .flatMap(([hex, enough]) => {
      const sequence = bytes(hex).subarray(0, enough);
      return [
        {
          name: `${hex}: ${enough} bytes of a frame of 1000`,
          run: async () => {
            const send = text(sequence, { claimedLength: 1000n });
            assertFailed(await stage.play({ send }), 1007);
          },
        },
        {
          name: `${hex}: ${enough} bytes in a fragment, and no more`,
          run: async () =>
            assertFailed(await stage.play({ send: text(sequence, { fin: false }) }), 1007),
        },
        {
          name: `${hex}: byte by byte, in a frame of 100,000`,
          run: async () => {
            const send = text(Buffer.concat([Buffer.alloc(5000, 0x61), sequence]), {
              claimedLength: 100_000n,
            });
            assertFailed(
              await stage.play({
                send: [
                  send.subarray(0, 5010),
                  ...Array.from(send.subarray(5010), (byte) => Buffer.from([byte])),
                ],
              }),
              1007,
            );
          },
        },
      ];
    });
}

/** Every byte as the first of a message, every one behind the first bytes of sequences. */
function everyByte(): Case[] {
  const cases: Case[] = [];
  const isValid = (sequence: Buffer): boolean => Buffer.from(sequence.toString()).equals(sequence);
  for (const head of [
    '',
    'c2',
    'df',
    'e0',
    'e1',
    'ec',
    'ed',
    'ee',
    'ef',
    'f0',
    'f1',
    'f3',
    'f4',
    'e1 80',
    'f0 90',
    'f1 80 80',
    'f4 8f',
  ]) {
    for (let byte = 0; byte < 256; ++byte) {
      const lead = bytes(head);
      // Completed by continuation bytes as far as the lead asks for them.
      const need = lead.length === 0 ? 1 : lead[0]! < 0xe0 ? 2 : lead[0]! < 0xf0 ? 3 : 4;
      const sequence = Buffer.concat([
        lead,
        Buffer.from([byte]),
        Buffer.alloc(Math.max(0, need - lead.length - 1), 0x80),
      ]);
      const right = isValid(sequence);
      cases.push({
        name: sequence.toString('hex'),
        run: async () => {
          const outcome = await stage.play({ send: Buffer.concat([text(sequence), goodbye]) });
          if (right) assertClosed(outcome, [sequence.toString()]);
          else assertFailed(outcome, 1007);
        },
      });
    }
  }
  return cases;
}

function elsewhere(): Case[] {
  const wrong = bytes('ed a0 80');
  return [
    {
      name: 'binary messages are not text',
      run: async () => {
        const send = Buffer.concat([frame({ opcode: Opcode.Binary, payload: wrong }), goodbye]);
        assertClosed(await stage.play({ send }), [wrong]);
      },
    },
    {
      name: 'nor are fragments of binary messages',
      run: async () => {
        const send = [
          frame({ opcode: Opcode.Binary, payload: wrong, fin: false }),
          continuation(wrong),
          goodbye,
        ];
        assertClosed(await stage.play({ send: Buffer.concat(send) }), [
          Buffer.concat([wrong, wrong]),
        ]);
      },
    },
    {
      name: 'nor are pings',
      run: async () =>
        assertClosed(await stage.play({ send: Buffer.concat([ping(wrong), goodbye]) }), []),
    },
    {
      name: 'a cut character at the end of one message is not completed by the next',
      run: async () => {
        const send = Buffer.concat([text(bytes('e2 82')), text(bytes('ac'))]);
        assertFailed(await stage.play({ send }), 1007);
      },
    },
    {
      name: 'a cut character before a Close frame',
      run: async () => {
        const send = Buffer.concat([text(bytes('e2 82'), { fin: false }), close(1000)]);
        assertClosed(await stage.play({ send }), []);
      },
    },
    {
      name: 'the reason of a Close frame is text',
      run: async () => {
        const send = frame({ opcode: Opcode.Close, payload: closePayload(1000, wrong) });
        assertFailed(await stage.play({ send }), 1007);
      },
    },
    {
      name: 'skipUTF8Validation: messages are not checked',
      run: async () => {
        const send = Buffer.concat([text(bytes('61 ff 62')), goodbye]);
        const { messages, errors } = await stage.play({
          send,
          options: { skipUTF8Validation: true },
        });
        if (
          errors.length > 0 ||
          messages.length !== 1 ||
          !messages[0]!.data.equals(bytes('61 ff 62'))
        ) {
          throw new Error(`${errors.join()} ${messages[0]?.data.toString('hex')}`);
        }
      },
    },
  ];
}

describeSides('RFC 6455 §8.1 UTF-8', stage, () => {
  table('valid sequences', validSequences());
  table('every character', everyCharacter(), 4);
  table('valid text at every split', validSplits());
  table('invalid sequences', invalidSequences());
  table('invalid sequences at every split', invalidSplits());
  table('invalid text fails fast', failsFast());
  table('every byte', everyByte());
  table('elsewhere', elsewhere());
});
