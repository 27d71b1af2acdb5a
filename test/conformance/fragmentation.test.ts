/** RFC 6455 §5.4: fragmentation, and control frames in between (§5.5). */
import { strict as assert } from 'node:assert';
import { binary, continuation, Opcode, ping, pong, text } from '../support/frames';
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

type Piece = string | Buffer;

/** The frames of a message in these pieces. */
function fragments(pieces: Piece[], isText: boolean): Buffer[] {
  return pieces.map((piece, index) => {
    const fin = index === pieces.length - 1;
    if (index > 0) return continuation(piece, { fin });
    return isText ? text(piece, { fin }) : binary(Buffer.from(piece as string), { fin });
  });
}

function joined(pieces: Piece[], isText: boolean): Piece {
  const all = Buffer.concat(pieces.map((piece) => Buffer.from(piece as string)));
  return isText ? all.toString() : all;
}

/** Cuts a text at every set of places. */
function* divisions(word: string, most: number): Generator<string[]> {
  yield [word];
  if (most === 1) return;
  for (let cut = 0; cut <= word.length; ++cut) {
    for (const rest of divisions(word.slice(cut), most - 1)) yield [word.slice(0, cut), ...rest];
  }
}

function inPieces(): Case[] {
  const cases: Case[] = [];
  for (const isText of [true, false]) {
    for (const pieces of divisions('frag', 4)) {
      if (pieces.length === 1) continue;
      cases.push({
        name: `${isText ? 'text' : 'binary'} in ${JSON.stringify(pieces)}`,
        run: async () => {
          const send = Buffer.concat([...fragments(pieces, isText), text('next'), goodbye]);
          assertClosed(await stage.play({ send }), [joined(pieces, isText), 'next']);
        },
      });
    }
  }
  return cases;
}

function largeInPieces(): Case[] {
  const cases: Case[] = [];
  for (const size of [1000, 65_536, 1 << 20]) {
    for (const pieceSize of [1, 64, 125, 126, 1000, 16_384, 65_535, 65_536]) {
      if (size / pieceSize > 20_000) continue;
      for (const chop of [0, 1460]) {
        cases.push({
          name: `${size} bytes in fragments of ${pieceSize}, in pieces of ${chop || 'any size'}`,
          run: async () => {
            const data = Buffer.alloc(size);
            for (let at = 0; at < size; ++at) data[at] = (at * 31) & 0xff;
            const pieces: Buffer[] = [];
            for (let at = 0; at < size; at += pieceSize)
              pieces.push(data.subarray(at, at + pieceSize));
            const send = Buffer.concat([...fragments(pieces, false), goodbye]);
            assertClosed(await stage.play({ send, chop }), [data]);
          },
        });
      }
    }
  }
  return cases;
}

/** Pings and pongs at every place between the fragments. */
function interleaved(): Case[] {
  const cases: Case[] = [];
  for (const chop of [0, 1, 2, 3]) {
    for (const isText of [true, false]) {
      for (const count of [2, 3, 5]) {
        const pieces = Array.from({ length: count }, (_, index) => `piece${index}`);
        for (let places = 1; places < 1 << (count - 1); ++places) {
          cases.push({
            name: `${count} fragments, control frames behind ${places.toString(2)}, in pieces of ${chop || 'any size'}`,
            run: async () => {
              const frames: Buffer[] = [];
              const pings: string[] = [];
              fragments(pieces, isText).forEach((one, index) => {
                frames.push(one);
                if (index < count - 1 && places & (1 << index)) {
                  pings.push(`ping${index}`);
                  frames.push(ping(`ping${index}`), pong(`pong${index}`));
                }
              });
              const outcome = await stage.play({ send: Buffer.concat([...frames, goodbye]), chop });
              assertClosed(outcome, [joined(pieces, isText)]);
              assert.deepEqual(outcome.pings.map(String), pings);
              assert.deepEqual(
                outcome.pongs.map(String),
                pings.map((name) => name.replace('ping', 'pong')),
              );
              const answers = outcome.frames.filter(({ opcode }) => opcode === Opcode.Pong);
              assert.deepEqual(
                answers.map(({ payload }) => payload.toString()),
                pings,
              );
            },
          });
        }
      }
    }
  }
  return cases;
}

function violations(): Case[] {
  const begin = text('begun', { fin: false });
  const sequences: [string, Buffer[], string[]][] = [
    ['a continuation of nothing', [continuation('x')], []],
    ['a continuation of nothing, FIN 0', [continuation('x', { fin: false })], []],
    ['an empty continuation of nothing', [continuation('')], []],
    ['a continuation after a whole message', [text('whole'), continuation('x')], ['whole']],
    [
      'a continuation after a fragmented message',
      [begin, continuation('', {}), continuation('x')],
      ['begun'],
    ],
    ['a text within a message', [begin, text('x'), continuation('y')], []],
    ['a binary within a message', [begin, binary(Buffer.from('x')), continuation('y')], []],
    ['a text, FIN 0, within a message', [begin, text('x', { fin: false }), continuation('y')], []],
    ['a binary, FIN 0, within a message', [begin, binary(Buffer.from('x'), { fin: false })], []],
    ['a text after a continuation', [begin, continuation('x', { fin: false }), text('y')], []],
    ['an empty text within a message', [begin, text('')], []],
    ['a text within an empty beginning', [text('', { fin: false }), text('x')], []],
  ];
  return sequences.flatMap(([name, frames, before]) =>
    [0, 1, 3].flatMap((chop) =>
      [false, true].map((more) => ({
        name: `${name}, in pieces of ${chop || 'any size'}${more ? ', with more behind it' : ''}`,
        run: async () => {
          const send = Buffer.concat([...frames, ...(more ? [text('more'), goodbye] : [])]);
          assertFailed(await stage.play({ send, chop }), 1002, before);
        },
      })),
    ),
  );
}

function cutOff(): Case[] {
  const ends: [string, Buffer][] = [
    ['half a header', text('x').subarray(0, 1)],
    ['half a payload', text('payload').subarray(0, 4)],
    ['an unfinished message', text('x', { fin: false })],
    ['half a Close frame', goodbye.subarray(0, 3)],
    ['nothing', Buffer.alloc(0)],
  ];
  return ends.map(([name, end]) => ({
    name: `TCP ends after ${name}`,
    run: async () => {
      const outcome = await stage.play({
        send: Buffer.concat([text('before'), end]),
        hangUp: true,
      });
      assert.deepEqual(
        outcome.messages.map(({ data }) => data.toString()),
        ['before'],
      );
      assert.equal(outcome.close.code, 1006);
    },
  }));
}

describeSides('RFC 6455 §5.4 fragmentation', stage, () => {
  table('messages in fragments', inPieces());
  table('large messages in fragments', largeInPieces(), 8);
  table('control frames in between', interleaved());
  table('wrong sequences', violations());
  table('messages that never end', cutOff());
});
