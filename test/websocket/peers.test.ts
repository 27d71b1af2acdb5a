/** Real peers: ws over every kind of address, nginx, haproxy, libwebsockets' test server, Python's websockets. */
import { strict as assert } from 'node:assert';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closed, endSockets, message, open, opening } from './support/sockets';
import { certificates } from '../support/certificates';
import { freePort } from '../support/free-port';
import { startWsServer, type WsServer } from '../support/ws-server';
import { type ClientOptions, WebSocket } from '../../lib';

/** The Debian package that has a program, for the message when it is missing. */
function need(program: string, debianPackage: string): string {
  const { stdout } = spawnSync('sh', ['-c', `PATH="$PATH:/usr/sbin:/sbin" command -v ${program}`], {
    encoding: 'utf8',
  });
  const path = stdout.trim();
  if (path === '') throw new Error(`${program} is missing: apt-get install -y ${debianPackage}`);
  return path;
}

/** Text, binary, 1 MiB, ping, close: what every peer must do. */
async function converse(
  url: string,
  options: ClientOptions = {},
  protocols: string[] = [],
): Promise<WebSocket> {
  const socket = await opening(open(url, protocols, options));
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 1024 * 1024]) {
    const data = Buffer.alloc(size, size);
    socket.send(data);
    const [received, isBinary] = await message(socket);
    assert.equal(isBinary, true);
    assert.ok(received.equals(data), `${size} bytes`);
  }
  socket.send('Grüße, 世界');
  assert.equal((await message(socket))[0].toString(), 'Grüße, 世界');
  const pong = new Promise((resolve) => socket.once('pong', (data) => resolve(data.toString())));
  socket.ping('are you there');
  assert.equal(await pong, 'are you there');
  const end = closed(socket);
  socket.close(1000, 'done');
  assert.equal((await end).code, 1000);
  return socket;
}

/** A program that listens on a port; killed after the test. */
class Daemon {
  private constructor(
    private readonly child: ChildProcess,
    private output: string,
  ) {}

  static async start(program: string, args: string[], port: number): Promise<Daemon> {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const daemon = new Daemon(child, '');
    child.stdout?.on('data', (text) => (daemon.output += String(text)));
    child.stderr?.on('data', (text) => (daemon.output += String(text)));
    let over = false;
    child.on('exit', () => (over = true));
    for (;;) {
      if (over) throw new Error(`${program} ended: ${daemon.output}`);
      const ready = await new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => {
          socket.destroy();
          resolve(true);
        });
        socket.on('error', () => setTimeout(resolve, 10, false));
      });
      if (ready) return daemon;
    }
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) return resolve();
      this.child.once('exit', () => resolve());
      this.child.kill('SIGKILL');
    });
  }
}

describe('WebSocket: peers', () => {
  const { ca, server: identity } = certificates();
  let folder: string;
  const daemons: Daemon[] = [];
  const start = async (program: string, args: string[], port: number): Promise<void> => {
    daemons.push(await Daemon.start(program, args, port));
  };
  before(() => (folder = mkdtempSync(join(tmpdir(), 'vws-peers-'))));
  afterEach(async () => {
    await endSockets();
    await Promise.all(daemons.splice(0).map((daemon) => daemon.stop()));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const on of ['127.0.0.1', '::1', 'unix'] as const) {
    for (const tls of [false, true]) {
      if (on === 'unix' && tls) continue;
      for (const perMessageDeflate of [false, true]) {
        it(`ws on ${on}${tls ? ', TLS' : ''}${perMessageDeflate ? ', compression' : ''}`, async () => {
          const peer = await startWsServer({ on, tls, ws: { perMessageDeflate } });
          try {
            const socket = await converse(peer.url, { ca });
            assert.equal(socket.extensions, perMessageDeflate ? 'permessage-deflate' : '');
          } finally {
            await peer.close();
          }
        });
      }
    }
  }

  it('ws+unix: with a path and a query, and the option socketPath', async () => {
    const peer = await startWsServer({ on: 'unix' });
    try {
      for (const [url, options, path] of [
        [`ws+unix:${peer.socketPath}:/a/b?c=d`, {}, '/a/b?c=d'],
        [`ws+unix://${peer.socketPath}`, {}, '/'],
        ['ws://localhost/x', { socketPath: peer.socketPath }, '/x'],
      ] as const) {
        await opening(open(url, options));
        const { request } = await peer.nextConnection();
        assert.equal(request.url, path);
        assert.equal(request.headers.host, 'localhost');
      }
    } finally {
      await endSockets();
      await peer.close();
    }
  });

  describe('in front of ws', () => {
    let upstream: WsServer;
    before(async () => (upstream = await startWsServer({ ws: { perMessageDeflate: true } })));
    after(() => upstream.close());

    it('nginx, plain and TLS', async () => {
      const nginx = need('nginx', 'nginx-light');
      const [plain, tls] = [await freePort(), await freePort()];
      const location = `location / { proxy_pass http://127.0.0.1:${upstream.port}; proxy_http_version 1.1;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade"; }`;
      const file = join(folder, 'nginx.conf');
      writeFileSync(
        file,
        `daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/nginx.log;
        events {} http { access_log off;
        client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
        uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
        server { listen 127.0.0.1:${plain}; ${location} }
        server { listen 127.0.0.1:${tls} ssl; ssl_certificate ${identity.certPath};
          ssl_certificate_key ${identity.keyPath}; ${location} } }`,
      );
      await start(nginx, ['-c', file, '-e', join(folder, 'nginx.log')], tls);
      await converse(`ws://localhost:${plain}/`);
      await converse(`wss://localhost:${tls}/`, { ca });
    });

    it('haproxy, plain and TLS', async () => {
      const haproxy = need('haproxy', 'haproxy');
      const [plain, tls] = [await freePort(), await freePort()];
      const pem = join(folder, 'haproxy.pem');
      writeFileSync(pem, Buffer.concat([identity.cert, identity.key]));
      const file = join(folder, 'haproxy.cfg');
      writeFileSync(
        file,
        `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  timeout tunnel 30s
frontend front
  bind 127.0.0.1:${plain}
  bind 127.0.0.1:${tls} ssl crt ${pem}
  default_backend back
backend back
  server one 127.0.0.1:${upstream.port}
`,
      );
      await start(haproxy, ['-db', '-f', file], tls);
      await converse(`ws://localhost:${plain}/`);
      await converse(`wss://localhost:${tls}/`, { ca });
    });
  });

  it('python3-websockets', async () => {
    // Debian's own: another one in front of it does not have Debian's modules.
    const python = need('/usr/bin/python3', 'python3-websockets');
    if (spawnSync(python, ['-c', 'import websockets']).status !== 0) {
      throw new Error('Python has no module websockets: apt-get install -y python3-websockets');
    }
    const port = await freePort();
    const program = `
import asyncio, websockets
async def echo(socket, *rest):
    async for message in socket:
        await socket.send(message)
async def main():
    async with websockets.serve(echo, "127.0.0.1", ${port}, max_size=None, subprotocols=["chat"]):
        await asyncio.Future()
asyncio.run(main())`;
    await start(python, ['-c', program], port);
    const socket = await converse(`ws://127.0.0.1:${port}/`, {}, ['chat']);
    assert.equal(socket.protocol, 'chat');
    assert.equal(socket.extensions, 'permessage-deflate');
  });

  it("libwebsockets' test server: its increment and mirror protocols", async () => {
    const program = need('libwebsockets-test-server', 'libwebsockets-test-server');
    const port = await freePort();
    await start(program, ['--port', String(port), '-d', '0'], port);
    const counter = await opening(open(`ws://localhost:${port}/`, ['dumb-increment-protocol']));
    assert.equal(counter.protocol, 'dumb-increment-protocol');
    const [first] = await message(counter);
    const [second] = await message(counter);
    assert.equal(Number(second.toString()), Number(first.toString()) + 1);
    const end = closed(counter);
    counter.close(1000);
    await end;
    const mirror = await opening(open(`ws://localhost:${port}/`, ['lws-mirror-protocol']));
    const drawing = 'd #ff0000 1 2 3 4;';
    const seen = new Promise<void>((resolve) => {
      mirror.on('message', (data) => data.toString() === drawing && resolve());
    });
    mirror.send(drawing);
    await seen;
  });
});
