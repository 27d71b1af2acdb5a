/** RFC 7692: permessage-deflate. */
import { strict as assert } from 'node:assert';
import { deflateRawSync, constants } from 'node:zlib';
import { BulkDeflater, BulkInflater, type DeflateParameters, MessageDeflater, MessageInflater } from '../support/deflate';
import { binary, close, continuation, frame, type Frame, Opcode, ping, text } from '../support/frames';
import type { RawConnection } from '../support/raw-server';
import { assertClientFrames, assertClosed, assertFailed, type Case, type ClientOptions, type Exchange, goodbye, Stage, table } from './harness';

const stage = new Stage();
const rsv1 = { rsv: 4 };
const hex = (digits: string): Buffer => Buffer.from(digits.replace(/ /g, ''), 'hex');

/** An exchange with the extension in force. */
function deflating(exchange: Exchange, parameters = ''): Exchange {
  return {
    ...exchange,
    accept: { extensions: `permessage-deflate${parameters}` },
    options: { perMessageDeflate: { threshold: 0 }, ...exchange.options },
  };
}

/** The examples of §7.2.3, and other forms that a compressor may choose. */
function forms(): Case[] {
  const hello = 'f2 48 cd c9 c9 07 00';
  const streams: [string, Buffer[], string[]][] = [
    ['§7.2.3.1: one block', [text(hex(hello), rsv1)], ['Hello']],
    ['§7.2.3.1: in two fragments', [text(hex('f2 48 cd'), { ...rsv1, fin: false }), continuation(hex('c9 c9 07 00'))], ['Hello']],
    ['§7.2.3.2: the window shared', [text(hex(hello), rsv1), text(hex('f2 00 11 00 00'), rsv1)], ['Hello', 'Hello']],
    ['§7.2.3.3: no compression', [text(hex('00 05 00 fa ff 48 65 6c 6c 6f 00'), rsv1)], ['Hello']],
    ['§7.2.3.4: BFINAL', [text(hex('f3 48 cd c9 c9 07 00 00'), rsv1)], ['Hello']],
    ['§7.2.3.5: two blocks', [text(hex('f2 48 05 00 00 00 ff ff ca c9 c9 07 00'), rsv1)], ['Hello']],
    ['§7.2.3.6: empty', [text(hex('00'), rsv1)], ['']],
    ['an empty fixed block', [text(hex('02 00'), rsv1)], ['']],
    ['no payload at all', [text(Buffer.alloc(0), rsv1)], ['']],
    ['BFINAL, and a message after it', [text(hex('f3 48 cd c9 c9 07 00 00'), rsv1), text(hex(hello), rsv1)], ['Hello', 'Hello']],
    ['not compressed', [text('Hello')], ['Hello']],
    ['mixed', [text(hex(hello), rsv1), text('plain'), text(hex(hello), rsv1)], ['Hello', 'plain', 'Hello']],
    ['an empty fragment first', [text('', { ...rsv1, fin: false }), continuation(hex(hello))], ['Hello']],
    ['an empty fragment last', [text(hex(hello), { ...rsv1, fin: false }), continuation('')], ['Hello']],
    ['a ping in between', [text(hex('f2 48 cd'), { ...rsv1, fin: false }), ping('p'), continuation(hex('c9 c9 07 00'))], ['Hello']],
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

/** Text that compresses, and differs from one message to the next. */
function sample(size: number, seed: number): Buffer {
  const unit = Buffer.from(`{"id":${seed},"name":"sensor ${seed % 7}","value":${(seed * 7919) % 1000},"unit":"°C"},`);
  const bytes = Buffer.alloc(size, unit);
  // Not a cut character at the end.
  for (let at = size - 1; at >= 0 && (bytes[at] as number) > 0x7f; --at) bytes[at] = 0x20;
  if (size > 0) bytes[0] = 0x41 + (seed % 26);
  return bytes;
}

/** Every cut of a compressed message into two fragments and into two reads. */
function everySplit(): Case[] {
  const data = Buffer.from('Compression, compression, compression: é€😀 again and again and again.');
  const bytes = new MessageDeflater({ windowBits: 15, noContextTakeover: false }).deflate(data);
  const cases: Case[] = [];
  for (let cut = 0; cut <= bytes.length; ++cut) {
    cases.push(
      {
        name: `two fragments, cut at ${cut}`,
        run: async () => {
          const frames = [text(bytes.subarray(0, cut), { ...rsv1, fin: false }), continuation(bytes.subarray(cut)), goodbye];
          assertClosed(await stage.play(deflating({ send: Buffer.concat(frames) })), [data.toString()]);
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
  const long = new MessageDeflater({ windowBits: 15, noContextTakeover: true }).deflate(sample(5000, 1));
  const streams: [string, Buffer[]][] = [
    ['a block of the reserved type', [text(hex('07 00'), rsv1)]],
    ['a stored block whose length is wrong', [text(hex('00 05 00 00 00 48 65 6c 6c 6f 00'), rsv1)]],
    ['a stored block that is too short', [text(hex('00 05 00 fa ff 48 65'), rsv1)]],
    ['a distance before the beginning', [text(hex('f2 00 11 00 00'), rsv1)]],
    ['garbage', [text(Buffer.alloc(100, 0xff), rsv1)]],
    ['text that is not compressed', [text('Hello, I am not compressed at all', rsv1)]],
    ['cut in the middle', [binary(long.subarray(0, 20), rsv1)]],
    ['cut, and another message', [binary(long.subarray(0, 20), rsv1), text('next')]],
    ['cut in a fragment, continued with garbage', [binary(long.subarray(0, 20), { ...rsv1, fin: false }), continuation(Buffer.alloc(50, 0xff))]],
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
          const bytes = new MessageDeflater({ windowBits: 15, noContextTakeover: true }).deflate(data);
          const cut = Math.floor(bytes.length / pieces);
          const frames =
            pieces === 1
              ? [text(bytes, rsv1)]
              : [text(bytes.subarray(0, cut), { ...rsv1, fin: false }), continuation(bytes.subarray(cut))];
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
    if (rsv !== 4) for (const opcode of [1, 2]) add(`RSV ${rsv}, opcode ${opcode}`, frame({ opcode, rsv, payload: hex('00') }));
    for (const opcode of [8, 9, 10]) add(`RSV ${rsv}, opcode ${opcode}`, frame({ opcode, rsv, payload: hex('03 e8') }));
    const first = text(hex('f2 48 cd'), { ...rsv1, fin: false });
    add(`RSV ${rsv} on a continuation of a compressed message`, Buffer.concat([first, continuation(hex('c9 c9 07 00'), { rsv })]));
    add(`RSV ${rsv} on a continuation of another`, Buffer.concat([text('x', { fin: false }), continuation('y', { rsv })]));
  }
  return cases;
}

interface Negotiated {
  serverNoContextTakeover: boolean;
  clientNoContextTakeover: boolean;
  /** 0: not negotiated. */
  serverMaxWindowBits: number;
  clientMaxWindowBits: number;
}

function parameterText(one: Negotiated): string {
  return (
    (one.serverNoContextTakeover ? '; server_no_context_takeover' : '') +
    (one.clientNoContextTakeover ? '; client_no_context_takeover' : '') +
    (one.serverMaxWindowBits ? `; server_max_window_bits=${one.serverMaxWindowBits}` : '') +
    (one.clientMaxWindowBits ? `; client_max_window_bits=${one.clientMaxWindowBits}` : '')
  );
}

function offerOf(one: Negotiated): ClientOptions {
  return {
    perMessageDeflate: {
      serverNoContextTakeover: one.serverNoContextTakeover,
      clientNoContextTakeover: one.clientNoContextTakeover,
      ...(one.serverMaxWindowBits ? { serverMaxWindowBits: one.serverMaxWindowBits } : {}),
      clientMaxWindowBits: one.clientMaxWindowBits || true,
      threshold: 0,
    },
  } as ClientOptions;
}

/** What the server compresses with. */
interface Compressor {
  deflate(data: Buffer): Buffer | Promise<Buffer>;
  end?(): void;
}

/** zlib cannot compress with a window of 256 bytes: then nothing refers further back than 200. */
const smallDeflater: Compressor = {
  deflate(data) {
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length; at += 200) {
      parts.push(deflateRawSync(data.subarray(at, at + 200), { finishFlush: constants.Z_SYNC_FLUSH, memLevel: 1 }));
    }
    const all = Buffer.concat(parts);
    return all.subarray(0, all.length - 4);
  },
};

function compressorOf(one: Negotiated, isBulk: boolean): Compressor {
  if (one.serverMaxWindowBits === 8 && !isBulk) return smallDeflater;
  const parameters = {
    windowBits: Math.max(9, one.serverMaxWindowBits || 15),
    noContextTakeover: one.serverNoContextTakeover,
    // Level 0 stores, and refers to nothing.
    level: one.serverMaxWindowBits === 8 ? 0 : 1,
  };
  return isBulk ? new BulkDeflater(parameters) : new MessageDeflater(parameters);
}

const sizes = [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** The client echoes; the server checks the echoes with a window that is no larger than what was negotiated. */
function echoing(one: Negotiated, messages: Buffer[], fragmentSize: number): Exchange {
  const isBulk = messages.length > 50;
  const clientParameters: DeflateParameters = {
    windowBits: one.clientMaxWindowBits || 15,
    noContextTakeover: one.clientNoContextTakeover,
  };
  return deflating(
    {
      options: offerOf(one),
      client: ({ socket }) => socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })),
      script: async (connection, frames) => {
        const compressor = compressorOf(one, isBulk);
        await emit(connection, compressor, messages, fragmentSize);
        compressor.end?.();
        await until(connection, frames, messages.length);
        const inflater = isBulk ? new BulkInflater(clientParameters) : new MessageInflater(clientParameters);
        for (const [index, message] of messages.entries()) {
          const { opcode, rsv, payload } = frames[index] as Frame;
          assert.equal(opcode, Opcode.Text);
          const data = rsv & 4 ? await inflater.inflate(payload) : payload;
          if (!data.equals(message)) assert.fail(`echo ${index} is another`);
        }
        if (inflater instanceof BulkInflater) inflater.end();
        connection.write(close(1000));
        await connection.ended;
      },
    },
    parameterText(one),
  );
}

async function emit(
  connection: RawConnection,
  compressor: Compressor,
  messages: Buffer[],
  fragmentSize: number,
): Promise<void> {
  let unsent: Buffer[] = [];
  let bytes = 0;
  for (const message of messages) {
    const deflated = await compressor.deflate(message);
    unsent.push(...framesOf(deflated, fragmentSize || deflated.length || 1));
    bytes += deflated.length;
    if (bytes > 65_536) {
      await connection.writeAll(Buffer.concat(unsent));
      unsent = [];
      bytes = 0;
    }
  }
  await connection.writeAll(Buffer.concat(unsent));
}

function framesOf(payload: Buffer, size: number): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += size) {
    const piece = payload.subarray(at, at + size);
    const fin = at + size >= payload.length;
    frames.push(at === 0 ? text(piece, { ...rsv1, fin }) : continuation(piece, { fin }));
  }
  return frames;
}

async function until(connection: RawConnection, frames: Frame[], count: number): Promise<void> {
  while (frames.length < count) {
    const last = frames.at(-1);
    if (last?.opcode === Opcode.Close) assert.fail(`${frames.length - 1} echoes, then a Close frame with ${last.closeCode}`);
    if (connection.socket.destroyed) assert.fail(`${frames.length} echoes, then the end`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function echoes(one: Negotiated, messages: Buffer[], fragmentSize = 0): Promise<void> {
  const outcome = await stage.play(echoing(one, messages, fragmentSize));
  assert.deepEqual(outcome.errors.map(String), []);
  assert.equal(outcome.messages.length, messages.length);
  outcome.messages.forEach(({ data }, index) => {
    if (!data.equals(messages[index] as Buffer)) assert.fail(`message ${index} is another`);
  });
  assert.equal(outcome.close.code, 1000);
  assertClientFrames(outcome.frames);
}

/** All 324 combinations, messages of each size twice, so that the window counts; the largest with windows at the ends. */
function everyCombination(): Case[] {
  const cases: Case[] = [];
  const bits = [0, 8, 9, 10, 11, 12, 13, 14, 15];
  const extremes = [0, 8, 9, 15];
  const messages = [...sizes, ...sizes].map((size, index) => sample(size, index % 3));
  const shorter = messages.filter(({ length }) => [16, 256, 1024, 16_384].includes(length));
  for (const serverNoContextTakeover of [false, true]) {
    for (const clientNoContextTakeover of [false, true]) {
      for (const serverMaxWindowBits of bits) {
        for (const clientMaxWindowBits of bits) {
          const one = { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits, clientMaxWindowBits };
          cases.push({
            name: parameterText(one) || 'no parameters',
            run: () => {
              const isExtreme = extremes.includes(serverMaxWindowBits) && extremes.includes(clientMaxWindowBits);
              return echoes(one, isExtreme ? messages : shorter);
            },
          });
        }
      }
    }
  }
  return cases;
}

/**
 * The combinations that matter most, a thousand messages of each size. Of the large sizes that is much for every day: there
 * the first combination has a thousand, the others have fewer, unless CONFORMANCE=full says otherwise.
 */
function aThousandEach(): Case[] {
  const none = { serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 0, clientMaxWindowBits: 0 };
  const combinations: Negotiated[] = [
    none,
    { ...none, serverNoContextTakeover: true, clientNoContextTakeover: true },
    { ...none, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    { ...none, serverMaxWindowBits: 9, clientMaxWindowBits: 9, serverNoContextTakeover: true, clientNoContextTakeover: true },
    { ...none, serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    { ...none, serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
  ];
  const isFull = process.env.CONFORMANCE === 'full';
  return combinations.flatMap((one) =>
    sizes.map((size) => {
      const count = isFull || one === none || size <= 4096 ? 1000 : Math.ceil(4_000_000 / size);
      return {
        name: `${count} messages of ${size} bytes ${parameterText(one)}`,
        run: () => echoes(one, Array.from({ length: count }, (_, seed) => sample(size, seed))),
      };
    }),
  );
}

function inFragments(): Case[] {
  const none = { serverNoContextTakeover: false, clientNoContextTakeover: false, serverMaxWindowBits: 0, clientMaxWindowBits: 0 };
  return [1, 2, 7, 64, 256, 1024].flatMap((fragmentSize) =>
    [none, { ...none, serverNoContextTakeover: true, clientNoContextTakeover: true }].map((one) => ({
      name: `fragments of ${fragmentSize} bytes ${parameterText(one)}`,
      run: () => echoes(one, sizes.map((size) => sample(size, size)), fragmentSize),
    })),
  );
}

/** What the client does with its freedom. */
function byTheClient(): Case[] {
  const play = async (parameters: string, options: ClientOptions, client: Exchange['client']): Promise<Frame[]> => {
    const outcome = await stage.play({
      accept: parameters === 'declined' ? {} : { extensions: `permessage-deflate${parameters}` },
      options,
      client: (one) => {
        client?.(one);
        one.socket.close(1000);
      },
      script: async (connection, frames) => {
        while (!frames.some(({ opcode }) => opcode === Opcode.Close)) await new Promise((resolve) => setImmediate(resolve));
        connection.write(close(1000));
      },
    });
    assert.deepEqual(outcome.errors.map(String), []);
    assertClientFrames(outcome.frames);
    return outcome.frames.filter(({ opcode }) => opcode !== Opcode.Close);
  };
  const all: ClientOptions = { perMessageDeflate: { threshold: 0 } };
  const message = sample(2000, 1);
  const twice: Exchange['client'] = ({ socket }) => {
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
        assert.ok(second.payload.length < first.payload.length / 2, `${first.payload.length}, ${second.payload.length}`);
      },
    },
    {
      name: 'client_no_context_takeover: each stands alone',
      run: async () => {
        const [first, second] = (await play('; client_no_context_takeover', all, twice)) as [Frame, Frame];
        assert.ok(first.payload.equals(second.payload));
      },
    },
    {
      name: 'clientNoContextTakeover offered and not answered: still free to do so',
      run: async () => {
        const options: ClientOptions = { perMessageDeflate: { threshold: 0, clientNoContextTakeover: true } };
        const inflater = new MessageInflater({ windowBits: 15, noContextTakeover: false });
        for (const { payload, rsv } of await play('', options, twice)) assert.ok((rsv ? inflater.inflate(payload) : payload).equals(message));
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
        const [one] = (await play('', all, ({ socket }) => socket.send(message, { compress: false }))) as [Frame];
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
        assert.deepEqual(data.map(({ rsv }) => rsv), [4, 0, 0]);
        assert.deepEqual(frames.filter(({ opcode }) => opcode === Opcode.Ping).map(({ rsv }) => rsv), [0]);
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
        for (let at = 0; at < random.length; ++at) random[at] = (state = (state * 48_271) % 0x7fffffff) & 0xff;
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

describe('RFC 7692 permessage-deflate', () => {
  after(() => stage.close());
  table('offers', offers());
  table('forms of compressed messages', forms());
  table('compressed messages at every split', everySplit());
  table('corrupt and cut streams', corrupt());
  table('text that is not UTF-8', invalidText());
  table('reserved bits', reservedBits());
  table('what the client sends', byTheClient());
  table('every combination of parameters, both ways', everyCombination(), 4);
  table('compressed messages in fragments', inFragments(), 4);
  table('a thousand messages each, both ways', aThousandEach(), 3);
});
