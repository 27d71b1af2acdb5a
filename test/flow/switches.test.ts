/**
 * The switches of VERAWEBSOCKETS_DISABLE really switch: what each fast path does to system calls or memory is
 * seen with it, and not seen without it. (For "simd" see test/native/mask_test.cc and utf8_test.cc; the strings of
 * "strings" are the same both ways.)
 */
import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expectExit, program } from '../support/child';
import { certificates } from '../support/certificates';
import { binary } from '../support/frames';
import { RawServer } from '../support/raw-server';
import { startWsServer, type WsServer } from '../support/ws-server';

const run = promisify(execFile);

/** Connects, and hands over the object and each message. */
const client = `
const client = (url, { open = () => {}, message = () => {} }, more = {}) => {
  const wso = lib.create({
    url,
    event_handlers: { 1(reason) { throw new Error(reason); }, 3() { open(wso); }, 8(data) { message(wso, data); }, 4() {} },
    ...more,
  });
  lib.connect(wso);
};
`;

/** Sends so many messages of that size in one tick, and closes when all have come back. */
const echo = (count: number, size: number, atOnce = count): string => `${client}
let got = 0;
const send = (wso, count) => { for (let i = 0; i < count; ++i) lib.send(wso, Buffer.alloc(${size}, 7)); };
client(args.url, {
  open(wso) { send(wso, ${atOnce}); },
  message(wso) {
    if (++got === ${count}) lib.close(wso);
    else if (${atOnce} < ${count}) send(wso, 1);
  },
}, { ssl_settings: args.ssl });
`;

interface Call {
  thread: number;
  name: string;
  /** Its arguments and result, as strace shows them. */
  text: string;
}

/** The system calls that move bytes, of a snippet in a process of its own. */
async function calls(
  snippet: string,
  off: string,
  args: unknown,
): Promise<{ main: number; made: Call[] }> {
  const folder = mkdtempSync(join(tmpdir(), 'vws-'));
  try {
    const file = join(folder, 'calls');
    const traced = [
      '-f',
      '-s',
      '0',
      '-e',
      'trace=sendmsg,sendto,readv,recvfrom,epoll_wait',
      '-o',
      file,
    ];
    const source = program(`console.log(process.pid);${snippet}`, args);
    const { stdout } = await run('strace', [...traced, process.execPath, '-e', source], {
      env: { ...process.env, VERAWEBSOCKETS_DISABLE: off },
    });
    const made = [...readFileSync(file, 'utf8').matchAll(/^(\d+) +(\w+)\((.*)$/gm)].map(
      ([, thread, name = '', rest = '']) => ({ thread: Number(thread), name, text: rest }),
    );
    return { main: Number(stdout.trim()), made };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const named = (made: Call[], ...names: string[]): Call[] =>
  made.filter(({ name }) => names.includes(name));

describe('fast paths', () => {
  let server: WsServer;
  let secure: WsServer;
  before(async () => {
    server = await startWsServer();
    secure = await startWsServer({ tls: true });
  });
  after(() => Promise.all([server.close(), secure.close()]));

  /** `seen` with the fast path, and not without it. */
  async function switches(name: string, seen: (off: string) => Promise<boolean>): Promise<void> {
    const [on, off] = await Promise.all([seen(''), seen(name)]);
    assert.deepEqual({ on, off }, { on: true, off: false });
  }

  it('coalesce: a burst in one write', () =>
    switches('coalesce', async (off) => {
      const { made } = await calls(echo(40, 60_000), off, { url: server.url });
      const writes = named(made, 'sendmsg', 'sendto');
      assert.ok(writes.length > 0);
      return writes.some(({ text }) => Number(/msg_iovlen=(\d+)/.exec(text)?.[1]) > 1);
    })).timeout(30_000);

  it('inline: a small burst is written by its own thread', () =>
    switches('inline', async (off) => {
      const { main, made } = await calls(echo(50, 10, 1), off, { url: server.url });
      const writes = named(made, 'sendmsg', 'sendto');
      assert.ok(writes.length > 40);
      return writes.some(({ thread }) => thread === main);
    })).timeout(30_000);

  it('direct: a large message is read into its own memory', () =>
    switches('direct', async (off) => {
      const { made } = await calls(echo(3, 2_000_000), off, { url: server.url });
      const reads = named(made, 'readv', 'recvfrom');
      assert.ok(reads.length > 0);
      return reads.some(({ name, text }) => name === 'readv' && /\], 2(\)| <)/.test(text));
    })).timeout(30_000);

  it('guess: the one socket that speaks is read unasked', () =>
    switches('guess', async (off) => {
      const snippet = `lib.configure({ service: 'loop' });${echo(100, 10, 1)}`;
      const { made } = await calls(snippet, off, { url: server.url });
      const reads = named(made, 'recvfrom').length;
      assert.ok(reads > 90);
      // libuv's own are called epoll_pwait.
      return named(made, 'epoll_wait').length < reads / 2;
    })).timeout(30_000);

  it('gather: several TLS records in one write', () =>
    switches('gather', async (off) => {
      const { made } = await calls(echo(3, 500_000), off, {
        url: secure.url,
        ssl: { client_ssl_ca_filepath: certificates().caPath },
      });
      return made.some(
        ({ name, text }) => name === 'sendto' && Number(/= (\d+)$/.exec(text)?.[1]) > 20_000,
      );
    })).timeout(30_000);

  it('batch: several messages in one crossing', async () => {
    const messages = Buffer.concat(Array<Buffer>(200).fill(binary(Buffer.alloc(20, 1))));
    const flood = await RawServer.listen(async (connection) => {
      await connection.accept({ then: messages });
      await connection.closed;
    });
    await switches('batch', async (off) => {
      const { stdout } = await expectExit(
        `${client}
        const memories = new Set();
        let got = 0;
        client(args.url, { message(wso, data) {
          memories.add(data.buffer);
          if (++got === 200) { console.log(memories.size); process.exit(); }
        } });`,
        { args: { url: flood.url }, env: { VERAWEBSOCKETS_DISABLE: off } },
      );
      return Number(stdout) < 100;
    });
    await flood.close();
  });

  it('external: the memory of a large message is not copied', () =>
    switches('external', async (off) => {
      const { stdout } = await expectExit(
        `${client}
        const kept = [];
        client(args.url, {
          open(wso) { for (let i = 0; i < 20; ++i) lib.send(wso, Buffer.alloc(1_000_000)); },
          message(wso, data) {
            kept.push(data);
            if (kept.length < 20) return;
            gc();
            console.log(process.memoryUsage().arrayBuffers);
            process.exit();
          },
        });`,
        {
          args: { url: server.url },
          env: { VERAWEBSOCKETS_DISABLE: off },
          nodeOptions: ['--expose-gc'],
        },
      );
      return Number(stdout) < 10_000_000;
    }));
});
