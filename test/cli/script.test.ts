/** The command line as scripts have it: arguments, pipes, exit codes. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WebSocket } from 'ws';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { root } from '../support/root';
import { startWsServer, type WsServer } from '../support/ws-server';
import { startHttpProxy } from '../websocket/support/proxies';
import { run, start, type Program } from './support/program';

describe('the command line, in scripts', () => {
  let server: WsServer;
  let folder: string;
  let listener: Program | undefined;

  before(() => (folder = mkdtempSync(join(tmpdir(), 'vws-'))));
  after(() => rmSync(folder, { recursive: true }));
  // One for each test, which takes the connections that it makes.
  beforeEach(async () => {
    const ws = { handleProtocols: (names: Set<string>) => [...names].at(-1) ?? false };
    server = await startWsServer({ ws });
  });
  afterEach(async () => {
    listener?.kill();
    await server.close();
  });

  const connect = (...args: string[]) => run(['connect', server.url, ...args]);

  /** What the server saw of a connection. */
  async function requestOf(...args: string[]) {
    const connection = server.nextConnection();
    const { code, stderr } = await connect('-x', 'x', '--count', '1', ...args);
    assert.equal(code, 0, stderr);
    return await connection;
  }

  describe('connect', () => {
    it('sends what -x has, in order, and prints what comes: nothing else', async () => {
      const result = await connect('-x', 'one', '-x', 'two', '--count', '2');
      assert.deepEqual(result, { code: 0, stdout: 'one\ntwo\n', stderr: '' });
    });

    it('sends lines of the input, and waits for answers at its end', async () => {
      const args = ['connect', server.url, '--wait', '0.3'];
      const result = await run(args, { input: 'one\n/two\nthree' });
      assert.deepEqual(result, { code: 0, stdout: 'one\n/two\nthree\n', stderr: '' });
    });

    it('writes bytes in hexadecimal, and reads them', async () => {
      const result = await connect('--hex', '-x', '00 FF:7f', '--count', '1');
      assert.deepEqual(result, { code: 0, stdout: '00ff7f\n', stderr: '' });
    });

    it('sends headers, an origin, a host, credentials and subprotocols', async () => {
      const { request, socket } = await requestOf(
        ...['-H', 'X-One: 1', '-H', 'x-two:a:b', '-o', 'https://page.example', '--host', 'other'],
        ...['--auth', 'user:pass word', '-s', 'first', '-s', 'second'],
      );
      const { headers } = request;
      assert.equal(headers['x-one'], '1');
      assert.equal(headers['x-two'], 'a:b');
      assert.equal(headers.origin, 'https://page.example');
      assert.equal(headers.host, 'other');
      const credentials = Buffer.from('user:pass word').toString('base64');
      assert.equal(headers.authorization, `Basic ${credentials}`);
      assert.equal(headers['sec-websocket-protocol'], 'first,second');
      assert.equal(socket.protocol, 'second');
      assert.ok(headers['sec-websocket-extensions']?.includes('permessage-deflate'));
    });

    it('offers no compression if told so', async () => {
      const { request } = await requestOf('--no-compress', '-s', 'x');
      assert.equal(request.headers['sec-websocket-extensions'], undefined);
    });

    it('takes a URL without a scheme, alone, and by -c', async () => {
      const address = server.url.replace(/^ws:\/\//, '').replace(/\/$/, '');
      for (const args of [[address], ['-c', address], ['--connect', server.url]]) {
        const { code, stdout } = await run([...args, '-x', 'hi', '--count', '1', '-s', 'x']);
        assert.deepEqual({ code, stdout }, { code: 0, stdout: 'hi\n' });
      }
    });

    it('follows redirects if told so', async () => {
      const { createServer } = await import('node:http');
      const redirecting = createServer((_, response) => {
        response.writeHead(302, { Location: server.url }).end();
      }).on('upgrade', (_, socket) => {
        socket.end(`HTTP/1.1 302 Found\r\nLocation: ${server.url}\r\nContent-Length: 0\r\n\r\n`);
      });
      await new Promise<void>((resolve) => redirecting.listen(0, '127.0.0.1', resolve));
      try {
        const { port } = redirecting.address() as { port: number };
        const args = [`127.0.0.1:${port}`, '-s', 'x', '-x', 'hi', '--count', '1'];
        assert.equal((await run([...args, '-L'])).stdout, 'hi\n');
        const refused = await run(args);
        assert.equal(refused.code, 1);
        assert.match(refused.stderr, /^error: Unexpected server response: 302\n$/);
        assert.equal((await run([...args, '-L', '--max-redirects', '0'])).code, 1);
      } finally {
        redirecting.close();
      }
    });

    it('goes through a proxy, also the one of the environment', async () => {
      const proxy = await startHttpProxy();
      try {
        const address = `127.0.0.1:${proxy.port}`;
        const args = ['connect', server.url, '-s', 'x', '-x', 'hi', '--count', '1'];
        const first = await run([...args, '--proxy', address]);
        assert.deepEqual(first, { code: 0, stdout: 'hi\n', stderr: '' });
        const env = { http_proxy: `http://${address}`, no_proxy: '' };
        assert.equal((await run([...args, '--proxy', 'env'], { env })).stdout, 'hi\n');
        assert.equal(proxy.tunnels.length, 2);
      } finally {
        await proxy.close();
      }
    });

    describe('over TLS', () => {
      const { caPath, client, wsPemPath, encryptedKeyPath, passphrase } = certificates();
      const locked = ['--ca', caPath, '--cert', client.certPath, '--key', encryptedKeyPath];
      let secure: WsServer;
      beforeEach(async () => (secure = await startWsServer({ tls: true, verifyClient: true })));
      afterEach(() => secure.close());
      const talk = (...args: string[]) =>
        run(['connect', secure.url, '-x', 'hi', '--count', '1', ...args]);

      for (const [what, args] of [
        [
          'a certificate and its key',
          ['--ca', caPath, '--cert', client.certPath, '--key', client.keyPath],
        ],
        ['a file with both', ['--ca', caPath, '--cert', wsPemPath]],
        ['an encrypted key', [...locked, '--passphrase', passphrase]],
        ['no look at the server', ['-n', '--cert', wsPemPath]],
      ] as const) {
        it(`shows its certificate: ${what}`, async () => {
          assert.deepEqual(await talk(...args), { code: 0, stdout: 'hi\n', stderr: '' });
        });
      }

      it("checks the server's certificate", async () => {
        const { code, stderr } = await talk('--cert', wsPemPath);
        assert.equal(code, 1);
        assert.match(stderr, /^error: .*certificate.*\n$/);
      });

      it('is refused without a certificate of its own', async () => {
        assert.equal((await talk('--ca', caPath)).code, 1);
      });

      it('says that a passphrase is wrong', async () => {
        const { code, stderr } = await talk(...locked, '--passphrase', 'wrong');
        assert.equal(code, 2);
        assert.match(stderr, /^verawebsockets: .*passphrase.*\n$/);
      });
    });

    it('tells how long pings took, beside the messages', async () => {
      const args = ['-x', 'hi', '--wait', '0.35', '--ping', '0.1', '-s', 'x'];
      const { code, stdout, stderr } = await connect(...args);
      assert.deepEqual({ code, stdout }, { code: 0, stdout: 'hi\n' });
      const lines = stderr.trimEnd().split('\n');
      assert.match(lines[0] ?? '', /^pong after \d+\.\d\d ms$/);
      assert.match(
        lines.at(-1) ?? '',
        /^[234] pings, [1234] answered; min\/mean\/max (\d+\.\d\d\/?){3} ms$/,
      );
    });

    it('prints the log to stderr, by names, a number or all', async () => {
      for (const [levels, expected] of [
        ['client', /^client: connection 1: established$/m],
        ['256', /^client: connection 1: established$/m],
        ['all', /^user: connection 1: connect to /m],
      ] as const) {
        const { code, stdout, stderr } = await connect('--log', levels, '-x', 'hi', '--count', '1');
        assert.deepEqual({ code, stdout }, { code: 0, stdout: 'hi\n' });
        assert.match(stderr, expected);
      }
    });

    it('records, and sends a recording again, in its time', async () => {
      const file = join(folder, 'recording.jsonl');
      const input = start(['connect', server.url, '--record', file, '-w', '0.1'], { input: null });
      const { socket } = await server.nextConnection();
      socket.send(Buffer.of(0, 255));
      await input.until(() => input.stdout === '00ff\n');
      input.write('one\n');
      await input.until(() => input.stdout.includes('one\n'));
      const gap = Date.now() + 150;
      while (Date.now() < gap) await new Promise((resolve) => setImmediate(resolve));
      input.write('"two"\n');
      await input.until(() => input.stdout.includes('two'));
      input.child.stdin.end();
      assert.equal((await input.ended).code, 0);
      const entries = readFileSync(file, 'utf8').trimEnd().split('\n').map(parse);
      assert.deepEqual(
        entries.map(({ event, direction, type, data }) => event ?? [direction, type, data]),
        [
          'open',
          ['received', 'binary', 'AP8='],
          ['sent', 'text', 'one'],
          ['received', 'text', 'one'],
          ['sent', 'text', '"two"'],
          ['received', 'text', '"two"'],
          'close',
        ],
      );

      const times: number[] = [];
      const replay = connect('--replay', file, '--count', '2');
      const { socket: other } = await server.nextConnection();
      other.on('message', () => times.push(performance.now()));
      assert.deepEqual(await replay, { code: 0, stdout: 'one\n"two"\n', stderr: '' });
      assert.ok((times[1] ?? 0) - (times[0] ?? 0) > 120, String(times));
      const fast = await connect('--replay', file, '--speed', '0', '--count', '2');
      assert.equal(fast.stdout, 'one\n"two"\n');
    });

    it('stops when nobody reads what it prints', async () => {
      const program = start(['connect', server.url], { input: null });
      const { socket } = await server.nextConnection();
      program.child.stdout.destroy();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.send('x');
      socket.send('y');
      await closed;
      assert.equal((await program.ended).code, 0);
    });

    it('does not read faster than what it prints is taken', async () => {
      const program = start(['connect', server.url], { input: null });
      const { socket } = await server.nextConnection();
      program.child.stdout.pause();
      const total = 64 * 1024 * 1024;
      // Few enough for Wine, which refuses a write of more than 1,024 parts.
      const piece = Buffer.alloc(256 * 1024, 'x').toString('latin1');
      for (let sent = 0; sent < total; sent += piece.length) socket.send(piece);
      // What the pipe, the sockets and the program's queue take is far less than all of it.
      const before = socket.bufferedAmount;
      assert.ok(before > total / 4);
      program.child.stdout.resume();
      await program.until(() => program.stdout.length >= total + total / piece.length);
      program.child.stdin.end();
      assert.equal((await program.ended).code, 0);
    });
  });

  describe('exit codes', () => {
    const codeOf = (script: (socket: WebSocket) => void) =>
      startWsServer({ onConnection: (socket) => script(socket as unknown as WebSocket) });

    it('1: the connection could not be made, or was lost', async () => {
      const refused = await run(['connect', `127.0.0.1:${await freePort()}`, '-x', 'x']);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^error: connect ECONNREFUSED 127\.0\.0\.1:\d+\n$/);
      const losing = await codeOf((socket) => socket.terminate());
      const lost = await run(['connect', losing.url, '-x', 'x']);
      await losing.close();
      assert.equal(lost.code, 1);
      assert.match(lost.stderr, /^(error: not sent: .+\n)?error: the connection was lost\n$/);
    });

    it('1: there is no binary for this machine; it says what to do', async () => {
      const env = { VERAWEBSOCKETS_BINARY: join(folder, 'none.node') };
      for (const args of [
        ['connect', 'ws://h'],
        ['listen', '0'],
        ['bench', 'ws://h'],
      ]) {
        const { code, stderr } = await run(args, { env });
        assert.equal(code, 1);
        assert.match(
          stderr,
          /^verawebsockets: the binary for .*\n.*none\.node.*\nTo build it .*\n$/,
        );
      }
    });

    it('3: the server closed with a code that means an error', async () => {
      for (const [code, expected] of [
        [1008, 3],
        [1011, 3],
        [4000, 3],
        [1000, 0],
        [1001, 0],
      ]) {
        const closing = await codeOf((socket) => socket.close(code, 'why'));
        const result = await run(['connect', closing.url, '-x', 'x']);
        await closing.close();
        assert.equal(result.code, expected, String(code));
        if (expected === 3) assert.equal(result.stderr, `error: closed: ${code} "why"\n`);
      }
    });

    it('4: too few messages came', async () => {
      const { code, stderr } = await connect('-x', 'one', '--count', '2', '-w', '0.2');
      assert.deepEqual({ code, stderr }, { code: 4, stderr: 'error: 1 of 2 messages came\n' });
    });

    it('130: interrupted', async () => {
      const program = start(['connect', server.url], { input: null });
      const { socket } = await server.nextConnection();
      const closed = new Promise((resolve) => socket.once('close', resolve));
      program.write('x\n');
      await program.until(() => program.stdout === 'x\n');
      program.child.kill('SIGINT');
      assert.equal((await program.ended).code, 130);
      assert.equal(await closed, 1000);
    });

    describe('2: the command line cannot be used; one line says why', () => {
      const cases: [string[], RegExp][] = [
        [['connect'], /^connect needs a URL \(see verawebsockets connect --help\)$/],
        [['listen'], /^listen needs a \[HOST:\]PORT /],
        [['bench'], /^bench needs a URL /],
        [['frobnicate'], /^there is no command frobnicate: connect, listen, bench, top /],
        [['connect', 'ws://h', 'ws://i'], /^ws:\/\/i: there is one URL only /],
        [['connect', 'ws://h', '--frob'], /^Unknown option '--frob' /],
        [['connect', 'ws://h', '-x'], /^Option '-x, --execute <value>' argument missing /],
        [
          ['connect', 'ws://h', '-x', '-1'],
          /^Option '-x' argument is ambiguous: write '--execute=/,
        ],
        [['connect', 'ws://h', '--echo'], /^Unknown option '--echo' /],
        [['-c', 'ws://h', '--echo'], /^--echo is no option of connect /],
        [['-c', 'ws://h', '-l', '1'], /^-c and -l cannot be given both /],
        [['connect', 'ws://h', '-w', 'soon'], /^--wait soon: needs a number from 0 to /],
        [['connect', 'ws://h', '--count', '0'], /^--count 0: needs an integer of at least 1 /],
        [['connect', 'ws://h', '-H', 'nothing'], /^-H nothing: needs a name and a value/],
        [['connect', 'ws://h', '-H', 'Upgrade: x'], /Upgrade/],
        [['connect', 'ws://h', '-s', 'a b'], /'a b' is not a subprotocol name/],
        [['connect', 'ws://h', '-p', '8'], /^--protocol: 13 is the only version/],
        [['connect', 'ws://h', '--cert', '/nowhere/none'], /^--cert: ENOENT: no such file/],
        [['connect', 'ws://h', '--key', 'key.pem'], /^--key needs --cert /],
        [['connect', 'ws://h', '--record', tmpdir()], /^--record: EISDIR/],
        [['connect', 'ws://h', '--slash', '--no-slash'], /^--slash and --no-slash cannot/],
        [['connect', 'ws://h', '--log', 'loud'], /^--log loud: needs some of error, warning, /],
        [['connect', 'ws://h/#f'], /contains a fragment/],
        [['listen', '70000'], /^70000: needs a port from 0 to 65535/],
        [['bench', 'ws://h', '--rate', '5', '--in-flight', '2'], /^--rate and --in-flight cannot/],
      ];
      async function refused(args: string[], expected: RegExp) {
        const { code, stdout, stderr } = await run(args);
        assert.deepEqual({ code, stdout }, { code: 2, stdout: '' });
        const [line, end, more] = stderr.split('\n');
        assert.deepEqual([end, more], ['', undefined], stderr);
        assert.match((line ?? '').replace(/^verawebsockets: /, ''), expected);
      }

      for (const [args, expected] of cases) it(args.join(' '), () => refused(args, expected));

      it('a recording that is none', async () => {
        const broken = join(folder, 'broken.jsonl');
        writeFileSync(broken, '{"time":0,"event":"open"}\nnonsense\n');
        const args = ['connect', 'ws://h', '--replay', broken];
        await refused(args, /^--replay .*: line 2 is none of a recording /);
      });
    });
  });

  describe('what it prints of itself', () => {
    for (const flag of ['--version', '-V']) {
      it(flag, async () => {
        const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
          version: string;
        };
        assert.deepEqual(await run([flag]), { code: 0, stdout: `${version}\n`, stderr: '' });
      });
    }

    it('--help; without arguments the same, as an error', async () => {
      const { code, stdout } = await run(['--help']);
      assert.equal(code, 0);
      for (const command of ['connect', 'listen', 'bench', 'top'])
        assert.ok(stdout.includes(`verawebsockets ${command} `), stdout);
      assert.deepEqual(await run([]), { code: 2, stdout: '', stderr: stdout });
    });

    for (const command of ['connect', 'listen', 'bench', 'top']) {
      it(`${command} --help`, async () => {
        const of = await run([command, '--help']);
        assert.equal(of.code, 0);
        assert.ok(of.stdout.startsWith(`Usage: verawebsockets ${command} `));
        for (const line of of.stdout.split('\n')) assert.ok(line.length <= 120, line);
        assert.deepEqual(await run(['help', command]), of);
      });
    }
  });

  describe('listen', () => {
    async function listening(...args: string[]) {
      listener = start(['listen', '127.0.0.1:0', ...args], { input: null });
      const started = listener;
      await started.until(() => started.stderr.includes('listening at '));
      const [, url] = /listening at (\S+)\n/.exec(started.stderr) ?? [];
      return { listener: started, url: String(url) };
    }

    it('prints what comes, sends lines to everyone, and goes on at the end of the input', async () => {
      const { listener, url } = await listening();
      const socket = new WebSocket(url);
      await new Promise((resolve) => socket.once('open', resolve));
      const heard = new Promise((resolve) => socket.once('message', (data) => resolve(`${data}`)));
      listener.write('to you\n');
      assert.equal(await heard, 'to you');
      listener.child.stdin.end();
      socket.send('to it');
      await listener.until(() => listener.stdout === 'to it\n');
      const closed = new Promise((resolve) => socket.once('close', resolve));
      listener.child.kill('SIGTERM');
      assert.equal(await closed, 1001);
      assert.equal((await listener.ended).code, 0);
    });

    it('echoes, over TLS, with a subprotocol, for clients of an authority', async () => {
      const { caPath, server: identity, wsPemPath } = certificates();
      const { listener, url } = await listening(
        ...['--echo', '--quiet', '-s', 'b', '--ca', caPath],
        ...['--cert', identity.certPath, '--key', identity.keyPath],
      );
      assert.match(url, /^wss:/);
      const address = url.replace('127.0.0.1', 'localhost');
      const args = [address, '--ca', caPath, '-s', 'a', '-s', 'b', '-x', 'hi', '--count', '1'];
      assert.deepEqual(await run([...args, '--cert', wsPemPath]), {
        code: 0,
        stdout: 'hi\n',
        stderr: '',
      });
      assert.equal((await run(args)).code, 1);
      assert.equal(listener.stdout, '');
    });

    it('says so if the port is taken', async () => {
      const { code, stderr } = await run(['listen', `127.0.0.1:${server.port}`]);
      assert.equal(code, 1);
      assert.match(stderr, /^error: .*EADDRINUSE.*\n$/);
    });
  });

  describe('bench', () => {
    it('prints one summary, as JSON if asked', async () => {
      const { code, stdout } = await run([
        ...['bench', server.url, '-s', 'x', '--duration', '0.3', '--size', '100'],
        ...['--connections', '3', '--in-flight', '2'],
      ]);
      assert.equal(code, 0);
      assert.match(
        stdout,
        /^messages {6}[\d,]+ of 100 bytes in 0\.\d\d s\nrate {10}[\d,]+ messages\/s.*\nlatency, ms .*\n$/,
      );
      const json = await run(['bench', server.url, '--json', '--duration', '0.3', '--text']);
      assert.equal(json.code, 0);
      const result = parse(json.stdout);
      assert.ok(Number(result.messages) > 0 && Number(result.messagesPerSecond) > 0);
      const { min, p50, p90, p99, max } = result.latency as unknown as Record<string, number>;
      const values = [min, p50, p90, p99, max].map(Number);
      assert.deepEqual(
        values,
        [...values].sort((a, b) => a - b),
      );
      assert.ok(values.every((value) => value > 0));
    });

    it('keeps to a rate', async () => {
      const args = ['bench', server.url, '--json', '--duration', '1', '--rate', '200'];
      const { code, stdout } = await run([...args, '--connections', '2']);
      assert.equal(code, 0);
      const messages = Number(parse(stdout).messages);
      assert.ok(messages >= 150 && messages <= 200, stdout);
    });

    it('says so if nothing comes back, or nobody is there', async () => {
      const silent = await startWsServer({ onConnection: () => {} });
      const { code, stderr } = await run(['bench', silent.url, '--duration', '0.2']);
      await silent.close();
      assert.equal(code, 1);
      assert.match(stderr, /^error: the server sent nothing back; /);
      const refused = await run(['bench', `127.0.0.1:${await freePort()}`]);
      assert.equal(refused.code, 1);
      assert.match(refused.stderr, /^error: connect ECONNREFUSED /);
    });
  });
});

function parse(line: string): Record<string, string> {
  return JSON.parse(line) as Record<string, string>;
}
