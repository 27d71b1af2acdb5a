/** RFC 6455 §5.5.2, §5.5.3: pings and pongs; and what holds for all control frames. */
import { strict as assert } from 'node:assert';
import { type Frame, frame, Opcode, ping, pong, text } from '../support/frames';
import type { RawConnection } from '../support/raw-server';
import {
  describeSides,
  everySide,
  assertClosed,
  assertFailed,
  type Case,
  goodbye,
  type Outcome,
  framesUntil,
  hasClose,
  Stage,
  table,
} from './harness';

const stage = new Stage();

const payloadsOf = (frames: Frame[], opcode: number): string[] =>
  frames.filter((one) => one.opcode === opcode).map(({ payload }) => payload.toString('latin1'));

function answered(outcome: Outcome, payloads: string[]): void {
  assert.deepEqual(payloadsOf(outcome.frames, Opcode.Pong), payloads, 'pongs on the wire');
  assert.deepEqual(
    outcome.pings.map((data) => data.toString('latin1')),
    payloads,
    'ping events',
  );
}

function everyLength(): Case[] {
  const cases: Case[] = [];
  for (let length = 0; length <= 125; ++length) {
    const payload = Buffer.from(Array.from({ length }, (_, at) => (at * 7 + length) & 0xff));
    cases.push({
      name: `a ping of ${length} bytes`,
      run: async () => {
        const outcome = await stage.play({ send: Buffer.concat([ping(payload), goodbye]) });
        assertClosed(outcome, []);
        answered(outcome, [payload.toString('latin1')]);
      },
    });
  }
  return cases;
}

function bursts(): Case[] {
  const cases: Case[] = [];
  for (const count of [2, 10, 100, 1000]) {
    for (const chop of [0, 1, 3, 7, 64, 1000]) {
      const pings = Array.from({ length: count }, (_, index) => `ping ${index}`);
      const send = Buffer.concat([...pings.map((one) => ping(one)), goodbye]);
      if (chop > 0 && send.length / chop > 5000) continue;
      cases.push({
        name: `${count} pings at once, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const outcome = await stage.play({ send, chop });
          assertClosed(outcome, []);
          answered(outcome, pings);
        },
      });
    }
  }
  return cases;
}

function pongs(): Case[] {
  const cases: Case[] = [];
  const sequences: [string, Buffer[], string[]][] = [
    ['an empty pong that nobody asked for', [pong('')], ['']],
    ['a pong that nobody asked for', [pong('payload')], ['payload']],
    ['ten of them', Array.from({ length: 10 }, (_, n) => pong(String(n))), '0123456789'.split('')],
    ['pongs and pings mixed', [pong('a'), ping('b'), pong('c'), ping('')], ['a', 'c']],
    ['pongs and messages mixed', [pong('a'), text('m'), pong('b')], ['a', 'b']],
  ];
  for (const [name, frames, expected] of sequences) {
    for (const chop of [0, 1, 2]) {
      cases.push({
        name: `${name}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const outcome = await stage.play({ send: Buffer.concat([...frames, goodbye]), chop });
          assertClosed(outcome, name.includes('messages') ? ['m'] : []);
          assert.deepEqual(outcome.pongs.map(String), expected);
        },
      });
    }
  }
  return cases;
}

function violations(): Case[] {
  const cases: Case[] = [];
  for (const opcode of [8, 9, 10]) {
    for (const length of [126, 127, 200, 65_535, 65_536]) {
      const payload = Buffer.alloc(length, 0x61);
      payload.writeUInt16BE(1000);
      for (const chop of [0, 1460]) {
        cases.push({
          name: `opcode ${opcode} with ${length} bytes, in pieces of ${chop || 'any size'}`,
          run: async () => {
            const send = Buffer.concat([text('before'), frame({ opcode, payload })]);
            assertFailed(await stage.play({ send, chop }), 1002, ['before']);
          },
        });
      }
    }
    for (const payload of ['', 'xx']) {
      const content = opcode === 8 && payload ? Buffer.from([3, 232]) : Buffer.from(payload);
      const sequences: [string, Buffer[]][] = [
        ['FIN 0', [frame({ opcode, payload: content, fin: false })]],
        [
          'FIN 0, continued',
          [frame({ opcode, payload: content, fin: false }), frame({ opcode: 0, payload: 'y' })],
        ],
        [
          'FIN 0, within a message',
          [text('a', { fin: false }), frame({ opcode, payload: content, fin: false })],
        ],
      ];
      for (const [name, frames] of sequences) {
        for (const chop of [0, 1]) {
          cases.push({
            name: `opcode ${opcode}, ${payload ? 'short' : 'empty'}, ${name}, in pieces of ${chop || 'any size'}`,
            run: async () => {
              const send = Buffer.concat([text('before'), ...frames]);
              assertFailed(await stage.play({ send, chop }), 1002, ['before']);
            },
          });
        }
      }
    }
    for (const form of [126, 127] as const) {
      cases.push({
        name: `opcode ${opcode} with a length in form ${form} although it is short`,
        run: async () => {
          const payload = opcode === 8 ? Buffer.from([3, 232]) : Buffer.from('xx');
          assertFailed(
            await stage.play({ send: frame({ opcode, payload, lengthForm: form }) }),
            1002,
          );
        },
      });
    }
  }
  return cases;
}

function fromUs(): Case[] {
  const cases: Case[] = [];
  for (const what of ['ping', 'pong'] as const) {
    for (const payload of ['', 'x', 'y'.repeat(125)]) {
      cases.push({
        name: `the endpoint sends a ${what} of ${payload.length} bytes`,
        run: async () => {
          const outcome = await stage.play({
            endpoint: ({ socket }) => {
              socket[what](payload);
              socket.close(1000);
            },
            script: (connection, frames) => closeWhenAsked(connection, frames),
          });
          const opcode = what === 'ping' ? Opcode.Ping : Opcode.Pong;
          assert.deepEqual(payloadsOf(outcome.frames, opcode), [payload]);
        },
      });
    }
  }
  cases.push({
    name: 'autoPong off: pings are reported and not answered',
    run: async () => {
      const outcome = await stage.play({
        send: Buffer.concat([ping('a'), ping(''), goodbye]),
        options: { autoPong: false },
      });
      assertClosed(outcome, []);
      assert.deepEqual(outcome.pings.map(String), ['a', '']);
      assert.deepEqual(payloadsOf(outcome.frames, Opcode.Pong), []);
    },
  });
  cases.push({
    name: 'a ping of 126 bytes is refused at the call',
    run: async () => {
      let error: unknown;
      await stage.play({
        endpoint: ({ socket }) => {
          try {
            socket.ping('x'.repeat(126));
          } catch (thrown) {
            error = thrown;
          }
          socket.close(1000);
        },
        script: closeWhenAsked,
      });
      assert.ok(error instanceof Error);
    },
  });
  return cases;
}

/** The peer answers the endpoint's Close frame. */
async function closeWhenAsked(connection: RawConnection, frames: Frame[]): Promise<void> {
  await framesUntil(frames, hasClose);
  connection.write(goodbye);
}

describeSides(
  'RFC 6455 §5.5 control frames',
  stage,
  () => {
    table('pings of every length', everyLength());
    table('pings at once', bursts());
    table('pongs', pongs());
    table('control frames that must not be', violations());
    table('pings and pongs that are sent', fromUs());
  },
  everySide,
);
