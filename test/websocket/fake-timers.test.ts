/**
 * What users replace, as fake timers of test runners do, must not stop sockets: neither while it is replaced, nor after
 * it was put back, nor if it was replaced before the library was loaded.
 */
import { strict as assert } from 'node:assert';
import { expectExit } from '../support/child';
import { startWsServer, type WsServer } from '../support/ws-server';

const NAMES = ['nextTick', 'setImmediate', 'setTimeout', 'clearTimeout', 'queueMicrotask'];

const prelude = `
const timers = require('node:timers');
const real = { setImmediate, nextTick: process.nextTick };
const saved = [];
/** Nothing that is scheduled by these happens. */
const replace = (names, mark = {}) => {
  for (const name of names) {
    for (const object of name === 'nextTick' ? [process] : [globalThis, timers]) {
      saved.push([object, name, object[name]]);
      object[name] = Object.assign(() => {}, mark);
    }
  }
};
const restore = () => { for (const [object, name, value] of saved.splice(0).reverse()) object[name] = value; };
const once = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
/** Everything that waits for later: a burst, callbacks, one event a turn, iteration, giving up, again, look-ups. */
const use = async (lib) => {
  const { WebSocket } = lib;
  const socket = await WebSocket.connect(args.url, { allowSynchronousEvents: false });
  const got = [];
  socket.on('message', (data) => got.push(String(data)));
  for (let i = 0; i < 3; i++) socket.send(String(i));
  await new Promise((resolve) => socket.send('last', resolve));
  while (got.length < 4) await once(socket, 'message');
  socket.ping('x');
  await once(socket, 'pong');
  if (!(socket.stats.roundTripTime >= 0)) throw new Error('no round trip');
  socket.close();
  await once(socket, 'close');
  await new Promise((resolve) => socket.send('late', resolve));
  const early = new WebSocket(args.url, { lookup() {} });
  early.on('error', () => {});
  early.close();
  await once(early, 'close');
  const again = new WebSocket(args.url + '/lose', { reconnect: { min: 1, max: 1 }, lookup: (name, options, done) => done(null, '127.0.0.1') });
  await once(again, 'reconnected');
  again.close();
  await once(again, 'close');
  const standard = new lib.StandardWebSocket(args.url);
  await new Promise((resolve) => { standard.onopen = resolve; });
  standard.send('x');
  await new Promise((resolve) => { standard.onmessage = resolve; });
  await new Promise((resolve) => real.setImmediate(resolve));
  if (standard.bufferedAmount !== 0) throw new Error('bufferedAmount ' + standard.bufferedAmount);
  standard.close();
  await new Promise((resolve) => { standard.onclose = resolve; });
  return got.join();
};
const load = () => {
  const path = require('node:path');
  for (const file of Object.keys(require.cache)) if (file.startsWith(path.dirname(libraryPath))) delete require.cache[file];
  return require(libraryPath);
};
`;

describe('WebSocket: with fake timers', () => {
  let server: WsServer;
  before(async () => {
    server = await startWsServer({
      onConnection: (socket, { url }) => {
        if (url === '/lose') socket.terminate();
        socket.on('message', (data, binary) => socket.send(data, { binary }));
      },
    });
  });
  after(() => server.close());

  const expected = '0,1,2,last\n'.repeat(3);
  for (const name of NAMES) {
    it(`${name}: while it is replaced, and after`, async () => {
      const { stdout } = await expectExit(
        `${prelude}
        (async () => {
          console.log(await use(lib));
          replace(args.names);
          const result = await use(lib);
          restore();
          console.log(result);
          console.log(await use(lib));
        })();
        `,
        { args: { url: server.url, names: [name] } },
      );
      assert.equal(stdout, expected);
    });
  }

  it('all of them, and clocks', async () => {
    const { stdout } = await expectExit(
      `${prelude}
      (async () => {
        console.log(await use(lib));
        replace(args.names);
        const { now } = performance;
        performance.now = () => NaN;
        Date.now = () => 0;
        const result = await use(lib);
        performance.now = now;
        restore();
        console.log(result);
        console.log(await use(lib));
      })();
      `,
      { args: { url: server.url, names: NAMES } },
    );
    assert.equal(stdout, expected);
  });

  for (const mark of [{ clock: {} }, { _isMockFunction: true }]) {
    it(`nextTick replaced before the library is loaded (${Object.keys(mark)[0]})`, async () => {
      const { stdout } = await expectExit(
        `${prelude}
        (async () => {
          replace(['nextTick'], args.mark);
          const fresh = load();
          const result = await use(fresh);
          restore();
          console.log(result);
          console.log(await use(fresh));
          process.on('uncaughtException', (error) => console.log(error.message));
          fresh.WebSocket.connect(args.url).then((socket) => { socket.terminate(); socket.send('x', () => { throw new Error('thrown'); }); });
        })();
        `,
        { args: { url: server.url, mark } },
      );
      assert.equal(stdout, '0,1,2,last\n0,1,2,last\nthrown\n');
    });
  }
});
