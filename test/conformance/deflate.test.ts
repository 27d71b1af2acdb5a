/** RFC 7692: permessage-deflate. */
import { strict as assert } from 'node:assert';
import { MessageDeflater, MessageInflater } from '../support/deflate';
import {
  binary,
  close,
  continuation,
  frame,
  type Frame,
  Opcode,
  ping,
  text,
} from '../support/frames';
import { deflating, rsv1, sample } from './deflating';
import {
  describeSides,
  assertFrames,
  assertClosed,
  assertFailed,
  type Case,
  type ClientOptions,
  type Exchange,
  goodbye,
  framesUntil,
  hasClose,
  Stage,
  table,
} from './harness';

const stage = new Stage();
const hex = (digits: string): Buffer => Buffer.from(digits.replace(/ /g, ''), 'hex');

/** The examples of §7.2.3, and other forms that a compressor may choose. */
function forms(): Case[] {
  const hello = 'f2 48 cd c9 c9 07 00';
  const streams: [string, Buffer[], string[]][] = [
    ['§7.2.3.1: one block', [text(hex(hello), rsv1)], ['Hello']],
    [
      '§7.2.3.1: in two fragments',
      [text(hex('f2 48 cd'), { ...rsv1, fin: false }), continuation(hex('c9 c9 07 00'))],
      ['Hello'],
    ],
    [
      '§7.2.3.2: the window shared',
      [text(hex(hello), rsv1), text(hex('f2 00 11 00 00'), rsv1)],
      ['Hello', 'Hello'],
    ],
    ['§7.2.3.3: no compression', [text(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), rsv1)], ['Hello']],
    ['§7.2.3.4: BFINAL', [text(hex('f3 48 cd c9 c9 07 00 00'), rsv1)], ['Hello']],
    [
      '§7.2.3.5: two blocks',
      [text(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), rsv1)],
      ['Hello'],
    ],
    ['§7.2.3.6: empty', [text(hex('00'), rsv1)], ['']],
    ['an empty fixed block', [text(hex('02 00'), rsv1)], ['']],
    ['no payload at all', [text(Buffer.alloc(0), rsv1)], ['']],
    [
      'BFINAL, and a message after it',
      [text(hex('f3 48 cd c9 c9 07 00 00'), rsv1), text(hex(hello), rsv1)],
      ['Hello', 'Hello'],
    ],
    ['not compressed', [text('Hello')], ['Hello']],
    [
      'mixed',
      [text(hex(hello), rsv1), text('plain'), text(hex(hello), rsv1)],
      ['Hello', 'plain', 'Hello'],
    ],
    [
      'an empty fragment first',
      [text('', { ...rsv1, fin: false }), continuation(hex(hello))],
      ['Hello'],
    ],
    [
      'an empty fragment last',
      [text(hex(hello), { ...rsv1, fin: false }), continuation('')],
      ['Hello'],
    ],
    [
      'a ping in between',
      [text(hex('f2 48 cd'), { ...rsv1, fin: false }), ping('p'), continuation(hex('c9 c9 07 00'))],
      ['Hello'],
    ],
  ];
  return streams.flatMap(([name, frames, messages]) =>
    [0, 1, 2, 3].map((chop) => ({
      name: `${name}, in pieces of ${chop || 'any size'}`,
      run: async () => {
        const send = Buffer.concat([...frames, goodbye]);
        assertClosed(await stage.play(deflating({ send, chop })), messages);
      },
    })),
  );
}

/** Every cut of a compressed message into two fragments and into two reads. */
function everySplit(): Case[] {
  const data = Buffer.from(
    'Compression, compression, compression: é€😀 again and again and again.',
  );
  const bytes = new MessageDeflater({ windowBits: 15, noContextTakeover: false }).deflate(data);
  const cases: Case[] = [];
  for (let cut = 0; cut <= bytes.length; ++cut) {
    cases.push(
      {
        name: `two fragments, cut at ${cut}`,
        run: async () => {
          const frames = [
            text(bytes.subarray(0, cut), { ...rsv1, fin: false }),
            continuation(bytes.subarray(cut)),
            goodbye,
          ];
          assertClosed(await stage.play(deflating({ send: Buffer.concat(frames) })), [
            data.toString(),
          ]);
        },
      },
      {
        name: `two reads, cut at ${cut}`,
        run: async () => {
          const all = Buffer.concat([text(bytes, rsv1), goodbye]);
          const send = [all.subarray(0, cut + 1), all.subarray(cut + 1)];
          assertClosed(await stage.play(deflating({ send })), [data.toString()]);
        },
      },
    );
  }
  return cases;
}

function corrupt(): Case[] {
  const long = new MessageDeflater({ windowBits: 15, noContextTakeover: true }).deflate(
    sample(5000, 1),
  );
  const streams: [string, Buffer[]][] = [
    ['a block of the reserved type', [text(hex('07 00'), rsv1)]],
    ['a stored block whose length is wrong', [text(hex('00 05 00 00 00 48 65 6c 6c 6f 00'), rsv1)]],
    ['a stored block that is too short', [text(hex('00 05 00 fa ff 48 65'), rsv1)]],
    ['a distance before the beginning', [text(hex('f2 00 11 00 00'), rsv1)]],
    ['garbage', [text(Buffer.alloc(100, 0xff), rsv1)]],
    ['text that is not compressed', [text('Hello, I am not compressed at all', rsv1)]],
    ['§7.2.1: its end was not taken off', [text(hex('f2 48 cd c9 c9 07 00 00 00 ff ff'), rsv1)]],
    ['cut in the middle', [binary(long.subarray(0, 20), rsv1)]],
    ['cut, and another message', [binary(long.subarray(0, 20), rsv1), text('next')]],
    [
      'cut in a fragment, continued with garbage',
      [binary(long.subarray(0, 20), { ...rsv1, fin: false }), continuation(Buffer.alloc(50, 0xff))],
    ],
  ];
  return streams.flatMap(([name, frames]) =>
    [0, 1].map((chop) => ({
      name: `${name}, in pieces of ${chop || 'any size'}`,
      run: async () => {
        const send = Buffer.concat([text('before'), ...frames]);
        assertFailed(await stage.play(deflating({ send, chop })), 1007, ['before']);
      },
    })),
  );
}

/** Text that is not UTF-8 once it is inflated. */
function invalidText(): Case[] {
  const wrong = ['ff', 'ed a0 80', 'c0 80', 'f4 90 80 80', 'e2 82'];
  return wrong.flatMap((digits) =>
    [0, 1000, 100_000].flatMap((size) =>
      [1, 2].map((pieces) => ({
        name: `${digits} after ${size} bytes, ${pieces} fragments`,
        run: async () => {
          const data = Buffer.concat([sample(size, 3), hex(digits)]);
          const bytes = new MessageDeflater({ windowBits: 15, noContextTakeover: true }).deflate(
            data,
          );
          const cut = Math.floor(bytes.length / pieces);
          const frames =
            pieces === 1
              ? [text(bytes, rsv1)]
              : [
                  text(bytes.subarray(0, cut), { ...rsv1, fin: false }),
                  continuation(bytes.subarray(cut)),
                ];
          assertFailed(await stage.play(deflating({ send: Buffer.concat(frames) })), 1007);
        },
      })),
    ),
  );
}

/** RSV bits while the extension is in force. */
function reservedBits(): Case[] {
  const cases: Case[] = [];
  const add = (name: string, bytes: Buffer): void => {
    for (const chop of [0, 1]) {
      cases.push({
        name: `${name}, in pieces of ${chop || 'any size'}`,
        run: async () => {
          const send = Buffer.concat([text('before'), bytes, text('after')]);
          assertFailed(await stage.play(deflating({ send, chop })), 1002, ['before']);
        },
      });
    }
  };
  for (let rsv = 1; rsv < 8; ++rsv) {
    if (rsv !== 4)
      for (const opcode of [1, 2])
        add(`RSV ${rsv}, opcode ${opcode}`, frame({ opcode, rsv, payload: hex('00') }));
    for (const opcode of [8, 9, 10])
      add(`RSV ${rsv}, opcode ${opcode}`, frame({ opcode, rsv, payload: hex('03 e8') }));
    const first = text(hex('f2 48 cd'), { ...rsv1, fin: false });
    add(
      `RSV ${rsv} on a continuation of a compressed message`,
      Buffer.concat([first, continuation(hex('c9 c9 07 00'), { rsv })]),
    );
    add(
      `RSV ${rsv} on a continuation of another`,
      Buffer.concat([text('x', { fin: false }), continuation('y', { rsv })]),
    );
  }
  return cases;
}

/** What the client does with its freedom. */
function byTheClient(): Case[] {
  const play = async (
    parameters: string,
    options: ClientOptions,
    act: Exchange['endpoint'],
  ): Promise<Frame[]> => {
    const outcome = await stage.play({
      accept: parameters === 'declined' ? {} : { extensions: `permessage-deflate${parameters}` },
      options,
      endpoint: (one) => {
        act?.(one);
        one.socket.close(1000);
      },
      script: async (connection, frames) => {
        await framesUntil(frames, hasClose);
        connection.write(close(1000));
      },
    });
    assert.deepEqual(outcome.errors.map(String), []);
    assertFrames(outcome.frames, stage.side);
    return outcome.frames.filter(({ opcode }) => opcode !== Opcode.Close);
  };
  const all: ClientOptions = { perMessageDeflate: { threshold: 0 } };
  const message = sample(2000, 1);
  const twice: Exchange['endpoint'] = ({ socket }) => {
    socket.send(message);
    socket.send(message);
  };
  return [
    {
      name: 'declined: nothing is compressed',
      run: async () => {
        for (const { rsv, payload } of await play('declined', all, twice)) {
          assert.equal(rsv, 0);
          assert.ok(payload.equals(message));
        }
      },
    },
    {
      name: 'context taken over: the second message refers to the first',
      run: async () => {
        const [first, second] = (await play('', all, twice)) as [Frame, Frame];
        assert.equal(first.rsv, 4);
        assert.ok(
          second.payload.length < first.payload.length / 2,
          `${first.payload.length}, ${second.payload.length}`,
        );
      },
    },
    {
      name: 'client_no_context_takeover: each stands alone',
      run: async () => {
        const [first, second] = (await play('; client_no_context_takeover', all, twice)) as [
          Frame,
          Frame,
        ];
        assert.ok(first.payload.equals(second.payload));
      },
    },
    {
      name: 'clientNoContextTakeover offered and not answered: still free to do so',
      run: async () => {
        const options: ClientOptions = {
          perMessageDeflate: { threshold: 0, clientNoContextTakeover: true },
        };
        const inflater = new MessageInflater({ windowBits: 15, noContextTakeover: false });
        for (const { payload, rsv } of await play('', options, twice))
          assert.ok((rsv ? inflater.inflate(payload) : payload).equals(message));
      },
    },
    {
      name: 'messages below the threshold are sent as they are, where the context is not taken over',
      run: async () => {
        const options: ClientOptions = { perMessageDeflate: { threshold: 100 } };
        const [short, long] = (await play('; client_no_context_takeover', options, ({ socket }) => {
          socket.send('a'.repeat(99));
          socket.send('a'.repeat(100));
        })) as [Frame, Frame];
        assert.equal(short.rsv, 0);
        assert.equal(short.payload.toString(), 'a'.repeat(99));
        assert.equal(long.rsv, 4);
        assert.ok(long.payload.length < 100);
      },
    },
    {
      name: 'compress: false',
      run: async () => {
        const [one] = (await play('', all, ({ socket }) =>
          socket.send(message, { compress: false }),
        )) as [Frame];
        assert.equal(one.rsv, 0);
        assert.ok(one.payload.equals(message));
      },
    },
    {
      name: 'an empty message',
      run: async () => {
        const [one] = (await play('', all, ({ socket }) => socket.send(''))) as [Frame];
        const inflater = new MessageInflater({ windowBits: 15, noContextTakeover: false });
        assert.equal((one.rsv ? inflater.inflate(one.payload) : one.payload).length, 0);
      },
    },
    {
      name: 'RSV1 stands on the first fragment only, and never on control frames',
      run: async () => {
        const frames = await play('', all, ({ socket }) => {
          socket.send(message, { fin: false });
          socket.ping('p');
          socket.send(message, { fin: false });
          socket.send(message);
        });
        const data = frames.filter(({ opcode }) => opcode !== Opcode.Ping);
        assert.deepEqual(
          data.map(({ rsv }) => rsv),
          [4, 0, 0],
        );
        assert.deepEqual(
          frames.filter(({ opcode }) => opcode === Opcode.Ping).map(({ rsv }) => rsv),
          [0],
        );
        const inflater = new MessageInflater({ windowBits: 15, noContextTakeover: false });
        const whole = Buffer.concat(data.map(({ payload }) => payload));
        assert.ok(inflater.inflate(whole).equals(Buffer.concat([message, message, message])));
      },
    },
    {
      name: 'random bytes come through, although they do not compress',
      run: async () => {
        const random = Buffer.alloc(100_000);
        let state = 7;
        for (let at = 0; at < random.length; ++at)
          random[at] = (state = (state * 48_271) % 0x7fffffff) & 0xff;
        const [one] = (await play('', all, ({ socket }) => socket.send(random))) as [Frame];
        const inflater = new MessageInflater({ windowBits: 15, noContextTakeover: false });
        assert.ok((one.rsv ? inflater.inflate(one.payload) : one.payload).equals(random));
      },
    },
  ];
}

/** §7.1: the offer on the wire. */
function offers(): Case[] {
  const expected: [ClientOptions['perMessageDeflate'], string[] | undefined][] = [
    [false, undefined],
    [true, ['client_max_window_bits']],
    [{ serverNoContextTakeover: true }, ['client_max_window_bits', 'server_no_context_takeover']],
    [{ clientNoContextTakeover: true }, ['client_max_window_bits', 'client_no_context_takeover']],
    [{ serverMaxWindowBits: 10 }, ['client_max_window_bits', 'server_max_window_bits=10']],
    [{ clientMaxWindowBits: 10 }, ['client_max_window_bits=10']],
    [{ clientMaxWindowBits: false }, []],
  ] as [ClientOptions['perMessageDeflate'], string[] | undefined][];
  return expected.map(([perMessageDeflate, parameters]) => ({
    name: JSON.stringify(perMessageDeflate),
    run: async () => {
      const { offer } = await stage.play({ send: goodbye, options: { perMessageDeflate } });
      if (parameters === undefined) {
        assert.equal(offer, undefined);
      } else {
        const [first, ...rest] = (offer as string).split(';').map((part) => part.trim());
        assert.equal(first, 'permessage-deflate');
        assert.deepEqual(rest.sort(), parameters);
      }
    },
  }));
}

describeSides('RFC 7692 permessage-deflate', stage, (side) => {
  if (side === 'client') table('offers', offers());
  table('forms of compressed messages', forms());
  table('compressed messages at every split', everySplit());
  table('corrupt and cut streams', corrupt());
  table('text that is not UTF-8', invalidText());
  table('reserved bits', reservedBits());
  if (side === 'client') table('what the client sends', byTheClient());
});
