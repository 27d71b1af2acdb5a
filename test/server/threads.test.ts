/**
 * The engine on several threads, `configure({ threads })`: connections are spread, and each sees what it would see with
 * one. Each test is a process of its own, since an engine is configured once.
 */
import { strict as assert } from 'node:assert';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

const prelude = `
const fs = require('node:fs');
const { once } = require('node:events');
const { WebSocket, WebSocketServer } = lib;
const threads = () => fs.readdirSync('/proc/self/task').filter((id) => {
  try { return fs.readFileSync('/proc/self/task/' + id + '/comm', 'latin1').trim() === 'vws-service'; } catch { return false; }
}).length;
const until = async (done) => { while (!done()) await new Promise((resolve) => setTimeout(resolve, 10)); };
const listen = async (options) => {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  return server;
};
const urlOf = (server) => 'ws://127.0.0.1:' + server.address().port;
/** Clients of ws's own: the engine has only the server's ends. */
const { WebSocket: Peer } = require('ws');
const join = async (server, count, options) => {
  const all = Array.from({ length: count }, () => new Peer(urlOf(server), options));
  await Promise.all(all.map((one) => once(one, 'open')));
  await until(() => server.clients.size === count);
  return all;
};
const sample = (server, name) => [...server.metrics().matchAll(new RegExp('^verawebsockets_' + name + '\\\\{lane="\\\\d"\\\\} (\\\\S+)$', 'gm'))]
  .map(([, value]) => Number(value));
const run = (body) => body().catch((error) => { console.error(error); process.exit(1); });
lib.configure(args.engine ?? { threads: 2 });
`;

async function child(body: string, args: object = {}): Promise<string> {
  const snippet = `${prelude} run(async () => { ${body} });`;
  const { stdout } = await expectExit(snippet, { args, timeout: 25_000 });
  return stdout.trim();
}

describe('the engine on several threads', () => {
  let peers: WsServer;
  before(async () => (peers = await startWsServer()));
  after(() => peers.close());

  for (const service of ['adaptive', 'thread'] as const) {
    it(`${service}: spreads connections, and tells how many each has`, async () => {
      const body = `
        const server = await listen();
        const before = sample(server, 'lane_connections');
        const clients = await join(server, 9);
        console.log(JSON.stringify([before, sample(server, 'lane_connections'), threads()]));
        clients[0].terminate();
        await until(() => server.clients.size === 8);
        await until(() => sample(server, 'lane_connections').every((count) => count >= 2));
        for (const client of clients) client.terminate();
        await until(() => sample(server, 'lane_connections').every((count) => count === 0));
        const busy = sample(server, 'lane_busy_seconds_total');
        console.log(busy.length === 3 && busy.every((seconds) => seconds > 0) ? 'busy' : busy);
        server.close();`;
      const engine = { service, threads: 3 };
      assert.deepEqual((await child(body, { engine })).split('\n'), [
        '[[0,0,0],[3,3,3],3]',
        'busy',
      ]);
    });

    it(`${service}: what is sent, published and received keeps its order for each socket`, async () => {
      const body = `
        const server = await listen({ perMessageDeflate: true });
        server.on('connection', (socket) => {
          socket.subscribe('all');
          socket.on('message', (data) => socket.send('echo ' + data));
        });
        const clients = await join(server, 6);
        const heard = clients.map(() => []);
        clients.forEach((client, i) => client.on('message', (data) => heard[i].push(String(data))));
        const published = [];
        for (let round = 0; round < 100; ++round) {
          for (const socket of server.clients) socket.send('before ' + round);
          server.publish('all', 'all ' + round);
          for (const socket of server.clients) socket.send('after ' + round);
          published.push('before ' + round, 'all ' + round, 'after ' + round);
          if (round % 10 === 0) await new Promise(setImmediate);
        }
        await until(() => heard.every((one) => one.length === 300));
        const inOrder = heard.every((one) => one.join() === published.join());
        for (let round = 0; round < 100; ++round) for (const client of clients) client.send(String(round));
        await until(() => heard.every((one) => one.length === 400));
        const echoes = Array.from({ length: 100 }, (_, round) => 'echo ' + round);
        const echoed = heard.every((one) => one.slice(300).join() === echoes.join());
        console.log(inOrder, echoed, server.broadcast('to all'));
        await until(() => heard.every((one) => one.length === 401));
        for (const client of clients) client.terminate();
        server.close();`;
      assert.equal(await child(body, { engine: { service, threads: 2 } }), 'true true 6');
    });
  }

  it('takes TLS, sockets of other servers, and clients', async () => {
    const body = `
      const http = require('node:http');
      const secure = await listen({ cert: args.cert, key: args.key });
      const web = http.createServer().listen(0, '127.0.0.1');
      await once(web, 'listening');
      const beside = new WebSocketServer({ server: web });
      for (const server of [secure, beside]) server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));
      const urls = ['wss://localhost:' + secure.address().port, 'ws://127.0.0.1:' + web.address().port, args.url];
      const answers = [];
      await Promise.all(Array.from({ length: 12 }, async (_, i) => {
        const socket = new WebSocket(urls[i % 3], { rejectUnauthorized: false });
        await once(socket, 'open');
        socket.send(String(i));
        const [data] = await once(socket, 'message');
        answers[i] = Number(data);
        socket.close();
        await once(socket, 'close');
      }));
      console.log(answers.join());
      secure.close();
      beside.close();
      web.close();`;
    const { cert, key } = certificates().server;
    const args = { url: peers.url, cert: String(cert), key: String(key) };
    assert.equal(await child(body, args), Array.from({ length: 12 }, (_, i) => i).join());
  });

  it('drains, and gives all threads back when there is no connection', async () => {
    const body = `
      const server = await listen();
      const clients = await join(server, 20);
      const ends = clients.map((client) => once(client, 'close'));
      console.log(JSON.stringify(await server.drain({ spread: 100 })));
      const codes = (await Promise.all(ends)).map(([code]) => code);
      console.log([...new Set(codes)].join());
      await until(() => threads() === 0);
      const again = await listen();
      const [client] = await join(again, 1);
      console.log(threads());
      client.terminate();
      again.close();
      await until(() => threads() === 0);`;
    const lines = (await child(body)).split('\n');
    assert.equal((JSON.parse(lines[0] as string) as { closed: number }).closed, 20);
    assert.deepEqual(lines.slice(1), ['1001', '2']);
  });

  it('logs what happens on any of them', async () => {
    const body = `
      const lines = [];
      lib.set_log_level(1024, (level, line) => lines.push(line));
      await Promise.all(Array.from({ length: 4 }, async () => {
        const socket = new WebSocket(args.url);
        await once(socket, 'open');
        socket.close(1000);
        await once(socket, 'close');
      }));
      await until(() => lines.filter((line) => /: close: 1000/.test(line)).length === 4);
      lib.set_log_level(0);
      console.log('logged');`;
    assert.equal(await child(body, { url: peers.url }), 'logged');
  });

  it('loop() hears what comes on each', async () => {
    const body = `
      const ends = [];
      for (let i = 0; i < 4; ++i) {
        const wso = lib.create({ url: args.url, standalone: true, event_handlers: {
          1(reason, error) { throw error; },
          3() { lib.send(wso, String(i)); },
          8(data) { ends.push(String(data)); lib.close(wso); },
        } });
        lib.connect(wso);
      }
      lib.loop();
      console.log(ends.sort().join());`;
    assert.equal(await child(body, { url: peers.url }), '0,1,2,3');
  });

  for (const end of ['process.exit(0)', 'worker.terminate()', 'nothing']) {
    it(`ends under load by ${end}`, async () => {
      // The worker has an engine of its own.
      const source = `
        const lib = require('LIBRARY');
        lib.configure({ threads: 3 });
        const server = new lib.WebSocketServer({ port: 0, host: '127.0.0.1' }, () => {
          for (let i = 0; i < 6; ++i) {
            const socket = new lib.WebSocket('ws://127.0.0.1:' + server.address().port);
            socket.on('open', () => { for (let k = 0; k < 8; ++k) socket.send('x'); });
            let left = 2000;
            socket.on('message', (data) => { socket.send(data); if (--left === 0) done(); });
            socket.on('error', () => undefined);
          }
        });
        server.on('connection', (socket) => socket.on('message', (data) => socket.send(data)));`;
      const body =
        end === 'worker.terminate()'
          ? `
            const { Worker } = require('node:worker_threads');
            const code = args.source.replace("'LIBRARY'", JSON.stringify(libraryPath))
              .replace('done()', 'require("node:worker_threads").parentPort.postMessage("go")');
            const worker = new Worker(code, { eval: true });
            await once(worker, 'message');
            await worker.terminate();
            console.log(threads());`
          : `
            const left = { count: 6 };
            globalThis.done = () => { ${
              end === 'nothing'
                ? `if (--left.count === 0) { console.log(0); globalThis.stop(); }`
                : `console.log(0); ${end};`
            } };
            new Function('require', args.source.replace("'LIBRARY'", JSON.stringify(libraryPath)).replace('lib.configure({ threads: 3 });', '') +
              '; globalThis.stop = () => { for (const one of server.clients) one.terminate(); server.close(); };')(require);`;
      assert.equal(await child(body, { engine: { threads: 3 }, source }), '0');
    });
  }
});
