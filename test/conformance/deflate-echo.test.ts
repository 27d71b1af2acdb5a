/** RFC 7692 §7: all parameters, both ways: the endpoint echoes what it inflates. */
import { strict as assert } from 'node:assert';
import { constants, deflateRawSync } from 'node:zlib';
import {
  BulkDeflater,
  BulkInflater,
  type DeflateParameters,
  MessageDeflater,
  MessageInflater,
} from '../support/deflate';
import { close, continuation, type Frame, Opcode, text } from '../support/frames';
import type { RawConnection } from '../support/raw-server';
import { deflating, rsv1, sample } from './deflating';
import {
  describeSides,
  assertFrames,
  type Case,
  type ClientOptions,
  type Exchange,
  framesUntil,
  hasClose,
  Stage,
  table,
} from './harness';

const stage = new Stage();

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

/** What the peer compresses with. */
interface Compressor {
  deflate(data: Buffer): Buffer | Promise<Buffer>;
  end?(): void;
}

/** zlib cannot compress with a window of 256 bytes: then nothing refers further back than 200. */
const smallDeflater: Compressor = {
  deflate(data) {
    const parts: Buffer[] = [];
    for (let at = 0; at < data.length; at += 200) {
      parts.push(
        deflateRawSync(data.subarray(at, at + 200), {
          finishFlush: constants.Z_SYNC_FLUSH,
          memLevel: 1,
        }),
      );
    }
    const all = Buffer.concat(parts);
    return all.subarray(0, all.length - 4);
  },
};

/** What holds for what a client sends, or a server. */
function parametersOf(one: Negotiated, isClient: boolean): DeflateParameters {
  return isClient
    ? {
        windowBits: one.clientMaxWindowBits || 15,
        noContextTakeover: one.clientNoContextTakeover,
      }
    : {
        windowBits: one.serverMaxWindowBits || 15,
        noContextTakeover: one.serverNoContextTakeover,
      };
}

function compressorOf(
  { windowBits, noContextTakeover }: DeflateParameters,
  isBulk: boolean,
): Compressor {
  if (windowBits === 8 && !isBulk) return smallDeflater;
  const parameters = {
    windowBits: Math.max(9, windowBits),
    noContextTakeover,
    // Level 0 stores, and refers to nothing.
    level: windowBits === 8 ? 0 : 1,
  };
  return isBulk ? new BulkDeflater(parameters) : new MessageDeflater(parameters);
}

const sizes = [16, 64, 256, 1024, 4096, 8192, 16_384, 32_768, 65_536, 131_072];

/** The endpoint echoes; the peer checks the echoes with a window that is no larger than what was negotiated. */
function echoing(one: Negotiated, messages: Buffer[], fragmentSize: number): Exchange {
  const isBulk = messages.length > 50;
  const isClient = stage.side === 'client';
  const received = parametersOf(one, isClient);
  return deflating(
    {
      options: isClient ? offerOf(one) : {},
      endpoint: ({ socket }) =>
        socket.on('message', (data, isBinary) => socket.send(data as Buffer, { binary: isBinary })),
      script: async (connection, frames) => {
        const compressor = compressorOf(parametersOf(one, !isClient), isBulk);
        await emit(connection, compressor, messages, fragmentSize);
        compressor.end?.();
        await framesUntil(frames, (all) => all.length >= messages.length || hasClose(all));
        assert.ok(!hasClose(frames), `a Close frame with ${frames.at(-1)?.closeCode}`);
        const inflater = isBulk ? new BulkInflater(received) : new MessageInflater(received);
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

async function echoes(one: Negotiated, messages: Buffer[], fragmentSize = 0): Promise<void> {
  const outcome = await stage.play(echoing(one, messages, fragmentSize));
  assert.deepEqual(outcome.errors.map(String), []);
  assert.equal(outcome.messages.length, messages.length);
  outcome.messages.forEach(({ data }, index) => {
    if (!data.equals(messages[index] as Buffer)) assert.fail(`message ${index} is another`);
  });
  assert.equal(outcome.close.code, 1000);
  assertFrames(outcome.frames, stage.side);
}

/**
 * All 324 combinations, messages of each size twice, so that the window counts; the largest with
 * windows at the ends.
 */
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
          const one = {
            serverNoContextTakeover,
            clientNoContextTakeover,
            serverMaxWindowBits,
            clientMaxWindowBits,
          };
          cases.push({
            name: parameterText(one) || 'no parameters',
            run: () => {
              const isExtreme =
                extremes.includes(serverMaxWindowBits) && extremes.includes(clientMaxWindowBits);
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
 * The combinations that matter most, a thousand messages of each size. Of the large sizes that is
 * much for every day: there
 * the first combination has a thousand, the others have fewer, unless CONFORMANCE=full says otherwise.
 */
function aThousandEach(): Case[] {
  const none = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 0,
    clientMaxWindowBits: 0,
  };
  const combinations: Negotiated[] = [
    none,
    { ...none, serverNoContextTakeover: true, clientNoContextTakeover: true },
    { ...none, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    {
      ...none,
      serverMaxWindowBits: 9,
      clientMaxWindowBits: 9,
      serverNoContextTakeover: true,
      clientNoContextTakeover: true,
    },
    { ...none, serverMaxWindowBits: 15, clientMaxWindowBits: 15 },
    { ...none, serverMaxWindowBits: 8, clientMaxWindowBits: 8 },
  ];
  const isFull = process.env.CONFORMANCE === 'full';
  return combinations.flatMap((one) =>
    sizes.map((size) => {
      const count = isFull || one === none || size <= 4096 ? 1000 : Math.ceil(4_000_000 / size);
      return {
        name: `${count} messages of ${size} bytes ${parameterText(one)}`,
        run: () =>
          echoes(
            one,
            Array.from({ length: count }, (_, seed) => sample(size, seed)),
          ),
      };
    }),
  );
}

function inFragments(): Case[] {
  const none = {
    serverNoContextTakeover: false,
    clientNoContextTakeover: false,
    serverMaxWindowBits: 0,
    clientMaxWindowBits: 0,
  };
  return [1, 2, 7, 64, 256, 1024].flatMap((fragmentSize) =>
    [none, { ...none, serverNoContextTakeover: true, clientNoContextTakeover: true }].map(
      (one) => ({
        name: `fragments of ${fragmentSize} bytes ${parameterText(one)}`,
        run: () =>
          echoes(
            one,
            sizes.map((size) => sample(size, size)),
            fragmentSize,
          ),
      }),
    ),
  );
}

describeSides('RFC 7692 permessage-deflate, echoed', stage, () => {
  table('every combination of parameters', everyCombination(), 4);
  table('compressed messages in fragments', inFragments(), 4);
  table('a thousand messages each', aThousandEach(), 3);
});
