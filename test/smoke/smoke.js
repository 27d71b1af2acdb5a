'use strict';

// The smoke suite: whether the package works where it runs. Plain JavaScript for any runtime with
// Node-API, Node.js 18 and up; it needs the package and a server (server.js beside it), nothing
// else, and is meant to be copied next to an installed package or into the root of another machine.
//
//   SMOKE_PLAIN=ws://… SMOKE_TLS=wss://… SMOKE_CA=ca.pem SMOKE_CLIENT=ws.pem node smoke.js
//
// Environment:
//   SMOKE_PLAIN, SMOKE_TLS   the server's addresses
//   SMOKE_CA, SMOKE_CLIENT   PEM files: its authority; a client's certificate and key
//   SMOKE_DEMO               examples/demo.js, to be run as well, against the same server (optional)
//   SMOKE_SERVICE            'adaptive' (default), 'thread', 'loop': see configure()
//   SMOKE_REFUSES            what this runtime has to refuse, tried as well: 'service-loop',
//                            'async-handlers', with a comma between them
//   SMOKE_TIMEOUT            limit of a case in ms; default 20000
//
// The package is found from the working directory, as require() would find it there. Prints a line
// for each case and then "N passed, N failed"; exits with 1 if one failed, by itself if nothing is
// left open.

const fs = require('node:fs');
const path = require('node:path');
const { AsyncLocalStorage } = require('node:async_hooks');
const { createRequire } = require('node:module');
const { Worker, isMainThread, workerData, parentPort } = require('node:worker_threads');

const packageName = 'verawebsockets';
const load = () => createRequire(path.join(process.cwd(), 'smoke.js'))(packageName);

const environment = process.env;
const timeout = Number(environment.SMOKE_TIMEOUT || 20000);
const service = environment.SMOKE_SERVICE || 'adaptive';
const refuses = (environment.SMOKE_REFUSES || '').split(',').filter(Boolean);

function equal(actual, expected, what) {
  if (!Object.is(actual, expected)) throw new Error(`${what}: ${actual}, not ${expected}`);
}

/** The next of an event, as an array of its arguments. An error comes first where there is one. */
function next(socket, event) {
  return new Promise((resolve, reject) => {
    socket.once(event, (...values) => resolve(values));
    if (event !== 'error') socket.once('error', reject);
  });
}

const urlOf = (base, name) => new URL(name, base).href;

async function opened(vws, url, options) {
  const socket = new vws.WebSocket(url, options);
  socket.setMaxListeners(0);
  await next(socket, 'open');
  return socket;
}

async function closed(socket, ...args) {
  const closing = next(socket, 'close');
  socket.close(...args);
  const [code, reason] = await closing;
  return { code, reason: reason.toString() };
}

async function echo(socket, message, isBinary) {
  const coming = next(socket, 'message');
  socket.send(message);
  const [data, binary] = await coming;
  equal(binary, isBinary, 'isBinary');
  const sent = Buffer.from(message);
  const received = Buffer.from(data);
  equal(received.length, sent.length, 'length');
  if (!received.equals(sent)) throw new Error('the echo differs');
}

/** Bytes in which every position differs from its neighbours, and that do not compress to nothing. */
function pattern(size) {
  const bytes = Buffer.alloc(size);
  let state = 1;
  for (let i = 0; i < size; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes[i] = state >> 16;
  }
  return bytes;
}

const MIB = 1024 * 1024;
const plain = { perMessageDeflate: false };
const withCertificate = () => {
  const identity = fs.readFileSync(environment.SMOKE_CLIENT);
  return { ...plain, ca: fs.readFileSync(environment.SMOKE_CA), cert: identity, key: identity };
};

/** Runs an object of the documented functions to its end; returns what its handlers got, in order. */
function run(vws, options, { blocking }) {
  const events = [];
  const record = (id) => (value) => events.push([id, Buffer.isBuffer(value) ? 'bytes' : value]);
  return new Promise((resolve) => {
    const wso = vws.create({
      ...options,
      standalone: blocking,
      event_handlers: {
        1: (reason) => {
          record(1)(reason);
          resolve(events);
        },
        3: () => {
          record(3)();
          vws.send(wso, 'Hello world!');
        },
        4: () => {
          record(4)();
          resolve(events);
        },
        8: (data) => {
          record(8)(data);
          if (data === 'Hello world!') vws.send(wso, Buffer.from([1, 2, 3]));
          else vws.close(wso, 1000);
        },
      },
    });
    vws.connect(wso);
    if (blocking) {
      vws.loop();
      const last = events.length > 0 ? events[events.length - 1][0] : 'none';
      if (last !== 4) throw new Error(`loop() returned after event ${last}`);
    }
  });
}

/** Runs this file in a worker, which gets the options; what is to happen once it has had its echo. */
function worker(options, echoed = () => {}) {
  return new Promise((resolve, reject) => {
    const running = new Worker(__filename, { workerData: { smoke: true, ...options } });
    let answer;
    running.once('message', (message) => {
      answer = message;
      echoed(running);
    });
    running.once('error', reject);
    running.once('exit', () =>
      answer === 'echoed' ? resolve() : reject(new Error(`the worker said ${answer}`)),
    );
  });
}

const WHOLE_RUN = '[[3,null],[8,"Hello world!"],[8,"bytes"],[4,null]]';
const text = (events) => JSON.stringify(events.map(([id, value]) => [id, value ?? null]));

const settings = () => ({
  client_ssl_cert_filepath: environment.SMOKE_CLIENT,
  client_ssl_ca_filepath: environment.SMOKE_CA,
});

/** name → function. */
const cases = {
  load: (vws) => {
    const { libwebsockets, openssl, zlib } = vws.versions();
    if (!/^\d+\.\d+/.test(libwebsockets)) throw new Error(`libwebsockets ${libwebsockets}`);
    return `libwebsockets ${libwebsockets}, OpenSSL ${openssl}, zlib ${zlib}`;
  },

  connect: async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    equal(socket.readyState, 1, 'readyState');
    equal((await closed(socket, 1000)).code, 1000, 'code');
  },

  'connect: a refused connection is an error': async (vws) => {
    // Port 1 (tcpmux) of loopback: nobody listens.
    const socket = new vws.WebSocket('ws://127.0.0.1:1/', plain);
    const [error] = await next(socket, 'error');
    equal(error.code, 'ECONNREFUSED', 'code');
  },

  'echo: text': async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    for (const message of ['', 'hello', 'ž 水 🦜', 'x'.repeat(200), 'y'.repeat(70000)]) {
      await echo(socket, message, false);
    }
    await closed(socket);
  },

  'echo: binary': async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    for (const size of [0, 1, 125, 126, 65535, 65536]) await echo(socket, pattern(size), true);
    await echo(socket, new Uint8Array([1, 2, 3]), true);
    await closed(socket);
  },

  'echo: 1 MiB': async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    await echo(socket, pattern(MIB), true);
    await echo(socket, 'm'.repeat(MIB), false);
    await closed(socket);
  },

  'echo: 2,000 messages in order': async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    const count = 2000;
    const done = new Promise((resolve, reject) => {
      let expected = 0;
      socket.on('error', reject);
      socket.on('message', (data) => {
        if (data.toString() !== `message ${expected}`) reject(new Error(`${data}: ${expected}`));
        if (++expected === count) resolve();
      });
    });
    for (let i = 0; i < count; i++) socket.send(`message ${i}`);
    await done;
    await closed(socket);
  },

  compression: async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, { perMessageDeflate: true });
    if (!/^permessage-deflate/.test(socket.extensions)) throw new Error('not negotiated');
    await echo(socket, 'compress me '.repeat(10000), false);
    await echo(socket, pattern(100000), true);
    const { sentCompressionRatio, receivedCompressionRatio } = socket.stats;
    if (!(sentCompressionRatio > 2)) throw new Error(`sent at a ratio of ${sentCompressionRatio}`);
    if (!(receivedCompressionRatio > 2))
      throw new Error(`received at a ratio of ${receivedCompressionRatio}`);
    await closed(socket);
  },

  'contexts: listeners see that of their socket, callbacks that of the call': async (vws) => {
    const storage = new AsyncLocalStorage();
    const seen = new Set();
    const visit = (name) =>
      storage.run(name, async () => {
        const socket = new vws.WebSocket(environment.SMOKE_PLAIN, plain);
        for (const event of ['open', 'message', 'pong', 'close'])
          socket.on(event, () => seen.add(`${name} ${event} in ${storage.getStore()}`));
        await next(socket, 'open');
        const echoed = next(socket, 'message');
        const sent = new Promise((resolve) =>
          storage.run(`${name} call`, () =>
            socket.send('x', () => resolve(seen.add(`${name} sent in ${storage.getStore()}`))),
          ),
        );
        await Promise.all([echoed, sent]);
        const pong = next(socket, 'pong');
        socket.ping();
        await pong;
        await closed(socket);
      });
    await visit('a');
    await Promise.all([visit('b'), visit('c')]);
    const expected = ['a', 'b', 'c'].flatMap((name) => [
      ...['open', 'message', 'pong', 'close'].map((event) => `${name} ${event} in ${name}`),
      `${name} sent in ${name} call`,
    ]);
    equal([...seen].sort().join('; '), expected.sort().join('; '), 'contexts');
  },

  'close: our code and reason': async (vws) => {
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    const { code, reason } = await closed(socket, 4001, 'enough');
    equal(code, 4001, 'code');
    equal(reason, 'enough', 'reason');
  },

  'close: code and reason of the server': async (vws) => {
    const socket = new vws.WebSocket(urlOf(environment.SMOKE_PLAIN, '/close?4002'), plain);
    const [code, reason] = await next(socket, 'close');
    equal(code, 4002, 'code');
    equal(reason.toString(), 'as you asked', 'reason');
  },

  'close: a lost connection': async (vws) => {
    const socket = new vws.WebSocket(urlOf(environment.SMOKE_PLAIN, '/vanish'), plain);
    const [code] = await next(socket, 'close');
    equal(code, 1006, 'code');
  },

  reconnecting: async (vws) => {
    const url = urlOf(environment.SMOKE_PLAIN, `/lapse?${Math.random()}`);
    const socket = new vws.WebSocket(url, { ...plain, reconnect: { min: 1 } });
    const [attempts] = await next(socket, 'reconnected');
    equal(attempts, 1, 'attempts');
    await echo(socket, 'again', false);
    const { code } = await closed(socket, 1000);
    equal(code, 1000, 'code');
  },

  'TLS with a client certificate': async (vws) => {
    const url = urlOf(environment.SMOKE_TLS, '/who');
    const socket = new vws.WebSocket(url, withCertificate());
    const [data] = await next(socket, 'message');
    equal(data.toString(), 'example client', 'name in the certificate');
    await echo(socket, pattern(MIB), true);
    await closed(socket);
  },

  'TLS: an unknown authority is refused': async (vws) => {
    const { cert, key } = withCertificate();
    const socket = new vws.WebSocket(environment.SMOKE_TLS, { ...plain, cert, key });
    const [error] = await next(socket, 'error');
    if (!/SELF_SIGNED|UNABLE_TO/.test(error.code)) throw new Error(`code ${error.code}`);
  },

  'documented functions': async (vws) => {
    const events = await run(vws, { url: environment.SMOKE_PLAIN }, { blocking: false });
    equal(text(events), WHOLE_RUN, 'events');
  },

  loop: async (vws) => {
    const events = await run(vws, { url: environment.SMOKE_PLAIN }, { blocking: true });
    equal(text(events), WHOLE_RUN, 'events');
  },

  'loop: TLS with a client certificate': async (vws) => {
    const options = { url: environment.SMOKE_TLS, ssl_settings: settings() };
    const events = await run(vws, options, { blocking: true });
    equal(text(events), WHOLE_RUN, 'events');
  },

  log: async (vws) => {
    const lines = [];
    vws.set_log_level('all', (level, line) => lines.push([level, line]));
    const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
    await closed(socket);
    vws.set_log_level(0);
    if (lines.length === 0) throw new Error('no line was logged');
  },

  'worker thread': () => worker({}),

  ...(refuses.includes('service-loop')
    ? {}
    : { "worker thread: with service 'loop'": () => worker({ service: 'loop' }) }),

  'worker thread: terminated while a connection is open': () =>
    worker({ stay: true }, (running) => running.terminate()),
};

if (environment.SMOKE_DEMO) {
  cases.demo = () => {
    const { log } = console;
    const lines = [];
    console.log = (line) => lines.push(line);
    try {
      require(path.resolve(environment.SMOKE_DEMO)).example(urlOf(environment.SMOKE_TLS, '/demo'), {
        ca: environment.SMOKE_CA,
        client: environment.SMOKE_CLIENT,
      });
    } finally {
      console.log = log;
    }
    const expected = ['Connected', 'Sent: Hello world!', 'Received: Hello world!'].concat([
      'Sent: Hello again!',
      'Received: Hello again!',
      'Connection closed',
    ]);
    equal(lines.slice(1).join('\n'), expected.join('\n'), 'output');
  };
}

async function inWorker() {
  const vws = load();
  if (workerData.service) vws.configure({ service: workerData.service });
  const socket = await opened(vws, environment.SMOKE_PLAIN, plain);
  await echo(socket, 'from a worker', false);
  parentPort.postMessage('echoed');
  if (!workerData.stay) await closed(socket);
}

function within(promise) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeout} ms`)), timeout);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

const UNAVAILABLE = 'ERR_FEATURE_UNAVAILABLE';

function refused(call) {
  try {
    call();
  } catch (error) {
    equal(error.code, UNAVAILABLE, 'code');
    return error.message;
  }
  throw new Error('it was not refused');
}

/** What a runtime may have to refuse. */
const refusals = {
  'service-loop': (vws) => refused(() => vws.configure({ service: 'loop' })),

  'async-handlers': (vws) => {
    const wso = vws.create({
      url: environment.SMOKE_PLAIN,
      standalone: true,
      event_handlers: { 3: async () => {} },
    });
    vws.connect(wso);
    const message = refused(() => vws.loop());
    vws.close(wso);
    vws.loop();
    return message;
  },
};

async function main() {
  const counts = { passed: 0, failed: 0 };
  const vws = load();
  const list = [];
  for (const name of refuses) {
    if (!(name in refusals)) throw new Error(`SMOKE_REFUSES: no ${name}: ${Object.keys(refusals)}`);
    list.push([`refused: ${name}`, refusals[name]]);
  }
  list.push(...Object.entries(cases));
  if (service !== 'adaptive') vws.configure({ service });
  for (const [name, test] of list) {
    try {
      const note = await within(new Promise((resolve) => resolve(test(vws))));
      counts.passed++;
      console.log(`ok      ${name}${note ? ` (${note})` : ''}`);
    } catch (error) {
      counts.failed++;
      console.log(`FAILED  ${name}: ${error && error.stack ? error.stack : error}`);
    }
  }
  console.log(`${counts.passed} passed, ${counts.failed} failed`);
  if (counts.failed > 0) process.exitCode = 1;
}

if (isMainThread) {
  main().catch((error) => {
    console.log(`FAILED  ${error && error.stack ? error.stack : error}\n0 passed, 1 failed`);
    process.exitCode = 1;
  });
} else if (workerData && workerData.smoke) {
  inWorker().catch((error) => parentPort.postMessage(String(error)));
}
