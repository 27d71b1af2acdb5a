/**
 * What the cases of the Autobahn test suite check that asks most of an endpoint: a violation right behind messages that
 * are answered (3.2 to 3.4, 4.1.3 to 4.1.5, 4.2.3 to 4.2.5, 5.15), and large messages in many fragments (9.3, 9.4).
 */
import { strict as assert } from 'node:assert';
import { binary, close, continuation, frame, Opcode, ping, text } from '../support/frames';
import {
  describeSides,
  everySide,
  assertFrames,
  assertFailed,
  assertMessages,
  type Case,
  type Endpoint,
  closeOf,
  framesUntil,
  hasClose,
  goodbye,
  Stage,
  table,
} from './harness';

const stage = new Stage();

/** As an endpoint that the suite tests: every message goes back as it came. */
const echo = ({ socket }: Endpoint): void => {
  socket.on('message', (data, binary) => socket.send(data as Buffer, { binary }));
};

const violations: [string, Buffer, number][] = [
  ...[1, 2, 3, 4, 5, 6, 7].map((rsv): [string, Buffer, number] => [
    `RSV ${rsv}`,
    text('broken', { rsv }),
    1002,
  ]),
  ...[3, 4, 5, 6, 7, 11, 12, 13, 14, 15].map((opcode): [string, Buffer, number] => [
    `opcode ${opcode}`,
    frame({ opcode, payload: 'broken' }),
    1002,
  ]),
  ['a continuation of nothing', continuation('broken'), 1002],
  ['a continuation of nothing, FIN 0', continuation('broken', { fin: false }), 1002],
  ['a ping of 126 bytes', ping('x'.repeat(126)), 1002],
  ['a Close frame of one byte', frame({ opcode: Opcode.Close, payload: 'x' }), 1002],
  ['a close code that is none', close(999), 1002],
  ['text that is not UTF-8', text(Buffer.from([0xff])), 1007],
  ['a message of more than maxPayload', binary(Buffer.alloc(2000)), 1009],
];

/** What comes before them, and what an endpoint sends that echoes. */
const before: [string, Buffer, string[]][] = [
  ['a message', text('Hello'), ['Hello']],
  [
    'two fragments',
    Buffer.concat([text('frag', { fin: false }), continuation('ment')]),
    ['fragment'],
  ],
  ['two messages', Buffer.concat([text('one'), text('two')]), ['one', 'two']],
];

function answeredBeforeAViolation(): Case[] {
  return violations.flatMap(([what, bytes, code]) =>
    before.flatMap(([name, valid, messages]) =>
      [0, 1].map((chop) => ({
        name: `${name}, then ${what}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const outcome = await stage.play({
            // What follows the violation is not looked at.
            send: Buffer.concat([valid, bytes, ping('late')]),
            chop,
            endpoint: echo,
            options: { maxPayload: 1000 },
          });
          assertFailed(outcome, code, messages);
          const sent = outcome.frames.map(({ payload, opcode }) =>
            opcode === Opcode.Close ? 'close' : payload.toString(),
          );
          assert.deepEqual(sent, [...messages, 'close']);
        },
      })),
    ),
  );
}

function answersOfOtherKinds(): Case[] {
  const answers: [string, (endpoint: Endpoint) => void, number][] = [
    ['a ping', ({ socket }) => socket.on('message', () => socket.ping('answer')), Opcode.Ping],
    ['a pong', ({ socket }) => socket.on('ping', () => socket.pong('answer')), Opcode.Pong],
    [
      'a Blob',
      ({ socket }) => socket.on('message', () => socket.send(new Blob(['answer']))),
      Opcode.Binary,
    ],
    ['what open sends', ({ socket }) => socket.send('answer'), Opcode.Text],
  ];
  const ends: [string, Buffer, number][] = [
    ['a violation', frame({ opcode: 3 }), 1002],
    ["the peer's Close frame", goodbye, 1000],
  ];
  return answers.flatMap(([name, endpoint, opcode]) =>
    ends.flatMap(([end, bytes, code]) =>
      [true, false].map((perMessageDeflate) => ({
        name: `${name} goes out before the Close frame that follows ${end}${perMessageDeflate ? ', deflated' : ''}`,
        run: async () => {
          const outcome = await stage.play({
            send: Buffer.concat([text('m'), ping('p'), bytes]),
            endpoint,
            options: { autoPong: false, perMessageDeflate },
            accept: perMessageDeflate ? { extensions: 'permessage-deflate' } : {},
          });
          assert.equal(closeOf(outcome.frames).closeCode, code);
          assert.deepEqual(
            outcome.frames.map((one) => one.opcode),
            [opcode, Opcode.Close],
          );
          assertFrames(outcome.frames, stage.side);
        },
      })),
    ),
  );
}

function closedBefore(): Case[] {
  return [
    {
      name: 'close() in the listener of the message before a violation: its code goes out, as in ws',
      run: async () => {
        const outcome = await stage.play({
          send: Buffer.concat([text('m'), frame({ opcode: 3 })]),
          endpoint: ({ socket }) => socket.on('message', () => socket.close(4000, 'mine')),
        });
        assert.equal(closeOf(outcome.frames).closeCode, 4000);
        assert.equal(outcome.errors.length, 1);
        assert.equal(outcome.close.code, 1006);
      },
    },
    {
      name: 'a violation that JavaScript does not hear of: the Close frame goes out after closeTimeout',
      run: async () => {
        const outcome = await stage.play({
          script: async (connection, frames) => {
            connection.write(Buffer.concat([text('m'), frame({ opcode: 3 })]));
            await framesUntil(frames, hasClose);
          },
          endpoint: ({ socket }) => socket.on('message', () => socket.pause()),
          options: { closeTimeout: 50 },
        });
        assert.equal(closeOf(outcome.frames).closeCode, 1002);
      },
    },
  ];
}

function manyFragments(): Case[] {
  const size = 4 * 1024 * 1024;
  const data = Buffer.alloc(size, 'autobahn');
  const cases: Case[] = [];
  for (const isText of [true, false]) {
    for (let piece = 64; piece <= size; piece *= 4) {
      cases.push({
        name: `${isText ? 'text' : 'binary'}: 4 MiB in fragments of ${piece} bytes`,
        run: async () => {
          const frames: Buffer[] = [];
          for (let at = 0; at < size; at += piece) {
            const payload = data.subarray(at, at + piece);
            const fin = at + piece === size;
            if (at > 0) frames.push(continuation(payload, { fin }));
            else frames.push(isText ? text(payload, { fin }) : binary(payload, { fin }));
          }
          const outcome = await stage.play({
            send: Buffer.concat([...frames, goodbye]),
            endpoint: echo,
          });
          assert.deepEqual(outcome.errors.map(String), []);
          assertMessages(outcome.messages, [isText ? data.toString() : data]);
          assert.equal(outcome.frames.length, 2);
          assert.ok(outcome.frames[0]?.payload.equals(data));
        },
      });
    }
  }
  return cases;
}

describeSides(
  'Autobahn',
  stage,
  () => {
    table('messages before a violation are answered', answeredBeforeAViolation());
    table('for every kind of answer', answersOfOtherKinds());
    table('closing at the same time', closedBefore());
    table('large messages in many fragments', manyFragments(), 4);
  },
  everySide,
);
