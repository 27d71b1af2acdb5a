/**
 * The stages of a connection's life at which a process, a worker or everything's garbage may be
 * ended, as source text for
 * child processes: `reach[stage](then)` calls `then(wso)` when the stage is reached.
 */
import { type RawConnection, RawServer, type Script } from '../support/raw-server';
import { binary } from '../support/frames';
import { freePort } from '../support/free-port';
import { startWsServer, type WsServer } from '../support/ws-server';

/** The servers that the stages need; they live in the test's own process. */
export interface StageServers {
  urls: Record<'echo' | 'deaf' | 'flood' | 'refused', string>;
  close(): Promise<void>;
}

/** A script for clients that may be gone at any time. */
const tolerant =
  (script: (connection: RawConnection) => Promise<void>): Script =>
  (connection) =>
    script(connection).catch(() => {});

/** Accepts, and never reads again, nor answers a Close frame. */
const deaf = tolerant(async (connection) => {
  await connection.accept();
  connection.socket.pause();
  await connection.closed;
});

const flood = tolerant(async (connection) => {
  await connection.accept();
  await connection.flood(Buffer.concat(Array(256).fill(binary(Buffer.alloc(64, 7)))));
});

export async function startStageServers(): Promise<StageServers> {
  const echo: WsServer = await startWsServer();
  const deafServer = await RawServer.listen(deaf);
  const floodServer = await RawServer.listen(flood);
  return {
    urls: {
      echo: echo.url,
      deaf: deafServer.url,
      flood: floodServer.url,
      refused: `ws://127.0.0.1:${await freePort()}/`,
    },
    async close() {
      await Promise.all([echo.close(), deafServer.close(), floodServer.close()]);
    },
  };
}

/** Defines `reach` and `make`. */
export const stagesSource = `
const make = (url, handlers = {}, more = {}) => {
  const wso = lib.create({
    url,
    event_handlers: { 1(reason) { throw new Error('event 1: ' + reason); }, 3() {}, ...handlers },
    // So that a test of closing towards a server that never answers is soon over.
    closeTimeout: 100,
    ...more,
  });
  return wso;
};

const start = (...rest) => {
  const wso = make(...rest);
  lib.connect(wso);
  return wso;
};

/** A TCP server in this process that shows when the client has begun to speak, and says nothing. */
const silent = (scheme, then) => {
  const server = require('node:net').createServer((socket) => {
    socket.unref();
    socket.on('error', () => {});
    socket.once('data', () => then(wso));
  });
  let wso;
  server.listen(0, '127.0.0.1', () => {
    wso = start(scheme + '://127.0.0.1:' + server.address().port, { 1() {} });
  });
  server.unref();
};

const reach = {
  'never connected': (then) => then(make(args.echo)),
  'connecting': (then) => then(start(args.echo.replace('localhost', '127.0.0.1'), { 1() {} })),
  'connecting to a name': (then) => then(start(args.echo, { 1() {} })),
  'TLS handshake': (then) => silent('wss', then),
  'handshake': (then) => silent('ws', then),
  'inside handler 3': (then) => { const wso = start(args.echo, { 3() { then(wso); } }); },
  'open': (then) => { const wso = start(args.echo, { 3() { setImmediate(then, wso); } }); },
  'sending': (then) => {
    const wso = start(args.deaf, { 3() {
      const block = Buffer.alloc(1 << 16);
      for (let i = 0; i < 256; ++i) lib.send(wso, block);
      setImmediate(then, wso);
    } });
  },
  'sending, not flushed': (then) => {
    const wso = start(args.echo, { 3() { for (let i = 0; i < 1000; ++i) lib.send(wso, 'x'); then(wso); } });
  },
  'queued before established': (then) => {
    const wso = start(args.echo, { 1() {} });
    for (let i = 0; i < 1000; ++i) lib.send(wso, 'x');
    then(wso);
  },
  'inside handler 8': (then) => {
    let count = 0;
    const wso = start(args.flood, { 8() { if (++count === 1000) then(wso); } });
  },
  'receiving': (then) => {
    let count = 0;
    const wso = start(args.flood, { 8() { if (++count === 1000) setImmediate(then, wso); } });
  },
  'closing': (then) => { const wso = start(args.deaf, { 3() { lib.close(wso); setImmediate(then, wso); } }); },
  'inside handler 4': (then) => { const wso = start(args.echo, { 3() { lib.close(wso); }, 4() { then(wso); } }); },
  'closed': (then) => { const wso = start(args.echo, { 3() { lib.close(wso); }, 4() { setImmediate(then, wso); } }); },
  'inside handler 1': (then) => { const wso = start(args.refused, { 1() { then(wso); } }); },
  'failed': (then) => { const wso = start(args.refused, { 1() { setImmediate(then, wso); } }); },
  'many at once': (then) => {
    let open = 0;
    const all = [];
    for (let i = 0; i < 50; ++i) all.push(start(i % 2 ? args.echo : args.flood, { 3() { if (++open === 50) then(all[0], all); } }));
  },
};
`;

export const stageNames = [
  'never connected',
  'connecting',
  'connecting to a name',
  'TLS handshake',
  'handshake',
  'inside handler 3',
  'open',
  'sending',
  'sending, not flushed',
  'queued before established',
  'inside handler 8',
  'receiving',
  'closing',
  'inside handler 4',
  'closed',
  'inside handler 1',
  'failed',
  'many at once',
] as const;
