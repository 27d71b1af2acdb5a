/** The command line as a person has it: in a terminal. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { certificates } from '../support/certificates';
import { startWsServer, type WsServer } from '../support/ws-server';
import { TerminalProgram } from './support/program';

describe('the command line, in a terminal', () => {
  let server: WsServer;
  let program: TerminalProgram | undefined;

  // One for each test, which takes the connections that it makes.
  beforeEach(async () => (server = await startWsServer()));
  afterEach(async () => {
    program?.kill();
    await server.close();
  });

  /** Connected, with the prompt shown, and the server's end of it. */
  async function connected(args: string[] = [], env: NodeJS.ProcessEnv = {}) {
    program = new TerminalProgram(['connect', server.url, ...args], env);
    const connection = server.nextConnection();
    const greeting = /^connected to ws:.*\(Ctrl\+C to quit, \/help for commands\)$/;
    const started = program;
    await started.until(
      () => started.screen.some((row) => greeting.test(row)) && started.screen.at(-1) === '>',
    );
    return { program, socket: (await connection).socket };
  }

  const closed = (socket: { once(event: 'close', listener: (code: number) => void): unknown }) =>
    new Promise<number>((resolve) => socket.once('close', resolve));

  it('sends what is typed, and shows what comes', async () => {
    const { program } = await connected();
    program.write('hello\r');
    await program.shows('> hello', '< hello', '>');
    program.write('\x03');
    const { code } = await program.ended;
    assert.equal(code, 0);
    assert.equal(program.screen.at(-2), 'closed: 1000');
  });

  it('keeps a line that is being typed below what arrives', async () => {
    const { program, socket } = await connected();
    const long = 'half-a-line,'.repeat(10);
    program.write(long);
    await program.until(() => program.screen.join('').endsWith(`> ${long}`));
    socket.send('news');
    const shown = `> ${long}`;
    await program.shows('< news', shown.slice(0, 80), shown.slice(80));
    assert.equal(program.screen.filter((row) => row.includes('half-a-line')).length, 2);
    program.write('done\r');
    await program.until(() => program.screen.join('').includes(`< ${long}done`));
  });

  it('has a history, also of earlier days where a file is named', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vws-'));
    try {
      const env = { VERAWEBSOCKETS_HISTORY: join(folder, 'history') };
      const first = (await connected([], env)).program;
      first.write('one\r');
      await first.shows('< one', '>');
      first.write('two\r');
      await first.shows('< two', '>');
      first.write('\x1b[A\x1b[A');
      await first.shows('> one');
      first.write(' more\r');
      await first.shows('< one more', '>');
      first.write('\x04');
      assert.equal((await first.ended).code, 0);
      assert.equal(readFileSync(env.VERAWEBSOCKETS_HISTORY, 'utf8'), 'one\ntwo\none more\n');
      const second = (await connected([], env)).program;
      second.write('\x1b[A');
      await second.shows('> one more');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('tells the directions by colours', async () => {
    const { program } = await connected();
    program.write('hello\r');
    await program.shows('< hello', '>');
    assert.ok(program.stdout.includes('\x1b[34m< hello\x1b[39m'), program.stdout);
    assert.ok(program.stdout.includes('\x1b[32m> \x1b[39m'), program.stdout);
  });

  for (const [what, args, env] of [
    ['NO_COLOR', [], { NO_COLOR: '1' }],
    ['--no-color', ['--no-color'], {}],
    ['a terminal without', [], { TERM: 'dumb' }],
  ] as const) {
    it(`has no colours: ${what}`, async () => {
      const { program } = await connected([...args], env);
      program.write('hello\r');
      await program.until(() => program.stdout.includes('< hello'));
      // eslint-disable-next-line no-control-regex
      assert.doesNotMatch(program.stdout, /\x1b\[\d+m/);
    });
  }

  it('does not let a server steer the terminal', async () => {
    const { program, socket } = await connected();
    socket.send('a\x1b[2Jb\x07\u009bc\r\n\td');
    await program.shows('< a\\x1b[2Jb\\x07\\x9bc\\x0d', /^\s+d$/, '>');
  });

  it('shows bytes in hexadecimal, and sends them', async () => {
    const { program, socket } = await connected();
    program.write('/hex 00 01 fe\r');
    await program.shows('< [00 01 fe] 3 bytes', '>');
    socket.send(Buffer.alloc(1000, 7));
    await program.until(() => program.screen.at(-2)?.endsWith(' …] 1000 bytes') === true);
    program.write('/hex 0\r');
    await program.shows('error: 0: not hexadecimal, two digits a byte', '>');
  });

  it('sends pings, and tells how long they took', async () => {
    const { program, socket } = await connected(['-P']);
    const payload = new Promise<string>((resolve) =>
      socket.once('ping', (data) => resolve(data.toString())),
    );
    program.write('/ping marked\r');
    assert.equal(await payload, 'marked');
    await program.shows(/^pong after \d+\.\d\d ms$/, '>');
    socket.ping('theirs');
    await program.shows('received ping "theirs"', '>');
    socket.pong('unasked');
    await program.shows('received pong "unasked"', '>');
  });

  it('has commands, and says which', async () => {
    const { program, socket } = await connected();
    program.write('/nonsense\r');
    await program.shows(
      'error: there is no command /nonsense: /help lists them, // sends a slash',
      '>',
    );
    program.write('/help\r');
    await program.until(() => program.screen.some((row) => row.startsWith('/quit ')));
    program.write('/stats\r');
    await program.until(() => program.screen.some((row) => /^messagesSent +0$/.test(row)));
    program.write('//not a command\r');
    await program.shows('< /not a command', '>');
    const code = closed(socket);
    program.write('/close 4001 bye\r');
    assert.equal(await code, 4001);
    assert.equal((await program.ended).code, 0);
    assert.equal(program.screen.at(-2), 'closed: 4001 "bye"');
  });

  it('takes lines with a slash for messages if told to', async () => {
    const { program } = await connected(['--no-slash']);
    program.write('/quit\r');
    await program.shows('< /quit', '>');
  });

  it('says when the server closes, and ends with a code for its errors', async () => {
    const { program, socket } = await connected();
    program.write('half');
    await program.shows('> half');
    socket.close(1008, 'no');
    const { code } = await program.ended;
    assert.equal(code, 3);
    assert.equal(program.screen.at(-2), 'error: closed: 1008 "no"');
  });

  it('prints the log above the line that is being typed', async () => {
    const { program } = await connected(['--log', 'user,client']);
    const line = /^client: .*established$/;
    await program.until(
      () => program.screen.some((row) => line.test(row)) && program.screen.at(-1) === '>',
    );
  });

  it('asks for a passphrase without showing it', async () => {
    const secure = await startWsServer({ tls: true, verifyClient: true });
    try {
      const { caPath, client, encryptedKeyPath, passphrase } = certificates();
      const args = ['connect', secure.url, '--ca', caPath, '--cert', client.certPath];
      program = new TerminalProgram([...args, '--key', encryptedKeyPath, '--passphrase']);
      await program.until(() => program?.stdout.endsWith('Passphrase: ') === true);
      program.write(`${passphrase}\r`);
      await program.until(() => program?.screen.at(-1) === '>');
      assert.ok(!program.stdout.includes(passphrase));
    } finally {
      await secure.close();
    }
  });

  it('listens: what is typed goes to those who have connected', async () => {
    program = new TerminalProgram(['-l', '127.0.0.1:0']);
    const listening = program;
    await listening.shows(/^listening at ws:\/\/127\.0\.0\.1:\d+\/$/, '>');
    const [, url] = /at (ws:\S+)$/m.exec(listening.screen.join('\n')) ?? [];
    const sockets = [1, 2].map(() => new WebSocket(String(url)));
    const heard = sockets.map(
      (socket) => new Promise((resolve) => socket.once('message', (data) => resolve(String(data)))),
    );
    await Promise.all(
      sockets.map((socket) => new Promise((resolve) => socket.once('open', resolve))),
    );
    await listening.shows(/^\[2\] connected, from 127\.0\.0\.1:\d+: \/$/, '>');
    listening.write('to all\r');
    assert.deepEqual(await Promise.all(heard), ['to all', 'to all']);
    sockets[1]?.send('from the second');
    await listening.until(() =>
      listening.screen.some((row) => /^\[\d\] < from the second$/.test(row)),
    );
    const closes = sockets.map((socket) => closed(socket));
    listening.write('\x03');
    assert.deepEqual(await Promise.all(closes), [1001, 1001]);
    assert.equal((await listening.ended).code, 0);
  });

  it('measures, and shows how it goes', async () => {
    program = new TerminalProgram(['bench', server.url, '--duration', '1.2', '--connections', '2']);
    const measuring = program;
    await measuring.until(() =>
      /1 s {2}[\d,]+ messages\/s {2}\d+\.\d\d MiB\/s {2}p50 [\d.]+ ms {2}p99 [\d.]+ ms/.test(
        measuring.stdout,
      ),
    );
    const { code } = await program.ended;
    assert.equal(code, 0);
    const rows = program.screen.filter(Boolean);
    assert.match(rows[0] ?? '', /^messages {6}[\d,]+ of 64 bytes in 1\.2\d s$/);
    assert.match(rows[1] ?? '', /^rate {10}[\d,]+ messages\/s, /);
    assert.match(rows[2] ?? '', /^latency, ms {3}min .* p99\.9 [\d.]+ {2}max [\d.]+$/);
  });
});
