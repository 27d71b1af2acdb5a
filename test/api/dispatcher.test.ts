/** The dispatcher and the connection, with records made by hand. */
import { strict as assert } from 'node:assert';
import { Connection, type ConnectionHandlers, type Target } from '../../lib/addon/connection';
import { Dispatcher } from '../../lib/addon/dispatcher';
import { cleanClose, established, FakeAddon, Kinds } from './fake-addon';

const target = { options: { host: 'host', family: 0, textAsBuffer: false } } as unknown as Target;

/** Writes down what it is told, and does what the test wants meanwhile. */
class Recorder implements ConnectionHandlers {
  readonly log: unknown[][] = [];
  on: Record<string, (...args: never[]) => void> = {};

  private note(name: string, ...args: unknown[]): void {
    this.log.push([name, ...args]);
    (this.on[name] as ((...all: unknown[]) => void) | undefined)?.(...args);
  }
  get names(): string[] {
    return this.log.map(([name]) => name as string);
  }
  get messages(): string[] {
    return this.log.filter(([name]) => name === 'message').map(([, data]) => String(data));
  }

  onCertificate = (certificate: unknown): void => this.note('certificate', certificate);
  onRedirect = (failure: unknown): void => this.note('redirect', failure);
  onFailure = (failure: unknown): void => this.note('failure', failure);
  onEstablished = (info: unknown): void => this.note('established', info);
  onMessage = (data: unknown, isBinary: boolean): void => this.note('message', data, isBinary);
  onPing = (data: unknown): void => this.note('ping', data);
  onPong = (data: unknown): void => this.note('pong', data);
  onDrain = (): void => this.note('drain');
  onPeerClose = (code: number, reason: unknown): void => this.note('peerClose', code, reason);
  onError = (failure: unknown): void => this.note('error', failure);
  onClosed = (code: number, info: unknown): void => this.note('closed', code, info);
  onFlushed = (bytes: number): void => this.note('flushed', bytes);
}

/** One connection, established. */
function open(): {
  addon: FakeAddon;
  dispatcher: Dispatcher;
  recorder: Recorder;
  connection: Connection;
} {
  const addon = new FakeAddon();
  const dispatcher = new Dispatcher(addon);
  const recorder = new Recorder();
  const connection = new Connection(dispatcher, recorder);
  connection.connect(target);
  addon.batch([1, Kinds.Established, established]);
  addon.ready();
  // That asks for another turn, which has nothing to do.
  addon.ready();
  addon.forget('rearm');
  recorder.log.length = 0;
  return { addon, dispatcher, recorder, connection };
}

function openMany(count: number): { addon: FakeAddon; connections: Connection[] } {
  const addon = new FakeAddon();
  const dispatcher = new Dispatcher(addon);
  const connections = Array.from({ length: count }, () => {
    const connection = new Connection(dispatcher, new Recorder());
    connection.connect(target);
    return connection;
  });
  for (let id = 1; id <= count; id++) addon.batch([id, Kinds.Established, established]);
  while (connections.some(({ state }) => state !== 1)) addon.ready();
  return { addon, connections };
}

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('dispatcher', () => {
  it('asks for the engine before each connection: it may have gone since the last', () => {
    const addon = new FakeAddon();
    const dispatcher = new Dispatcher(addon);
    assert.equal(addon.count('init'), 0);
    for (let i = 1; i <= 3; i++) {
      new Connection(dispatcher, new Recorder()).connect(target);
      assert.equal(addon.count('init'), i);
      assert.equal(addon.connects.length, i);
    }
  });

  it('decodes every kind of record', () => {
    const { addon, recorder } = open();
    const large = new Uint8Array(Buffer.from('large')).buffer;
    const failure = { code: 'ERR_X', reason: 'x', detail: 'y' };
    addon.batch(
      [1, Kinds.Receive, 'binary'],
      [1, Kinds.ReceiveText, 'text'],
      [1, Kinds.ReceiveTextBytes, 'bytes'],
      [1, Kinds.ReceiveLarge, large, 0],
      [1, Kinds.ReceiveLarge, large, 1],
      [1, Kinds.ReceivePing, Buffer.from('ping')],
      [1, Kinds.ReceivePong, Buffer.from('pong')],
      [1, Kinds.Writeable],
      [1, Kinds.Flushed, 5, 3],
      [1, Kinds.ProtocolError, failure],
      [1, Kinds.PeerInitiatedClose, 4000, Buffer.from('why')],
      [1, Kinds.Closed, 4000, cleanClose],
    );
    addon.ready();
    assert.deepEqual(recorder.log, [
      ['message', Buffer.from('binary'), true],
      ['message', 'text', false],
      ['message', Buffer.from('bytes'), false],
      ['message', Buffer.from('large'), true],
      ['message', 'large', false],
      ['ping', Buffer.from('ping')],
      ['pong', Buffer.from('pong')],
      ['drain'],
      ['flushed', 5 + 3 * 2 ** 31],
      ['error', failure],
      ['peerClose', 4000, Buffer.from('why')],
      ['closed', 4000, cleanClose],
    ]);
    assert.ok(recorder.log.slice(0, 1).every(([, data]) => Buffer.isBuffer(data)));
  });

  it('knows an end with nothing to say about it', () => {
    const { addon, recorder } = open();
    addon.batch([1, Kinds.Closed, 1006, -1]);
    addon.ready();
    const nothing = { reason: Buffer.alloc(0), clean: false, detail: '' };
    assert.deepEqual(recorder.log, [['closed', 1006, nothing]]);
  });

  it('gives binary messages as views of one slab', () => {
    const { addon, recorder } = open();
    addon.batch([1, Kinds.Receive, 'one'], [1, Kinds.Receive, 'two']);
    addon.ready();
    const [one, two] = recorder.log.map(([, data]) => data as Buffer);
    assert.equal(one?.buffer, two?.buffer);
    assert.equal(two?.toString(), 'two');
  });

  it('passes a record of a connection that is gone', () => {
    const { addon, recorder } = open();
    addon.batch(
      [1, Kinds.Closed, 1000, cleanClose],
      [1, Kinds.ReceiveText, 'late'],
      [9, Kinds.ReceiveText, 'x'],
    );
    addon.ready();
    assert.deepEqual(recorder.names, ['closed']);
  });

  it('takes several batches in a turn, and asks for another turn if there is more', () => {
    const { addon, recorder } = open();
    for (let i = 0; i < 6; i++) addon.batch([1, Kinds.ReceiveText, String(i)]);
    addon.ready();
    assert.deepEqual(recorder.messages, ['0', '1', '2', '3']);
    assert.equal(addon.count('rearm'), 1);
    addon.ready();
    assert.deepEqual(recorder.messages, ['0', '1', '2', '3', '4', '5']);
    assert.equal(addon.count('rearm'), 1);
  });

  it('ends a turn with the batch in which a connection has begun', () => {
    const { addon, dispatcher, recorder } = open();
    const other = new Recorder();
    new Connection(dispatcher, other).connect(target);
    addon.batch([2, Kinds.Established, established], [1, Kinds.ReceiveText, 'x']);
    addon.batch([2, Kinds.Closed, 1000, cleanClose]);
    addon.ready();
    assert.deepEqual([other.names, recorder.names], [['established'], ['message']]);
    addon.ready();
    assert.deepEqual(other.names, ['established', 'closed']);
  });

  it('loses nothing, and keeps the order, when handlers throw', () => {
    const { addon, recorder } = open();
    recorder.on['message'] = (data: string) => {
      if (data.startsWith('bad')) throw new Error(data);
    };
    addon.batch(
      [1, Kinds.ReceiveText, 'a'],
      [1, Kinds.ReceiveText, 'bad 1'],
      [1, Kinds.ReceiveText, 'b'],
      [1, Kinds.ReceiveText, 'bad 2'],
    );
    addon.batch([1, Kinds.ReceiveText, 'c'], [1, Kinds.Closed, 1000, cleanClose]);
    assert.throws(() => addon.ready(), /^Error: bad 1$/);
    assert.equal(addon.count('rearm'), 1);
    assert.throws(() => addon.ready(), /^Error: bad 2$/);
    assert.equal(addon.count('rearm'), 2);
    addon.ready();
    assert.deepEqual(recorder.messages, ['a', 'bad 1', 'b', 'bad 2', 'c']);
    assert.equal(recorder.names.at(-1), 'closed');
  });

  it('tells the log function of lines, and of nothing without one', () => {
    const { addon, dispatcher } = open();
    const lines: unknown[] = [];
    addon.batch([0, Kinds.Log, 2, 'nobody listens']);
    addon.ready();
    dispatcher.onLog = (level, line) => lines.push([level, line]);
    addon.batch([0, Kinds.Log, 2, 'a warning']);
    addon.ready();
    assert.deepEqual(lines, [[2, 'a warning']]);
  });
});

describe('waking the engine', () => {
  it('once for a burst outside of handlers', async () => {
    const { addon, connection } = open();
    for (let i = 0; i < 40; i++) connection.send('x', 1);
    assert.equal(addon.count('flush'), 0);
    await tick();
    assert.equal(addon.count('flush'), 1);
    await tick();
    assert.equal(addon.count('flush'), 1);
  });

  it('once for a batch of handlers that send', async () => {
    const { addon, recorder, connection } = open();
    recorder.on['message'] = () => void connection.send('answer', 1);
    addon.batch([1, Kinds.ReceiveText, 'a'], [1, Kinds.ReceiveText, 'b']);
    addon.ready();
    assert.equal(addon.sent.length, 2);
    assert.equal(addon.count('flush'), 1);
    await tick();
    assert.equal(addon.count('flush'), 1);
  });

  it('although a handler throws', () => {
    const { addon, recorder, connection } = open();
    recorder.on['message'] = () => {
      connection.send('answer', 1);
      throw new Error('on purpose');
    };
    addon.batch([1, Kinds.ReceiveText, 'a']);
    assert.throws(() => addon.ready(), /on purpose/);
    assert.equal(addon.count('flush'), 1);
  });

  it('for lots of a long burst, each twice as large as the one before', async () => {
    const { addon, connection } = open();
    for (let burst = 0; burst < 2; burst++) {
      const flushed: number[] = [];
      const before = addon.count('flush');
      for (let i = 1; i <= 500; i++) {
        const count = addon.count('flush');
        connection.send('x', 1);
        if (addon.count('flush') > count) flushed.push(i);
      }
      assert.deepEqual(flushed, [48, 144, 336]);
      await tick();
      assert.equal(addon.count('flush') - before, 4);
    }
  });

  /** How often a message can be passed on to all before the engine is told. */
  function rounds(addon: FakeAddon, connections: Connection[], data: string | Buffer): number {
    for (let round = 1; round < 1000; round++) {
      for (const connection of connections) connection.send(data, 2);
      if (addon.count('flush') > 0) return round;
    }
    return Infinity;
  }

  it('for as many messages of each connection, where they are passed on to many', () => {
    const { addon, connections } = openMany(10);
    assert.equal(rounds(addon, connections, 'x'), 48);
  });

  it('and for a KiB of each connection more, if they are larger', () => {
    const { addon, connections } = openMany(65);
    assert.equal(rounds(addon, connections, Buffer.alloc(1024)), 2);
  });

  it('at once when 64 KiB are queued', () => {
    const { addon, connection } = open();
    for (let i = 0; i < 16; i++) connection.send(Buffer.alloc(4096), 2);
    assert.equal(addon.count('flush'), 1);
  });

  it('not for what was not queued', async () => {
    const { addon, connection } = open();
    addon.sendResult = -1;
    assert.equal(connection.send('x', 1), -1);
    await tick();
    assert.equal(addon.count('flush'), 0);
  });
});

describe('keeping the process alive', () => {
  const refs = (addon: FakeAddon): unknown[] =>
    addon.calls.filter(([name]) => name === 'setRef').map(([, ref]) => ref);

  it('from connect() of the first to the end of the last', () => {
    const addon = new FakeAddon();
    const dispatcher = new Dispatcher(addon);
    const make = (): Connection => new Connection(dispatcher, new Recorder());
    const [one, two] = [make(), make()];
    assert.deepEqual(refs(addon), []);
    one.connect(target);
    two.connect(target);
    assert.deepEqual(refs(addon), [true]);
    addon.batch([1, Kinds.ConnectionError, { code: 'X', reason: 'x', detail: '' }]);
    addon.ready();
    assert.deepEqual(refs(addon), [true]);
    addon.batch([2, Kinds.ConnectionError, { code: 'X', reason: 'x', detail: '' }]);
    addon.ready();
    assert.deepEqual(refs(addon), [true, false]);
  });

  it('not when unref() was called, before or later', () => {
    const addon = new FakeAddon();
    const dispatcher = new Dispatcher(addon);
    const connection = new Connection(dispatcher, new Recorder());
    connection.unref();
    connection.connect(target);
    assert.deepEqual(refs(addon), []);
    connection.ref();
    connection.ref();
    connection.unref();
    connection.unref();
    assert.deepEqual(refs(addon), [true, false]);
    addon.batch([1, Kinds.ConnectionError, { code: 'X', reason: 'x', detail: '' }]);
    addon.ready();
    connection.ref();
    assert.deepEqual(refs(addon), [true, false]);
  });
});

describe('a connection', () => {
  it('connects once', () => {
    const { connection } = open();
    assert.throws(() => connection.connect(target), /connects once/);
  });

  it('can be used again by its owner inside the terminal handler', () => {
    const { addon, dispatcher, recorder } = open();
    const second = new Connection(dispatcher, recorder);
    recorder.on['closed'] = () => second.connect(target);
    addon.batch([1, Kinds.Closed, 1000, cleanClose]);
    addon.ready();
    assert.deepEqual(
      addon.calls.filter(([name]) => name === 'release'),
      [['release', 1]],
    );
    assert.equal(second.id, 2);
  });

  it('keeps its counters when it has closed', () => {
    const { addon, connection } = open();
    const before = connection.stats();
    assert.equal(before.messagesReceived, 1);
    assert.equal(before.messagesSent, 2);
    addon.batch([1, Kinds.Closed, 1000, cleanClose]);
    addon.ready();
    assert.equal(connection.id, 0);
    assert.deepEqual(connection.stats(), before);
    assert.equal(connection.bufferedAmount, 7);
  });

  it('sends nothing before it is established and after it closes', () => {
    const addon = new FakeAddon();
    const connection = new Connection(new Dispatcher(addon), new Recorder());
    const closed = -2;
    assert.equal(connection.send('x', 1), closed);
    connection.connect(target);
    assert.equal(connection.send('x', 1), closed);
    addon.batch([1, Kinds.Established, established]);
    addon.ready();
    assert.equal(connection.send('x', 1), 0);
    connection.close(1000);
    assert.equal(connection.send('x', 1), closed);
    assert.equal(connection.ping(), closed);
    assert.equal(connection.pong(), closed);
    assert.equal(addon.sent.length, 1);
  });

  it('gives up while connecting: one failure, whatever the engine says of it', () => {
    for (const end of [
      [1, Kinds.ConnectionError, { code: 'ERR_OTHER', reason: 'other', detail: '' }],
      [1, Kinds.Established, established],
    ] as [number, number, unknown][]) {
      const addon = new FakeAddon();
      const recorder = new Recorder();
      const connection = new Connection(new Dispatcher(addon), recorder);
      connection.connect(target);
      connection.close(1000);
      assert.deepEqual(recorder.names, []);
      addon.batch(end);
      if (end[1] === Kinds.Established) addon.batch([1, Kinds.Closed, 1006, cleanClose]);
      for (let turn = 0; turn < 2; turn++) addon.ready();
      assert.deepEqual(recorder.names, ['failure']);
      assert.equal((recorder.log[0]?.[1] as { code: string }).code, 'ERR_CONNECTION_ABORTED');
    }
  });

  it('judges a certificate by checkServerIdentity', () => {
    // The certificate does not parse: that is a refusal as well, not an exception.
    const addon = new FakeAddon();
    const recorder = new Recorder();
    const connection = new Connection(new Dispatcher(addon), recorder);
    connection.connect({ ...target, checkServerIdentity: () => undefined });
    addon.batch([1, Kinds.Certificate, { raw: Buffer.from('no certificate'), servername: 'host' }]);
    addon.ready();
    assert.deepEqual(recorder.names, []);
    assert.equal(addon.count('verify'), 1);
    assert.ok(connection.identityError);
  });
});

describe('pausing a connection', () => {
  it('holds messages back, and delivers them in order', () => {
    const { addon, recorder, connection } = open();
    recorder.on['message'] = (data: unknown) => {
      if (String(data) === 'two') connection.pause();
    };
    addon.batch(
      [1, Kinds.ReceiveText, 'one'],
      [1, Kinds.ReceiveText, 'two'],
      [1, Kinds.ReceiveText, 'three'],
      [1, Kinds.Receive, 'four'],
    );
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two']);
    addon.batch([1, Kinds.ReceiveText, 'five'], [1, Kinds.Closed, 1000, cleanClose]);
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two']);
    connection.resume();
    assert.deepEqual(recorder.messages, ['one', 'two'], 'not inside of resume()');
    assert.equal(addon.count('rearm'), 1);
    addon.batch([1, Kinds.ReceiveText, 'never']);
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two', 'three', 'four', 'five']);
    assert.equal(recorder.names.at(-1), 'closed');
  });

  it('can pause again while held messages are delivered', () => {
    const { addon, recorder, connection } = open();
    connection.pause();
    addon.batch([1, Kinds.ReceiveText, 'one'], [1, Kinds.ReceiveText, 'two']);
    addon.ready();
    recorder.on['message'] = () => connection.pause();
    connection.resume();
    addon.ready();
    assert.deepEqual(recorder.messages, ['one']);
    addon.batch([1, Kinds.ReceiveText, 'three']);
    connection.resume();
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two']);
    connection.resume();
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two', 'three']);
  });

  it('loses none of them when a handler throws', () => {
    const { addon, recorder, connection } = open();
    connection.pause();
    addon.batch([1, Kinds.ReceiveText, 'one'], [1, Kinds.ReceiveText, 'two']);
    addon.ready();
    recorder.on['message'] = (data: unknown) => {
      if (data === 'one') throw new Error('on purpose');
    };
    connection.resume();
    assert.throws(() => addon.ready(), /on purpose/);
    addon.ready();
    assert.deepEqual(recorder.messages, ['one', 'two']);
  });

  it('does not hold drain, nor an end that nothing came before', () => {
    const { addon, recorder, connection } = open();
    connection.pause();
    addon.batch(
      [1, Kinds.Writeable],
      [1, Kinds.Flushed, 1, 0],
      [1, Kinds.Closed, 1006, cleanClose],
    );
    addon.ready();
    assert.deepEqual(recorder.names, ['drain', 'flushed', 'closed']);
  });

  it('ends with terminate(), after what was held', () => {
    const { addon, recorder, connection } = open();
    connection.pause();
    addon.batch([1, Kinds.ReceiveText, 'held']);
    addon.ready();
    connection.terminate();
    addon.batch([1, Kinds.Closed, 1006, cleanClose]);
    addon.ready();
    assert.deepEqual(recorder.names, ['message', 'closed']);
  });
});

describe('resolving in JavaScript', () => {
  type Callback = (error: Error | null, address?: unknown, family?: number) => void;

  const connectWith = (
    lookup: (host: string, options: unknown, callback: Callback) => void,
    options: object = {},
  ): { addon: FakeAddon; recorder: Recorder; connection: Connection } => {
    const addon = new FakeAddon();
    const recorder = new Recorder();
    const connection = new Connection(new Dispatcher(addon), recorder);
    connection.connect({
      ...target,
      options: { ...target.options, ...options },
      lookup: lookup as NonNullable<Target['lookup']>,
    });
    return { addon, recorder, connection };
  };

  it('hands the addresses to the engine', async () => {
    const { addon } = connectWith((host, options, callback) => {
      assert.equal(host, 'host');
      assert.deepEqual(options, { all: true, family: 0, hints: 0 });
      callback(null, [
        { address: '127.0.0.1', family: 4 },
        { address: '::1', family: 6 },
      ]);
    });
    assert.equal(addon.connects.length, 0);
    await tick();
    assert.deepEqual(addon.connects[0]?.addresses, ['127.0.0.1', '::1']);
  });

  it('takes one address as well, as from dns.lookup without all', async () => {
    const { addon } = connectWith((_host, _options, callback) => callback(null, '127.0.0.1', 4));
    await tick();
    assert.deepEqual(addon.connects[0]?.addresses, ['127.0.0.1']);
  });

  it('fails with what the function says', async () => {
    const error = Object.assign(new Error('queryA ESERVFAIL host'), { code: 'ESERVFAIL' });
    const { addon, recorder } = connectWith((_host, _options, callback) => callback(error));
    await tick();
    assert.equal(addon.connects.length, 0);
    assert.deepEqual(recorder.log, [
      [
        'failure',
        {
          code: 'ESERVFAIL',
          reason: 'getaddrinfo (ipv4) failed',
          detail: 'queryA ESERVFAIL host',
          address: 'host',
          errno: 'ESERVFAIL',
        },
      ],
    ]);
  });

  it('fails if the function throws, and takes one answer only', async () => {
    const { recorder } = connectWith((_host, _options, callback) => {
      callback(new Error('first'));
      callback(null, '127.0.0.1', 4);
      throw new Error('second');
    });
    await tick();
    assert.equal((recorder.log[0]?.[1] as { detail: string }).detail, 'first');
    assert.equal(recorder.log.length, 1);
    const thrown = connectWith(() => {
      throw new Error('thrown');
    });
    await tick();
    assert.equal((thrown.recorder.log[0]?.[1] as { detail: string }).detail, 'thrown');
  });

  it('fails if there is no address of the family', async () => {
    const { recorder } = connectWith(
      (_host, _options, callback) => callback(null, '127.0.0.1', 4),
      {
        family: 6,
      },
    );
    await tick();
    assert.equal((recorder.log[0]?.[1] as { code: string }).code, 'ENOTFOUND');
    assert.equal((recorder.log[0]?.[1] as { reason: string }).reason, 'getaddrinfo (ipv6) failed');
  });

  it('is not asked for addresses, unix sockets, and what a proxy resolves', () => {
    const never = (): void => assert.fail('lookup was called');
    for (const options of [
      { host: '127.0.0.1' },
      { host: '::1' },
      { socketPath: '/tmp/s' },
      { proxy: { type: 'http', host: 'proxy', port: 1 } },
    ]) {
      assert.equal(connectWith(never, options).addon.connects.length, 1);
    }
  });

  it('may answer when nobody wants it any more', async () => {
    let answer: Callback = () => {};
    const { addon, recorder, connection } = connectWith((_host, _options, callback) => {
      answer = callback;
    });
    connection.close();
    await tick();
    assert.deepEqual(recorder.names, ['failure']);
    answer(null, '127.0.0.1', 4);
    await tick();
    assert.equal(addon.connects.length, 0);
    assert.deepEqual(recorder.names, ['failure']);
  });
});
