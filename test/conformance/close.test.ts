/** RFC 6455 §5.5.1 and §7: closing. */
import { strict as assert } from 'node:assert';
import {
  binary,
  close,
  closePayload,
  continuation,
  type Frame,
  frame,
  Opcode,
  ping,
  text,
} from '../support/frames';
import type { RawConnection } from '../support/raw-server';
import {
  describeSides,
  everySide,
  assertClosed,
  assertFailed,
  type Case,
  type Endpoint,
  closeOf,
  goodbye,
  framesUntil,
  hasClose,
  Stage,
  table,
} from './harness';

const stage = new Stage();

const registered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014];
const allowed = [...registered, 3000, 3001, 3999, 4000, 4001, 4999];
const refused = [
  0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2500, 2999, 5000, 5001,
  10_000, 32_768, 65_535,
];
const reasons = ['', 'x', 'a reason', 'ünïcödé ✓ 😀', 'r'.repeat(123), '😀'.repeat(30) + 'xyz'];

function codesAllowed(): Case[] {
  return allowed.flatMap((code) =>
    reasons.flatMap((reason) =>
      [0, 1].map((chop) => ({
        name: `${code} with a reason of ${Buffer.byteLength(reason)} bytes, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const outcome = await stage.play({
            send: Buffer.concat([text('before'), close(code, reason)]),
            chop,
          });
          assertClosed(outcome, ['before'], code, reason);
        },
      })),
    ),
  );
}

function codesRefused(): Case[] {
  return refused.flatMap((code) =>
    ['', 'reason'].flatMap((reason) =>
      [0, 1].map((chop) => ({
        name: `${code} ${reason}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const outcome = await stage.play({
            send: Buffer.concat([text('before'), close(code, reason)]),
            chop,
          });
          assertFailed(outcome, 1002, ['before']);
        },
      })),
    ),
  );
}

/** All of the 65,536 would take long; every one near a border, and a sample of the rest. */
function codesEverywhere(): Case[] {
  const cases: Case[] = [];
  const isAllowed = (code: number): boolean =>
    registered.includes(code) || (code >= 3000 && code <= 4999);
  for (let code = 0; code < 65_536; code += code < 1030 ? 1 : 97) {
    cases.push({
      name: `code ${code}`,
      run: async () => {
        const outcome = await stage.play({ send: close(code) });
        if (isAllowed(code)) assertClosed(outcome, [], code);
        else assertFailed(outcome, 1002);
      },
    });
  }
  return cases;
}

function payloads(): Case[] {
  const closeWith = (payload: Buffer): Buffer => frame({ opcode: Opcode.Close, payload });
  const bad = [
    Buffer.from([0xff]),
    Buffer.from([0xc3]),
    Buffer.from([0xed, 0xa0, 0x80]),
    Buffer.from('ok \xff no', 'latin1'),
    Buffer.concat([Buffer.from('r'.repeat(120)), Buffer.from([0xe2, 0x82])]),
  ];
  return [0, 1, 2].flatMap((chop): Case[] => [
    {
      name: `no payload, in pieces of ${chop || 'any size'}`,
      run: async () => assertClosed(await stage.play({ send: close(), chop }), [], 1005),
    },
    {
      name: `a payload of one byte, in pieces of ${chop || 'any size'}`,
      run: async () =>
        assertFailed(await stage.play({ send: closeWith(Buffer.from([3])), chop }), 1002),
    },
    {
      name: `a payload of 126 bytes, in pieces of ${chop || 'any size'}`,
      run: async () =>
        assertFailed(await stage.play({ send: close(1000, 'x'.repeat(124)), chop }), 1002),
    },
    ...bad.map((reason, index) => ({
      name: `a reason that is not UTF-8 (${index}), in pieces of ${chop || 'any size'}`,
      run: async () => {
        const send = Buffer.concat([text('before'), closeWith(closePayload(1000, reason))]);
        assertFailed(await stage.play({ send, chop }), 1007, ['before']);
      },
    })),
  ]);
}

/** §5.5.1: whatever follows a Close frame is not looked at. */
function afterwards(): Case[] {
  const more: [string, Buffer][] = [
    ['a message', text('late')],
    ['a ping', ping('late')],
    ['another Close frame', close(1001)],
    ['a Close frame that is wrong', close(999)],
    ['garbage', Buffer.alloc(100, 0xff)],
    ['half a frame', text('late').subarray(0, 3)],
    ['the rest of a message', continuation('late')],
  ];
  return more.flatMap(([name, bytes]) =>
    [0, 1].map((chop) => ({
      name: `${name} after the Close frame, in pieces of ${chop || 'any size'}`,
      run: async () => {
        const outcome = await stage.play({
          send: Buffer.concat([text('before'), close(4000, 'end'), bytes]),
          chop,
        });
        assertClosed(outcome, ['before'], 4000, 'end');
        assert.equal(outcome.frames.length, 1, 'the Close frame is all the endpoint sends');
        assert.equal(outcome.pings.length, 0);
      },
    })),
  );
}

function withinMessages(): Case[] {
  return [
    {
      name: 'a Close frame within a fragmented message',
      run: async () =>
        assertClosed(
          await stage.play({ send: Buffer.concat([text('a', { fin: false }), goodbye]) }),
          [],
        ),
    },
    {
      name: 'a Close frame within a binary one, after a ping',
      run: async () => {
        const send = Buffer.concat([
          binary(Buffer.from('a'), { fin: false }),
          ping('p'),
          continuation('b', { fin: false }),
          close(1001),
        ]);
        const outcome = await stage.play({ send });
        assertClosed(outcome, [], 1001);
        assert.deepEqual(
          outcome.frames.map(({ opcode }) => opcode),
          [Opcode.Pong, Opcode.Close],
        );
      },
    },
  ];
}

/** Waits for the endpoint's Close frame, and does something then. */
const onceAsked =
  (then: (connection: RawConnection, frame: Frame) => void) =>
  async (connection: RawConnection, frames: Frame[]): Promise<void> => {
    await framesUntil(frames, hasClose);
    then(connection, frames.at(-1) as Frame);
  };

function begunByUs(): Case[] {
  const cases: Case[] = [];
  const echo = onceAsked((connection, { payload }) =>
    connection.write(frame({ opcode: Opcode.Close, payload })),
  );
  for (const code of [undefined, ...allowed]) {
    for (const reason of code === undefined ? [''] : ['', 'bye', 'r'.repeat(123)]) {
      cases.push({
        name: `the endpoint closes with ${code} and ${reason.length} bytes`,
        run: async () => {
          const outcome = await stage.play({
            endpoint: ({ socket }: Endpoint) =>
              code === undefined ? socket.close() : socket.close(code, reason),
            script: echo,
          });
          assertClosed(outcome, [], code ?? 1005, reason);
          assert.equal(closeOf(outcome.frames).payload.subarray(2).toString(), reason);
        },
      });
    }
  }
  cases.push(
    {
      name: 'the peer answers with another code',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(4001, 'mine'),
          script: onceAsked((connection) => connection.write(close(4002, 'yours'))),
        });
        assert.equal(closeOf(outcome.frames).closeCode, 4001);
        assert.equal(outcome.close.code, 4002);
        assert.equal(outcome.close.reason.toString(), 'yours');
      },
    },
    {
      name: 'both close at once',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(4001),
          script: async (connection, frames) => {
            connection.write(close(4002));
            await onceAsked(() => {})(connection, frames);
          },
        });
        closeOf(outcome.frames);
        assert.equal(outcome.close.code, 4002);
      },
    },
    {
      name: 'messages that were sent before close() go out first, in order',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => {
            for (let n = 0; n < 500; ++n) socket.send(String(n));
            socket.close(1000);
          },
          script: echo,
        });
        assertClosed(outcome, []);
        const sent = outcome.frames.slice(0, -1).map(({ payload }) => payload.toString());
        assert.deepEqual(
          sent,
          Array.from({ length: 500 }, (_, n) => String(n)),
        );
      },
    },
    {
      name: 'a peer that sends a broken frame instead of an answer',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(1000),
          script: onceAsked((connection) => {
            connection.write(frame({ opcode: 3, payload: 'x' }));
            connection.end();
          }),
        });
        assert.equal(closeOf(outcome.frames).closeCode, 1000);
        assert.equal(outcome.close.code, 1006);
      },
    },
    {
      name: 'a peer that never answers: closed with 1006 within closeTimeout',
      run: async () => {
        const begun = Date.now();
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(1000),
          options: { closeTimeout: 100 },
          // The socket stays open until the endpoint gives up.
          script: async (connection) => void (await connection.ended),
        });
        assert.equal(outcome.close.code, 1006);
        assert.ok(Date.now() - begun < 5000);
      },
    },
    {
      name: 'TCP ends instead of an answer',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(1000),
          script: onceAsked((connection) => connection.end()),
        });
        assert.equal(outcome.close.code, 1006);
      },
    },
  );
  return cases;
}

/** §7.1.1: the server ends TCP, and does not wait until the client does. */
function endedByTheServer(): Case[] {
  const untilTheEnd = async (connection: RawConnection): Promise<void> => {
    assert.equal(await connection.ended, 'end');
  };
  return [
    {
      name: 'after a closing handshake that the client began',
      run: async () => {
        const outcome = await stage.play({
          script: async (connection) => {
            connection.write(close(4000, 'bye'));
            await untilTheEnd(connection);
          },
        });
        assertClosed(outcome, [], 4000, 'bye');
      },
    },
    {
      name: 'after one that it began',
      run: async () => {
        const outcome = await stage.play({
          endpoint: ({ socket }) => socket.close(4000, 'bye'),
          script: async (connection, frames) => {
            await onceAsked(() => connection.write(close(4000, 'bye')))(connection, frames);
            await untilTheEnd(connection);
          },
        });
        assertClosed(outcome, [], 4000, 'bye');
      },
    },
    {
      name: 'after a violation',
      run: async () => {
        const outcome = await stage.play({
          script: async (connection) => {
            connection.write(frame({ opcode: 3 }));
            await untilTheEnd(connection);
          },
        });
        assertFailed(outcome, 1002);
      },
    },
  ];
}

/** §7.1.7: what was queued before a failure goes out, then the Close frame with its code. */
function queuedBeforeAFailure(): Case[] {
  return [1, 10, 500].map((count) => ({
    name: `${count} echoes of valid messages go out before the Close frame`,
    run: async () => {
      const messages = Array.from({ length: count }, (_, n) => `message ${n}`);
      const outcome = await stage.play({
        endpoint: ({ socket }) => {
          socket.on('message', (data) => socket.send(data as Buffer, { binary: false }));
        },
        script: async (connection, frames) => {
          connection.write(Buffer.concat(messages.map((one) => text(one))));
          // All echoes but the last are on the way, or queued, when the frame that breaks comes.
          await framesUntil(frames, (all) => all.length >= count);
          connection.write(frame({ opcode: 3 }));
          await onceAsked(() => {})(connection, frames);
        },
      });
      assertFailed(outcome, 1002, messages);
      assert.deepEqual(
        outcome.frames.slice(0, -1).map(({ payload }) => payload.toString()),
        messages,
      );
    },
  }));
}

describeSides(
  'RFC 6455 §7 closing',
  stage,
  (side) => {
    table('codes a peer may send', codesAllowed());
    table('codes it may not', codesRefused());
    table('codes from 0 to 65535', codesEverywhere());
    table('payloads', payloads());
    table('what follows a Close frame', afterwards());
    table('Close frames within messages', withinMessages());
    table('begun by the endpoint', begunByUs());
    table('what was queued before a failure', queuedBeforeAFailure());
    if (side !== 'client') table('who ends TCP', endedByTheServer());
  },
  everySide,
);
