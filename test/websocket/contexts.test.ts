/**
 * AsyncLocalStorage: what a handler sees is the context that its socket was made in, what a callback sees that of the
 * call it was given to. Each test runs in a process of its own, in each way that the engine can run.
 */
import { strict as assert } from 'node:assert';
import { certificates } from '../support/certificates';
import { expectExit } from '../support/child';
import { freePort } from '../support/free-port';
import { echo, startWsServer, type WsServer } from '../support/ws-server';

const prelude = `
const { AsyncLocalStorage, createHook, executionAsyncId } = require('node:async_hooks');
const als = new AsyncLocalStorage();
lib.configure({ service: args.service });
/** What was seen by whom, without repetitions. */
const seen = {};
const note = (who, name) => {
  const list = ((seen[who] ??= {})[name] ??= []);
  const store = als.getStore() ?? 'nothing';
  if (!list.includes(store)) list.push(store);
};
/** A function that writes down where it runs. */
const noting = (who, name, result) => () => (note(who, name), result);
const EVENTS = ['upgrade', 'open', 'message', 'ping', 'pong', 'drain', 'error', 'close', 'reconnecting', 'reconnected', 'redirect', 'unexpected-response'];
const watch = (who, socket) => {
  for (const event of EVENTS) {
    socket.on(event, noting(who, event));
    if (event !== 'unexpected-response') socket.addEventListener(event, noting(who, event));
  }
  return socket;
};
const once = (socket, event) => new Promise((resolve) => socket.once(event, resolve));
const print = () => console.log(JSON.stringify(seen));
`;

type Seen = Record<string, Record<string, string[]>>;

describe('contexts (AsyncLocalStorage)', () => {
  let server: WsServer;
  let secure: WsServer;
  before(async () => {
    server = await startWsServer({
      onConnection: (socket, { url }) => {
        if (url === '/lose') socket.terminate();
        else if (url === '/close') socket.close(4000);
        else {
          socket.ping('x');
          echo(socket);
        }
      },
    });
    secure = await startWsServer({ tls: true });
  });
  after(() => Promise.all([server.close(), secure.close()]));

  /** Runs it; every name of `expected` must have been seen, in the context that belongs to it. */
  const run = async (
    service: string,
    snippet: string,
    expected: Record<string, [context: string, names: string]>,
  ): Promise<void> => {
    const args = {
      service,
      url: server.url,
      secure: secure.url,
      ca: certificates().ca.toString(),
      refused: `ws://127.0.0.1:${await freePort()}`,
    };
    const { stdout } = await expectExit(prelude + snippet, { args });
    const seen = JSON.parse(stdout) as Seen;
    for (const [who, [context, names]] of Object.entries(expected)) {
      for (const name of names.split(' ')) {
        assert.deepEqual(seen[who]?.[name], [context], `${who}: ${name}`);
      }
      for (const [name, contexts] of Object.entries(seen[who] ?? {})) {
        assert.deepEqual(contexts, [context], `${who}: ${name}`);
      }
    }
  };

  for (const service of ['adaptive', 'thread', 'loop']) {
    describe(`service '${service}'`, () => {
      it('listeners of sockets, one after the other and at once', () =>
        run(
          service,
          `
          const visit = (who) => als.run(who, async () => {
            const socket = watch(who, new lib.WebSocket(args.url, { highWaterMark: 1000 }));
            const all = ['message', 'ping', 'pong', 'drain'].map((event) => once(socket, event));
            await once(socket, 'open');
            await als.run('elsewhere', async () => {
              socket.ping();
              socket.send(Buffer.alloc(4 << 20));
              await Promise.all(all);
              socket.close();
              await once(socket, 'close');
            });
          });
          (async () => {
            await visit('A');
            await visit('B');
            await Promise.all([visit('C'), visit('D')]);
            await once(new lib.WebSocket(args.url), 'open').then(noting('none', 'open'));
            print();
            process.exit();
          })();
          `,
          Object.fromEntries(
            ['A', 'B', 'C', 'D'].map((who) => [
              who,
              [who, 'upgrade open message ping pong drain close'],
            ]),
          ) as Record<string, [string, string]>,
        ));

      it('of sockets that fail, are given up and come back', () =>
        run(
          service,
          `
          const { WebSocket } = lib;
          (async () => {
            als.run('first', () => new WebSocket(args.url).on('open', function () { this.close(); }));
            const sockets = als.run('A', () => ({
              refused: watch('refused', new WebSocket(args.refused)),
              early: watch('early', new WebSocket(args.url)),
              waiting: watch('waiting', new WebSocket(args.url, { lookup() {} })),
              held: watch('held', new WebSocket(args.url, { finishRequest() {} })),
              blob: watch('blob', new WebSocket(args.url)),
              again: watch('again', new WebSocket(args.url + '/lose', { reconnect: { min: 1, max: 1, attempts: 2, when: noting('again', 'when', true) } })),
            }));
            als.run('elsewhere', () => {
              sockets.early.close();
              sockets.waiting.close();
              sockets.held.terminate();
              sockets.blob.on('open', () => als.run('elsewhere', () => {
                const unreadable = new Blob(['x']);
                unreadable.arrayBuffer = () => Promise.reject(new Error('unreadable'));
                sockets.blob.send(unreadable);
              }));
            });
            let attempts = 0;
            sockets.again.on('reconnected', () => { if (++attempts === 2) sockets.again.close(); });
            await Promise.all(Object.values(sockets).map((socket) => once(socket, 'close')));
            print();
          })();
          `,
          {
            refused: ['A', 'error close'],
            early: ['A', 'error close'],
            waiting: ['A', 'error close'],
            held: ['A', 'error close'],
            blob: ['A', 'open error close'],
            again: ['A', 'open reconnecting reconnected when close'],
          },
        ));

      it('functions among the options', () =>
        run(
          service,
          `
          (async () => {
            als.run('first', () => new lib.WebSocket(args.url).on('open', function () { this.close(); }));
            let answer;
            const asked = new Promise((resolve) => { answer = resolve; });
            const socket = als.run('A', () => watch('A', new lib.WebSocket(args.secure, {
              ca: args.ca,
              lookup: (name, options, callback) => { note('A', 'lookup'); answer(callback); },
              checkServerIdentity: noting('A', 'checkServerIdentity'),
              finishRequest: (request) => { note('A', 'finishRequest'); request.end(); },
            })));
            const callback = await asked;
            als.run('elsewhere', () => callback(null, '127.0.0.1'));
            await once(socket, 'open');
            socket.close();
            await once(socket, 'close');
            const failed = als.run('B', () => watch('B', new lib.WebSocket(args.url, {
              lookup: (name, options, callback) => { answer = callback; },
            })));
            als.run('elsewhere', () => answer(new Error('no such name')));
            await once(failed, 'close');
            als.run('log', () => lib.set_log_level('all', noting('log', 'line')));
            const logged = als.run('C', () => watch('C', new lib.WebSocket(args.url)));
            await once(logged, 'open');
            logged.close();
            await once(logged, 'close');
            lib.set_log_level(0);
            print();
          })();
          `,
          {
            A: ['A', 'lookup checkServerIdentity finishRequest open close'],
            B: ['B', 'error close'],
            log: ['log', 'line'],
            C: ['C', 'open close'],
          },
        ));

      it('callbacks of send(), ping() and pong(): that of the call', () =>
        run(
          service,
          `
          const { WebSocket } = lib;
          const call = (who, run) => als.run(who, () => new Promise((resolve) => run((error) => { note(who, error ? 'error' : 'done'); resolve(); })));
          (async () => {
            const socket = await als.run('socket', async () => once(this.socket = new WebSocket(args.url), 'open').then(() => this.socket));
            const all = [];
            als.run('handler', () => socket.on('message', () => {}));
            for (let i = 0; i < 3; i++) {
              all.push(call('send' + i, (done) => socket.send('x', done)));
              all.push(call('ping' + i, (done) => socket.ping('x', true, done)));
              all.push(call('pong' + i, (done) => socket.pong('x', true, done)));
              all.push(call('blob' + i, (done) => socket.send(new Blob(['x']), done)));
            }
            await Promise.all(all);
            const lost = [call('lost', (done) => socket.send(Buffer.alloc(32 << 20), done)), call('lostBlob', (done) => socket.send(new Blob(['x']), done))];
            als.run('elsewhere', () => socket.terminate());
            await Promise.all(lost);
            await call('late', (done) => socket.send('x', done));
            print();
          })();
          `,
          {
            ...(Object.fromEntries(
              ['send', 'ping', 'pong', 'blob'].flatMap((name) =>
                [0, 1, 2].map((i) => [`${name}${i}`, [`${name}${i}`, 'done']]),
              ),
            ) as Record<string, [string, string]>),
            lost: ['lost', 'error'],
            lostBlob: ['lostBlob', 'error'],
            late: ['late', 'error'],
          },
        ));

      it('handlers of create(), with and without loop(), and what comes after loop()', () =>
        run(
          service,
          `
          const visit = (who, url, more) => als.run(who, () => {
            const wso = lib.create({ url, ...more, event_handlers: {
              1: noting(who, 1),
              3() { note(who, 3); als.run('elsewhere', () => lib.send(wso, 'x')); process.nextTick(noting(who, 'tick')); void Promise.resolve().then(noting(who, 'promise')); },
              4: noting(who, 4),
              8() { note(who, 8); lib.close(wso); },
            } });
            return wso;
          });
          const standalone = { standalone: true };
          const [a, b, c] = [visit('A', args.url, standalone), visit('B', args.url, standalone), visit('C', args.refused, standalone)];
          lib.connect(a);
          als.run('elsewhere', () => lib.connect(b));
          lib.connect(c);
          als.run('caller', () => {
            process.nextTick(noting('ticks', 'tick'));
            lib.loop();
            note('caller', 'after');
            queueMicrotask(noting('caller', 'microtask'));
          });
          note('outside', 'after');
          const d = visit('D', args.url);
          als.run('elsewhere', () => lib.connect(d));
          process.on('exit', print);
          `,
          {
            A: ['A', '3 4 8 tick promise'],
            B: ['B', '3 4 8 tick promise'],
            C: ['C', '1'],
            D: ['D', '3 4 8 tick promise'],
            ticks: ['caller', 'tick'],
            caller: ['caller', 'after microtask'],
            outside: ['nothing', 'after'],
          },
        ));

      it('of a socket that has closed is collected, the first one included', async () => {
        const { stdout } = await expectExit(
          `${prelude}
          const made = (run) => { const store = { of: 'socket' }; als.run(store, run); return new WeakRef(store); };
          const settle = async (refs) => {
            // What was looked at lives until the end of the turn.
            for (let i = 0; i < 100 && refs.some((ref) => ref.deref()); i++) { await new Promise(setImmediate); gc(); }
            return refs.filter((ref) => ref.deref()).length;
          };
          // Somebody may keep the socket itself, and the engine goes on for others.
          const kept = [];
          (async () => {
            let closed = 0;
            let done;
            const all = new Promise((resolve) => { done = resolve; });
            const open = (url, options) => () => {
              const socket = new lib.WebSocket(url, options);
              kept.push(socket);
              socket.on('error', () => {});
              socket.on('close', () => { if (++closed === 4) done(); });
            };
            const refs = [open(args.url + '/close'), open(args.url + '/lose'), open(args.refused), open(args.url, { lookup: (name, options, done) => done(new Error('none')) })].map(made);
            const other = new lib.WebSocket(args.url);
            await once(other, 'open');
            await all;
            console.log(await settle(refs), kept.length);
            other.close();
          })();
          `,
          {
            args: { service, url: server.url, refused: `ws://127.0.0.1:${await freePort()}` },
            nodeOptions: ['--expose-gc'],
          },
        );
        assert.equal(stdout, '0 4\n');
      });
    });
  }

  it('async_hooks: one resource a socket, in which all of its listeners run', async () => {
    const { stdout } = await expectExit(
      `${prelude}
      const types = new Map();
      createHook({ init(id, type) { types.set(id, type); } }).enable();
      const visit = async () => {
        const ids = new Set();
        const socket = new lib.WebSocket(args.url);
        for (const event of ['open', 'message', 'ping', 'close']) socket.on(event, () => ids.add(executionAsyncId()));
        const both = [once(socket, 'message'), once(socket, 'ping')];
        await once(socket, 'open');
        socket.send('x');
        await Promise.all(both);
        socket.close();
        await once(socket, 'close');
        return [...ids];
      };
      Promise.all([visit(), visit()]).then(([one, two]) => {
        console.log(one.length, two.length, one[0] !== two[0], types.get(one[0]), types.get(two[0]));
      });
      `,
      { args: { service: 'adaptive', url: server.url } },
    );
    assert.equal(stdout, '1 1 true WebSocket WebSocket\n');
  });
});
