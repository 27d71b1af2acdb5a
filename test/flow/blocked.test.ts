/** A JavaScript thread that is blocked: pings are answered all the same, each with its payload, and none is lost. */
import { strict as assert } from 'node:assert';
import { Child } from '../support/child';
import { close, Opcode, ping, text } from '../support/frames';
import { type RawConnection, RawServer } from '../support/raw-server';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';

const PINGS = 5000;

/** Blocks its thread at the first message until a line comes on its input. */
const client = `
  const fs = require('node:fs');
  let pings = 0;
  const socket = new lib.WebSocket(args.url);
  socket.on('ping', (data) => { if (String(data) === String(pings)) pings += 1; });
  socket.once('message', () => {
    fs.writeSync(1, 'blocked\\n');
    fs.readSync(0, Buffer.alloc(1));
  });
  socket.on('close', (code) => fs.writeSync(1, code + ' ' + pings + '\\n'));
`;

/** Blocks its thread where it is told to, each time until a line comes on its input. */
const blockable = `
  const fs = require('node:fs');
  const block = () => {
    fs.writeSync(1, 'blocked\\n');
    fs.readSync(0, Buffer.alloc(1));
    fs.writeSync(1, 'free\\n');
  };
  const socket = new lib.WebSocket(args.url);
  require('node:net').connect(args.port, '127.0.0.1').on('data', block).unref();
  socket.on('message', (data) => {
    switch (String(data)) {
      case 'block a message handler': return block();
      case 'block a timer': return void setTimeout(block, 3);
      case 'block a promise': return void Promise.resolve().then(block);
      case "block another socket's handler": return;
      default: socket.send(data);
    }
  });
  socket.on('close', (code) => { fs.writeSync(1, code + '\\n'); process.exit(); });
`;

/** Counts how often the engine's thread wakes up in half a second without messages. */
const idler = `
  const fs = require('node:fs');
  const wakings = () => {
    for (const task of fs.readdirSync('/proc/self/task')) {
      const status = fs.readFileSync('/proc/self/task/' + task + '/status', 'utf8');
      if (status.includes('vws-service')) return Number(/^voluntary_ctxt_switches:\\s*(\\d+)/m.exec(status)[1]);
    }
  };
  const socket = new lib.WebSocket(args.url);
  socket.on('message', (data) => {
    if (String(data) !== 'look') return socket.send(data);
    setTimeout(() => {
      const before = wakings();
      setTimeout(() => console.log(wakings() - before), 500);
    }, 50);
  });
  socket.on('close', (code) => { console.log(code); process.exit(); });
`;

const PLACES = ['a message handler', 'a timer', 'a promise', "another socket's handler"];
const PATIENCE = 50;
const ROUNDS = 3;

/** What goes on before the thread is blocked: so little that Node's loop does it all, or so much that it does not. */
const TRAFFIC: Record<string, (connection: RawConnection) => Promise<void>> = {
  async no() {},
  // Each message alone, for longer than it takes to judge the load.
  async light(connection) {
    const end = performance.now() + 150;
    for (let sent = 0; sent < 50 || performance.now() < end; ++sent) {
      connection.write(text('light'));
      assert.equal((await connection.readFrame())?.opcode, Opcode.Binary);
    }
  },
  async heavy(connection) {
    const large = text('x'.repeat(256 * 1024));
    for (let sent = 0; sent < 10; ++sent) connection.write(Buffer.concat([large, large]));
    for (let read = 0; read < 20; ++read)
      assert.equal((await connection.readFrame())?.opcode, Opcode.Binary);
  },
};

/** A server for one client that is none of ours. */
async function listen(): Promise<{ server: Server; port: number; client: Promise<Socket> }> {
  let connected = (_: Socket): void => {};
  const client = new Promise<Socket>((resolve) => (connected = resolve));
  const server = createServer((socket) => connected(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port, client };
}

describe('a blocked JavaScript thread', () => {
  it(`${PINGS} pings are answered meanwhile, in order, and told of afterwards`, async () => {
    const pongs: string[] = [];
    let block = (): void => {};
    const blocked = new Promise<void>((resolve) => (block = resolve));
    let answered = (): void => {};
    const all = new Promise<void>((resolve) => (answered = resolve));
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      connection.write(text('block'));
      await blocked;
      // In batches, so that what waits for us to read stays below the bound on pongs.
      for (let sent = 0; sent < PINGS; sent += 100) {
        const batch = Array.from({ length: 100 }, (_, index) => ping(String(sent + index)));
        connection.write(Buffer.concat(batch));
        for (let read = 0; read < batch.length; ++read) {
          const frame = await connection.readFrame();
          if (frame?.opcode === Opcode.Pong) pongs.push(String(frame.payload));
        }
      }
      answered();
      connection.write(close(1000));
      await connection.readFrame();
      connection.end();
    });
    const child = new Child(client, { args: { url: server.url } });
    try {
      assert.equal(await child.line(), 'blocked');
      block();
      await all;
      assert.deepEqual(
        pongs,
        Array.from({ length: PINGS }, (_, index) => String(index)),
      );
      child.write('\n');
      assert.equal(await child.line(), `1000 ${PINGS}`);
    } finally {
      child.kill();
      await server.close();
    }
  }).timeout(20_000);

  for (const [traffic, exchange] of Object.entries(TRAFFIC)) {
    for (const where of PLACES) {
      it(`in ${where}, after ${traffic} traffic: a ping is answered within ${PATIENCE} ms`, async () => {
        const other = await listen();
        let accept = (_: RawConnection): void => {};
        const accepted = new Promise<RawConnection>((resolve) => (accept = resolve));
        const server = await RawServer.listen(async (connection) => {
          await connection.accept();
          accept(connection);
        });
        const args = { url: server.url, port: other.port };
        const child = new Child(blockable, { args });
        try {
          const connection = await accepted;
          const took: number[] = [];
          for (let round = 0; round < ROUNDS; ++round) {
            await exchange(connection);
            connection.write(text(`block ${where}`));
            if (where === "another socket's handler") (await other.client).write('x');
            // It is let go only when its pong has come.
            assert.equal(await child.line(), 'blocked');
            const start = performance.now();
            connection.write(ping(String(round)));
            const frame = await connection.readFrame();
            took.push(performance.now() - start);
            assert.equal(frame?.opcode, Opcode.Pong);
            assert.equal(String(frame.payload), String(round));
            child.write('\n');
            assert.equal(await child.line(), 'free');
          }
          // The quickest, since a machine under load may delay any of them.
          assert.ok(Math.min(...took) < PATIENCE, `${took.join(' ms, ')} ms`);
          connection.write(close(1000));
          await connection.readFrame();
          connection.end();
          assert.equal(await child.line(), '1000');
        } finally {
          child.kill();
          other.server.close();
          (await other.client).destroy();
          await server.close();
        }
      }).timeout(30_000);
    }
  }

  it('costs nothing before: while nothing comes, nobody wakes up', async () => {
    let idle = (): void => {};
    const looked = new Promise<void>((resolve) => (idle = resolve));
    const server = await RawServer.listen(async (connection) => {
      await connection.accept();
      await TRAFFIC['light']?.(connection);
      connection.write(text('look'));
      await looked;
      connection.write(close(1000));
      await connection.readFrame();
      connection.end();
    });
    const child = new Child(idler, { args: { url: server.url } });
    try {
      // Once or twice after the last message, where once in 10 ms would be 50 times.
      const wakings = Number(await child.line());
      assert.ok(wakings < 8, `${wakings} times`);
      idle();
      assert.equal(await child.line(), '1000');
    } finally {
      child.kill();
      await server.close();
    }
  });
});
